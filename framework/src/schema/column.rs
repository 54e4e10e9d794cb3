//! Types that a column can have.

use std::fmt;

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The storage class of a column in a STRICT table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SqlType {
    /// UTF-8 text.
    Text,
    /// A 64-bit signed integer.
    Integer,
    /// A 64-bit float.
    Real,
    /// Bytes.
    Blob,
    /// Whatever is put in.
    Any,
}

impl fmt::Display for SqlType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "TEXT",
            Self::Integer => "INTEGER",
            Self::Real => "REAL",
            Self::Blob => "BLOB",
            Self::Any => "ANY",
        })
    }
}

/// Something that can be bound to a parameter.
#[diagnostic::on_unimplemented(
    message = "a value of type `{Self}` can't be stored in a column",
    label = "no column can hold this",
    note = "a column holds text, bytes, numbers, bools, `Timestamp` and `Option` of these; for any serde type write `Json<…>`, \
            or `#[column(json)]` at a table's field"
)]
pub trait ToColumn {
    /// The value as SQLite stores it.
    ///
    /// # Errors
    /// If it has no such form, for example an unsigned number above `i64::MAX`.
    fn to_column(&self) -> Result<ToSqlOutput<'_>>;
}

/// A type that a column can have: it has one storage class and reads back as what it was.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the type of a column",
    label = "no column has this type",
    note = "a column holds text, bytes, numbers, bools, `Timestamp` and `Option` of these; for any serde type write \
            `#[column(json)]` at the field"
)]
pub trait ColumnType: ToColumn + Sized {
    /// How SQLite stores it.
    const SQL_TYPE: SqlType;
    /// Whether it can be NULL.
    const NULLABLE: bool = false;

    /// Reads it back.
    ///
    /// # Errors
    /// A text that says what does not fit.
    fn from_column(value: ValueRef<'_>) -> Result<Self, String>;
}

fn mismatch<T>(value: ValueRef<'_>) -> Result<T, String> {
    Err(format!("{} does not fit the type {}", value.data_type(), std::any::type_name::<T>()))
}

impl<T: ToColumn + ?Sized> ToColumn for &T {
    fn to_column(&self) -> Result<ToSqlOutput<'_>> {
        (**self).to_column()
    }
}

impl ToColumn for str {
    fn to_column(&self) -> Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(self.as_bytes())))
    }
}

impl ToColumn for [u8] {
    fn to_column(&self) -> Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Blob(self)))
    }
}

impl ToColumn for Value {
    fn to_column(&self) -> Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(self.into()))
    }
}

impl ColumnType for Value {
    const SQL_TYPE: SqlType = SqlType::Any;
    const NULLABLE: bool = true;

    fn from_column(value: ValueRef<'_>) -> Result<Self, String> {
        value.try_into().map_err(|error: rusqlite::types::FromSqlError| error.to_string())
    }
}

impl ToColumn for String {
    fn to_column(&self) -> Result<ToSqlOutput<'_>> {
        self.as_str().to_column()
    }
}

impl ColumnType for String {
    const SQL_TYPE: SqlType = SqlType::Text;

    fn from_column(value: ValueRef<'_>) -> Result<Self, String> {
        match value {
            ValueRef::Text(bytes) => String::from_utf8(bytes.to_vec()).map_err(|error| error.to_string()),
            other => mismatch(other),
        }
    }
}

impl ToColumn for Vec<u8> {
    fn to_column(&self) -> Result<ToSqlOutput<'_>> {
        self.as_slice().to_column()
    }
}

impl ColumnType for Vec<u8> {
    const SQL_TYPE: SqlType = SqlType::Blob;

    fn from_column(value: ValueRef<'_>) -> Result<Self, String> {
        match value {
            ValueRef::Blob(bytes) => Ok(bytes.to_vec()),
            other => mismatch(other),
        }
    }
}

impl ToColumn for bool {
    fn to_column(&self) -> Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Owned(Value::Integer((*self).into())))
    }
}

impl ColumnType for bool {
    const SQL_TYPE: SqlType = SqlType::Integer;

