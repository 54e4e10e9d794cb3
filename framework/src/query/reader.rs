//! How the rows of a query are read.

use crate::error::Result;
use crate::schema::{FromRow, Row};

/// Reads the rows of a result as values of a type.
pub(crate) struct Reader<T> {
    columns: Option<&'static [&'static str]>,
    read: fn(&Row<'_>) -> Result<T>,
}

impl<T: FromRow> Reader<T> {
    /// As the type says: by name or by position.
    pub(crate) fn by_type() -> Self {
        Self { columns: T::COLUMNS, read: T::from_row }
    }
}

impl<T> Reader<T> {
    /// By position.
    pub(crate) fn by_position(read: fn(&Row<'_>) -> Result<T>) -> Self {
        Self { columns: None, read }
    }

    pub(crate) fn columns(&self) -> Option<&'static [&'static str]> {
        self.columns
    }

    pub(crate) fn read(&self, row: &Row<'_>) -> Result<T> {
        (self.read)(row)
    }
}

impl<T> Clone for Reader<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Reader<T> {}
