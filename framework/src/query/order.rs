//! Order of rows.

use crate::query::expr::{Operand, Scalar};
use crate::query::term::{Term, Writer};
use crate::schema::{Column, ColumnType, Table};

/// What rows are ordered by: a column, an expression, or one of these with a direction.
#[derive(Clone)]
pub struct Order {
    pub(crate) term: Term,
    direction: &'static str,
    nulls: &'static str,
}

impl Order {
    pub(crate) fn ascending(term: Term) -> Self {
        Self { term, direction: " ASC", nulls: "" }
    }

    pub(crate) fn descending(term: Term) -> Self {
        Self { term, direction: " DESC", nulls: "" }
    }

    /// NULL comes before all values.
    #[must_use]
    pub fn nulls_first(self) -> Self {
        Self { nulls: " NULLS FIRST", ..self }
    }

    /// NULL comes after all values.
    #[must_use]
    pub fn nulls_last(self) -> Self {
        Self { nulls: " NULLS LAST", ..self }
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.term(&self.term);
        writer.push(self.direction);
        writer.push(self.nulls);
    }
}

impl<T: Table, V: ColumnType + Send + Sync + 'static> From<Column<T, V>> for Order {
    fn from(column: Column<T, V>) -> Self {
        Self::ascending(column.into_term())
    }
}

impl<V: ColumnType + Send + Sync + 'static> From<Scalar<V>> for Order {
    fn from(scalar: Scalar<V>) -> Self {
        Self::ascending(scalar.into_term())
    }
}

/// How text is compared and ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Collation {
    /// By bytes.
    Binary,
    /// Upper and lower case of A to Z are the same.
    NoCase,
    /// Spaces at the end don't count.
    Rtrim,
}

impl Collation {
    pub(crate) fn operator(self) -> &'static [&'static str] {
        match self {
            Self::Binary => &["(", " COLLATE BINARY)"],
            Self::NoCase => &["(", " COLLATE NOCASE)"],
            Self::Rtrim => &["(", " COLLATE RTRIM)"],
        }
    }
}