    fn from_column(value: ValueRef<'_>) -> Result<Self, String> {
        match value {
            ValueRef::Integer(0) => Ok(false),
            ValueRef::Integer(1) => Ok(true),
            ValueRef::Integer(other) => Err(format!("{other} is neither 0 nor 1")),
            other => mismatch(other),
        }
    }
}

macro_rules! integers {
    ($($integer:ty)*) => {$(
        impl ToColumn for $integer {
            fn to_column(&self) -> Result<ToSqlOutput<'_>> {
                let number = i64::try_from(*self)
                    .map_err(|_| Error::app(format!("{self} is above {}, the largest integer of SQLite", i64::MAX)))?;
                Ok(ToSqlOutput::Owned(Value::Integer(number)))
            }
        }

        impl ColumnType for $integer {
            const SQL_TYPE: SqlType = SqlType::Integer;

            fn from_column(value: ValueRef<'_>) -> Result<Self, String> {
                match value {
                    ValueRef::Integer(number) => <$integer>::try_from(number)
                        .map_err(|_| format!("{number} does not fit the type {}", stringify!($integer))),
                    other => mismatch(other),
                }
            }
        }
    )*};
}
integers! { i8 i16 i32 i64 isize u8 u16 u32 u64 usize }

impl ToColumn for f64 {
    /// SQLite stores NaN as NULL, so NaN is refused.
    fn to_column(&self) -> Result<ToSqlOutput<'_>> {
        if self.is_nan() {
            return Err(Error::app("NaN can't be stored: SQLite would make it NULL"));
        }
        Ok(ToSqlOutput::Owned(Value::Real(*self)))
    }
}

impl ColumnType for f64 {
    const SQL_TYPE: SqlType = SqlType::Real;

    fn from_column(value: ValueRef<'_>) -> Result<Self, String> {
        match value {
            ValueRef::Real(number) => Ok(number),
            #[expect(clippy::cast_precision_loss, reason = "an expression of integers read as a float")]
            ValueRef::Integer(number) => Ok(number as Self),
            other => mismatch(other),
        }
    }
}

impl<T: ToColumn> ToColumn for Option<T> {
    fn to_column(&self) -> Result<ToSqlOutput<'_>> {
        self.as_ref().map_or(Ok(ToSqlOutput::Owned(Value::Null)), T::to_column)
    }
}

impl<T: ColumnType> ColumnType for Option<T> {
    const SQL_TYPE: SqlType = T::SQL_TYPE;
    const NULLABLE: bool = true;

    fn from_column(value: ValueRef<'_>) -> Result<Self, String> {
        match value {
            ValueRef::Null => Ok(None),
            value => T::from_column(value).map(Some),
        }
    }
}

/// A moment in UTC with a precision of microseconds, stored as an integer: microseconds since 1970.
///
/// An event carries the moment as an argument; a materializer has no clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment now, by the system's clock.
    #[must_use]
    pub fn now() -> Self {
        Self(jiff::Timestamp::now().as_microsecond())
    }

    /// So many microseconds since 1970.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(moment) => moment.fmt(f),
            Err(_) => write!(f, "{} µs", self.0),
        }
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(moment: jiff::Timestamp) -> Self {
        Self(moment.as_microsecond())
    }
}

impl ToColumn for Timestamp {
    fn to_column(&self) -> Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Owned(Value::Integer(self.0)))
    }
}

impl ColumnType for Timestamp {
    const SQL_TYPE: SqlType = SqlType::Integer;

    fn from_column(value: ValueRef<'_>) -> Result<Self, String> {
        i64::from_column(value).map(Self)
    }
}

/// Any serde type, stored as JSON text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Json<T>(pub T);

impl<T: Serialize> ToColumn for Json<T> {
    fn to_column(&self) -> Result<ToSqlOutput<'_>> {
        let json = serde_json::to_string(&self.0).map_err(Error::app)?;
        Ok(ToSqlOutput::Owned(Value::Text(json)))
    }
}

impl<T: Serialize + DeserializeOwned> ColumnType for Json<T> {
    const SQL_TYPE: SqlType = SqlType::Text;

    fn from_column(value: ValueRef<'_>) -> Result<Self, String> {
        match value {
            ValueRef::Text(json) => serde_json::from_slice(json).map(Self).map_err(|error| error.to_string()),
            other => mismatch(other),
        }
    }
}
