//! An enum variant's fields as a JSON object of their own, through the enum's serde implementations.
//!
//! Serde writes an enum as `{"Variant": {…}}`. On the wire the event's name stands elsewhere, so only the inner
//! object is wanted. This adapter takes the variant's content on the way out and says which variant it is on the way
//! in, so that all serde attributes of the fields hold.

use std::fmt::Display;

use headwater_core::Args;
use serde::de::value::U32Deserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, EnumAccess, IgnoredAny, IntoDeserializer, VariantAccess, Visitor};
use serde::ser::{Impossible, SerializeStruct, SerializeStructVariant};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Error;

type Json<'a> = &'a mut serde_json::Serializer<&'a mut Vec<u8>>;

/// Writes the fields of an enum's variant.
///
/// # Errors
/// If a field can't be written as JSON, or the value is not a variant with named fields or none.
pub fn encode<T: Serialize>(event: &T) -> Result<Args, Error> {
    let mut bytes = Vec::with_capacity(128);
    event.serialize(VariantWriter(&mut serde_json::Serializer::new(&mut bytes)))?;
    let json = String::from_utf8(bytes).map_err(serde::ser::Error::custom)?;
    Args::from_json(json)
}

/// Reads the variant that was declared as number `index`, from 0.
///
/// # Errors
/// If the arguments don't fit its fields.
pub fn decode<T: DeserializeOwned>(index: usize, args: &Args) -> Result<T, Error> {
    let index = u32::try_from(index).map_err(serde::de::Error::custom)?;
    let mut json = serde_json::Deserializer::from_str(args.json());
    let event = T::deserialize(VariantReader { index, json: &mut json })?;
    json.end()?;
    Ok(event)
}

struct VariantWriter<'a>(Json<'a>);

struct Fields<S>(S);

impl<S: SerializeStruct> SerializeStructVariant for Fields<S> {
    type Ok = S::Ok;
    type Error = S::Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), S::Error> {
        self.0.serialize_field(key, value)
    }

    fn skip_field(&mut self, key: &'static str) -> Result<(), S::Error> {
        self.0.skip_field(key)
    }

    fn end(self) -> Result<S::Ok, S::Error> {
        self.0.end()
    }
}

fn not_a_variant<T>() -> Result<T, Error> {
    Err(serde::ser::Error::custom("an event is an enum whose variants have named fields or none"))
}

macro_rules! refuse {
    ($($method:ident($($kind:ty),*);)*) => {$(
        fn $method(self, $(_: $kind),*) -> Result<(), Error> {
            not_a_variant()
        }
    )*};
}

impl<'a> Serializer for VariantWriter<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Impossible<(), Error>;
    type SerializeTuple = Impossible<(), Error>;
    type SerializeTupleStruct = Impossible<(), Error>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeMap = Impossible<(), Error>;
    type SerializeStruct = Impossible<(), Error>;
    type SerializeStructVariant = Fields<<Json<'a> as Serializer>::SerializeStruct>;

    fn serialize_unit_variant(self, name: &'static str, _: u32, _: &'static str) -> Result<(), Error> {
        SerializeStruct::end(self.0.serialize_struct(name, 0)?)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self.0)
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStructVariant, Error> {
        self.0.serialize_struct(name, len).map(Fields)
    }

    refuse! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_f32(f32);
        serialize_f64(f64);
        serialize_char(char);
        serialize_str(&str);
        serialize_bytes(&[u8]);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(&'static str);
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<(), Error> {
        not_a_variant()
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, _: &T) -> Result<(), Error> {
        not_a_variant()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Error> {
        not_a_variant()
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Error> {
        not_a_variant()
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Error> {
        not_a_variant()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        not_a_variant()
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Error> {
        not_a_variant()
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, Error> {
        not_a_variant()
    }

    fn collect_str<T: Display + ?Sized>(self, _: &T) -> Result<(), Error> {
        not_a_variant()
    }
}

struct VariantReader<'a, 'de> {
    index: u32,
    json: &'a mut serde_json::Deserializer<serde_json::de::StrRead<'de>>,
}

impl<'de> serde::Deserializer<'de> for VariantReader<'_, 'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_enum(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_enum(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de> EnumAccess<'de> for VariantReader<'_, 'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let index: U32Deserializer<Error> = self.index.into_deserializer();
        Ok((seed.deserialize(index)?, self))
    }
}

impl<'de> VariantAccess<'de> for VariantReader<'_, 'de> {
    type Error = Error;

    /// Whatever the arguments hold is ignored, as unknown fields are.
    fn unit_variant(self) -> Result<(), Error> {
        IgnoredAny::deserialize(self.json).map(drop)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.json)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Error> {
        Err(serde::de::Error::custom("an event has named fields or none"))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        serde::Deserializer::deserialize_map(self.json, visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Sample {
        #[serde(rename_all = "camelCase")]
        Struct {
            list_id: String,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            note: Option<u8>,
        },
        Unit,
    }

    #[test]
    fn fields_are_an_object_of_their_own_and_serde_attributes_hold() -> Result<(), Error> {
        let event = Sample::Struct { list_id: "a\"b".into(), note: None };
        assert_eq!(encode(&event)?.json(), r#"{"listId":"a\"b"}"#);
        assert_eq!(decode::<Sample>(0, &encode(&event)?)?, event);
        assert_eq!(encode(&Sample::Unit)?.json(), "{}");
        assert_eq!(decode::<Sample>(1, &Args::from_json(r#"{"later":[1]}"#.into())?)?, Sample::Unit);
        Ok(())
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        for json in ["{}", "[]", "null", r#"{"listId":1}"#, r#"{"listId":"a","listId":"b"}"#] {
            let args = Args::from_json(json.into()).expect("JSON");
            assert!(decode::<Sample>(0, &args).is_err(), "{json}");
        }
        assert!(encode(&5).is_err() && encode(&"text").is_err());
        assert!(decode::<Sample>(7, &Args::encode(&()).expect("JSON")).is_err());
    }
}
