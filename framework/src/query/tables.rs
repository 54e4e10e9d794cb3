//! Rows of one table and of several.

use rusqlite::types::ValueRef;

use crate::error::Result;
use crate::query::term::Term;
use crate::schema::{Row, Table};

/// The columns of a table's type, in the order in which it reads them.
fn names<T: Table>() -> impl Iterator<Item = &'static str> {
    let (by_name, by_position) = match T::COLUMNS {
        Some(names) => (names, [].as_slice()),
        None => ([].as_slice(), T::DEF.columns),
    };
    by_name.iter().copied().chain(by_position.iter().map(|column| column.name))
}

pub(crate) fn columns<T: Table>(qualifier: &'static str) -> impl Iterator<Item = Term> {
    names::<T>().map(move |name| Term::column(qualifier, name))
}

/// One part of a joined row: a table's row, or none of it.
pub trait Joined: Sized + Send + Sync + 'static {
    /// How many columns it reads.
    #[doc(hidden)]
    const WIDTH: usize;

    /// Reads it.
    #[doc(hidden)]
    fn read(row: &Row<'_>) -> Result<Self>;
}

impl<T: Table> Joined for T {
    const WIDTH: usize = match T::COLUMNS {
        Some(names) => names.len(),
        None => T::DEF.columns.len(),
    };

    fn read(row: &Row<'_>) -> Result<Self> {
        T::from_row(row)
    }
}

/// A row that a left join did not find has NULL in every column, also in those that can't be NULL.
impl<T: Table> Joined for Option<T> {
    const WIDTH: usize = <T as Joined>::WIDTH;

    fn read(row: &Row<'_>) -> Result<Self> {
        let never_null = |name: &str| T::DEF.columns.iter().any(|column| column.name == name && !column.nullable);
        let is_null = |index| row.value(index).map(|value| matches!(value, ValueRef::Null));
        let absent = match names::<T>().position(never_null) {
            Some(index) => is_null(index)?,
            None => (0..Self::WIDTH).map(is_null).collect::<Result<Vec<_>>>()?.into_iter().all(|null| null),
        };
        if absent { Ok(None) } else { T::from_row(row).map(Some) }
    }
}

/// Rows to which those of another table can be joined.
pub trait Join<N>: Sized {
    /// The rows with the other's added.
    type Output: Send + Sync + 'static;

    /// Reads them.
    #[doc(hidden)]
    fn read(row: &Row<'_>) -> Result<Self::Output>;
}

impl<A: Table, N: Joined> Join<N> for A {
    type Output = (A, N);

    fn read(row: &Row<'_>) -> Result<(A, N)> {
        Ok((A::from_row(row)?, N::read(&row.skip(<A as Joined>::WIDTH))?))
    }
}

impl<A: Joined, B: Joined, N: Joined> Join<N> for (A, B) {
    type Output = (A, B, N);

    fn read(row: &Row<'_>) -> Result<(A, B, N)> {
        let second = row.skip(A::WIDTH);
        Ok((A::read(row)?, B::read(&second)?, N::read(&second.skip(B::WIDTH))?))
    }
}

impl<A: Joined, B: Joined, C: Joined, N: Joined> Join<N> for (A, B, C) {
    type Output = (A, B, C, N);

    fn read(row: &Row<'_>) -> Result<(A, B, C, N)> {
        let (second, third) = (row.skip(A::WIDTH), row.skip(A::WIDTH + B::WIDTH));
        Ok((A::read(row)?, B::read(&second)?, C::read(&third)?, N::read(&third.skip(C::WIDTH))?))
    }
}
