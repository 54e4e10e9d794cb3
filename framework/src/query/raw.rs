//! Rows as SQLite gave them: to compare results without asking anything of their types.

use rusqlite::types::ValueRef;

use crate::error::{Error, Result};
use crate::query::Query;
use crate::query::reader::Reader;
use crate::schema::Row;
use crate::state::StateDb;

/// The rows of a result: of each the values that its type reads, by type and bytes.
#[derive(Default)]
pub(crate) struct RawRows {
    bytes: Vec<u8>,
    count: usize,
    names: Vec<Box<str>>,
}

impl RawRows {
    /// Runs a query.
    pub(crate) fn run<T: Send + Sync + 'static>(query: &Query<T>, state: &StateDb) -> Result<Self> {
        let mut rows = Self::default();
        query.for_each(state.db(), |row| rows.add(row))?;
        Ok(rows)
    }

    fn add(&mut self, row: &Row<'_>) -> Result<()> {
        let width = row.width();
        if self.count == 0 {
            self.names = (0..width).map(|index| row.name(index).into()).collect();
        }
        self.count += 1;
        (0..width).try_for_each(|index| {
            put(&mut self.bytes, row.value(index)?);
            Ok(())
        })
    }

    /// Equal for equal results, and for no others.
    pub(crate) fn digest(&self) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&(self.count as u64).to_le_bytes());
        hasher.update(&self.bytes);
        hasher.finalize()
    }

    /// Reads the rows as their type.
    pub(crate) fn read<T>(&self, reader: &Reader<T>) -> Result<Vec<T>> {
        let mut rest = self.bytes.as_slice();
        let mut rows = Vec::with_capacity(self.count);
        let mut values = Vec::with_capacity(self.names.len());
        for _ in 0..self.count {
            values.clear();
            for _ in &self.names {
                values.push(take(&mut rest).ok_or_else(|| Error::app("a kept row is cut off"))?);
            }
            rows.push(reader.read(&Row::kept(&values, &self.names))?);
        }
        Ok(rows)
    }
}

const NULL: u8 = 0;
const INTEGER: u8 = 1;
const REAL: u8 = 2;
const TEXT: u8 = 3;
const BLOB: u8 = 4;

/// Appends a value: its type, then its bytes with their length. Different values never give the same bytes.
pub(crate) fn put(bytes: &mut Vec<u8>, value: ValueRef<'_>) {
    match value {
        ValueRef::Null => bytes.push(NULL),
        ValueRef::Integer(number) => put_fixed(bytes, INTEGER, number.to_le_bytes()),
        ValueRef::Real(number) => put_fixed(bytes, REAL, number.to_bits().to_le_bytes()),
        ValueRef::Text(text) => put_sized(bytes, TEXT, text),
        ValueRef::Blob(blob) => put_sized(bytes, BLOB, blob),
    }
}

pub(crate) fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_sized(bytes, TEXT, text.as_bytes());
}

fn put_fixed(bytes: &mut Vec<u8>, kind: u8, value: [u8; 8]) {
    bytes.push(kind);
    bytes.extend_from_slice(&value);
}

fn put_sized(bytes: &mut Vec<u8>, kind: u8, value: &[u8]) {
    put_fixed(bytes, kind, (value.len() as u64).to_le_bytes());
    bytes.extend_from_slice(value);
}

fn take<'a>(rest: &mut &'a [u8]) -> Option<ValueRef<'a>> {
    let (kind, after) = rest.split_first()?;
    *rest = after;
    Some(match *kind {
        NULL => ValueRef::Null,
        INTEGER => ValueRef::Integer(i64::from_le_bytes(take_fixed(rest)?)),
        REAL => ValueRef::Real(f64::from_bits(u64::from_le_bytes(take_fixed(rest)?))),
        TEXT => ValueRef::Text(take_sized(rest)?),
        _ => ValueRef::Blob(take_sized(rest)?),
    })
}

fn take_fixed(rest: &mut &[u8]) -> Option<[u8; 8]> {
    let (value, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*value)
}

fn take_sized<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = usize::try_from(u64::from_le_bytes(take_fixed(rest)?)).ok()?;
    let (value, after) = rest.split_at_checked(len)?;
    *rest = after;
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_and_are_told_apart_by_type_and_bytes() {
        let values = [
            ValueRef::Null,
            ValueRef::Integer(1),
            ValueRef::Real(1.0),
            ValueRef::Text(b"1"),
            ValueRef::Blob(b"1"),
            ValueRef::Text(b""),
            ValueRef::Blob(b""),
            ValueRef::Text(b"null"),
            ValueRef::Real(0.0),
            ValueRef::Real(-0.0),
            ValueRef::Integer(0),
            ValueRef::Integer(i64::MIN),
        ];
        let encode = |value: &ValueRef<'_>| {
            let mut bytes = Vec::new();
            put(&mut bytes, *value);
            bytes
        };
        let encoded: std::collections::HashSet<_> = values.iter().map(encode).collect();
        assert_eq!(encoded.len(), values.len());
        let mut bytes = Vec::new();
        values.iter().for_each(|value| put(&mut bytes, *value));
        let mut rest = bytes.as_slice();
        for value in &values {
            assert_eq!(encode(&take(&mut rest).expect("a value")), encode(value));
        }
        assert!(take(&mut rest).is_none());
    }
}
