//! Reading rows as types.

use crate::error::{Error, Result};
use crate::schema::ColumnType;

/// A row of a result, while it is read.
pub struct Row<'a> {
    inner: &'a rusqlite::Row<'a>,
    /// Where the columns of the type stand in the result, if it reads by name.
    positions: Option<&'a [usize]>,
}

impl<'a> Row<'a> {
    pub(crate) fn new(inner: &'a rusqlite::Row<'a>, positions: Option<&'a [usize]>) -> Self {
        Self { inner, positions }
    }

    /// The value of column `index`: of [`FromRow::COLUMNS`] if the type names its columns, else of the result, from 0.
    ///
    /// # Errors
    /// [`Error::Row`] if there is no such column or its value doesn't fit.
    pub fn get<T: ColumnType>(&self, index: usize) -> Result<T> {
        let position = self.positions.map_or(Some(index), |positions| positions.get(index).copied());
        let position = position.ok_or_else(|| self.error(index, "there is no such column".into()))?;
        let value = self.inner.get_ref(position).map_err(|error| self.error(index, error.to_string()))?;
        T::from_column(value).map_err(|reason| self.error(position, reason))
    }

    fn error(&self, position: usize, reason: String) -> Error {
        let name = self.inner.as_ref().column_name(position);
        Error::Row { column: name.map_or_else(|_| position.to_string(), str::to_owned), reason }
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
