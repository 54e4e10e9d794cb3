//! Reading rows as types.

use rusqlite::types::ValueRef;

use crate::error::{Error, Result};
use crate::schema::ColumnType;

/// A row of a result, while it is read.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    source: Source<'a>,
    /// Where the columns of the type stand in the result, if it reads by name.
    positions: Option<&'a [usize]>,
    /// Where the columns of the type begin in the result, if it reads by position.
    offset: usize,
}

#[derive(Clone, Copy)]
enum Source<'a> {
    Statement(&'a rusqlite::Row<'a>),
    Kept { values: &'a [ValueRef<'a>], names: &'a [Box<str>] },
}

impl<'a> Row<'a> {
    pub(crate) fn new(inner: &'a rusqlite::Row<'a>, positions: Option<&'a [usize]>) -> Self {
        Self { source: Source::Statement(inner), positions, offset: 0 }
    }

    /// A row that was kept: the values that its type reads, in the order of its reads, and their names.
    pub(crate) fn kept(values: &'a [ValueRef<'a>], names: &'a [Box<str>]) -> Self {
        Self { source: Source::Kept { values, names }, positions: None, offset: 0 }
    }

    /// The same row for a type whose columns begin at `offset`. For rows that are read by position.
    pub(crate) fn skip(self, offset: usize) -> Self {
        Self { offset: self.offset + offset, ..self }
    }

    /// The value of column `index`: of [`FromRow::COLUMNS`] if the type names its columns, else of the result, from 0.
    ///
    /// # Errors
    /// [`Error::Row`] if there is no such column or its value doesn't fit.
    pub fn get<T: ColumnType>(&self, index: usize) -> Result<T> {
        T::from_column(self.value(index)?).map_err(|reason| self.error(index, reason))
    }

    /// How many columns the type can read.
    pub(crate) fn width(&self) -> usize {
        let all = match self.source {
            Source::Statement(row) => row.as_ref().column_count(),
            Source::Kept { values, .. } => values.len(),
        };
        self.positions.map_or(all.saturating_sub(self.offset), <[usize]>::len)
    }

    /// The value of a column as SQLite gave it.
    pub(crate) fn value(&self, index: usize) -> Result<ValueRef<'_>> {
        let value = self.position(index).and_then(|position| match self.source {
            Source::Statement(row) => row.get_ref(position).ok(),
            Source::Kept { values, .. } => values.get(position).copied(),
        });
        value.ok_or_else(|| self.error(index, "the result has no such column".to_owned()))
    }

    /// The name of a column; its number if it has none.
    pub(crate) fn name(&self, index: usize) -> String {
        let name = self.position(index).and_then(|position| match self.source {
            Source::Statement(row) => row.as_ref().column_name(position).ok(),
            Source::Kept { names, .. } => names.get(position).map(|name| &**name),
        });
        name.map_or_else(|| index.to_string(), str::to_owned)
    }

    fn position(&self, index: usize) -> Option<usize> {
        self.positions.map_or(Some(index + self.offset), |positions| positions.get(index).copied())
    }

    fn error(&self, index: usize, reason: String) -> Error {
        Error::Row { column: self.name(index), reason }
    }
}

/// A type that a row can be read as: derived for tables and for structs of one's own, given for single values and
/// tuples.
pub trait FromRow: Sized + Send + Sync + 'static {
    /// The names of the columns that it reads, in the order of its reads; `None`: it reads by position.
    const COLUMNS: Option<&'static [&'static str]>;

    /// Reads a row.
    ///
    /// # Errors
    /// [`Error::Row`] if a value doesn't fit.
    fn from_row(row: &Row<'_>) -> Result<Self>;
}

impl<T: ColumnType + Send + Sync + 'static> FromRow for T {
    const COLUMNS: Option<&'static [&'static str]> = None;

    fn from_row(row: &Row<'_>) -> Result<Self> {
        row.get(0)
    }
}

macro_rules! tuples {
    ($($name:ident $index:tt)+) => {
        impl<$($name: ColumnType + Send + Sync + 'static),+> FromRow for ($($name,)+) {
            const COLUMNS: Option<&'static [&'static str]> = None;

            fn from_row(row: &Row<'_>) -> Result<Self> {
                Ok(($(row.get::<$name>($index)?,)+))
            }
        }
    };
}
tuples! { A 0 }
tuples! { A 0 B 1 }
tuples! { A 0 B 1 C 2 }
tuples! { A 0 B 1 C 2 D 3 }
tuples! { A 0 B 1 C 2 D 3 E 4 }
tuples! { A 0 B 1 C 2 D 3 E 4 F 5 }
tuples! { A 0 B 1 C 2 D 3 E 4 F 5 G 6 }
tuples! { A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 }
