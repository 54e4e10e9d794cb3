//! Values kept to be bound.

use rusqlite::types::{ToSqlOutput, Value};

use crate::error::{Error, Result};
use crate::schema::ToColumn;

/// The parameters of a statement that outlive the call that they were made for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bound {
    /// The name of each value; empty if they are bound by position.
    pub(crate) names: Vec<Box<str>>,
    pub(crate) values: Vec<Value>,
}

impl Bound {
    /// A value as SQLite stores it.
    ///
    /// # Errors
    /// If it has no such form.
    pub(crate) fn value(value: &(impl ToColumn + ?Sized)) -> Result<Value> {
        match value.to_column()? {
            ToSqlOutput::Owned(value) => Ok(value),
            ToSqlOutput::Borrowed(value) => Value::try_from(value).map_err(Error::app),
            other => Err(Error::app(format!("{other:?} can't be a parameter"))),
        }
    }
}
