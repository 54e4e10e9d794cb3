//! Parameters of statements.

use rusqlite::Statement;

use crate::error::{Error, Result};
use crate::schema::{Bound, ToColumn};

/// Values to bind to a statement: [`params!`](crate::params!) by position, [`named_params!`](crate::named_params!)
/// by name.
pub trait Params: sealed::Bind {}

impl<T: sealed::Bind> Params for T {}

/// Makes parameters by position: `params!["a", 5, None::<i64>]`.
#[macro_export]
macro_rules! params {
    () => { &[] as &[&dyn $crate::schema::ToColumn] };
    ($($value:expr),+ $(,)?) => { &[$(&$value as &dyn $crate::schema::ToColumn),+] as &[&dyn $crate::schema::ToColumn] };
}

/// Makes parameters by name: `named_params! { ":id": id, ":text": "…" }`.
#[macro_export]
macro_rules! named_params {
    ($($name:literal : $value:expr),+ $(,)?) => {
        &[$(($name, &$value as &dyn $crate::schema::ToColumn)),+] as &[(&str, &dyn $crate::schema::ToColumn)]
    };
}

pub(crate) mod sealed {
    use super::{BindError, Bound, Result, Statement};

    pub trait Bind {
        fn bind(&self, statement: &mut Statement<'_>) -> Result<(), BindError>;

        /// The values, to keep them.
        fn bound(&self) -> Result<Bound>;
    }
}

/// Why a value was not bound.
pub enum BindError {
    Value(Error),
    Sqlite(rusqlite::Error),
    Count { expected: usize, found: usize },
    Name(String),
}

impl BindError {
    pub(crate) fn in_sql(self, sql: &str) -> Error {
        match self {
            Self::Value(error) => error,
            Self::Sqlite(source) => Error::sql(sql)(source),
            Self::Count { expected, found } => Error::sql(sql)(rusqlite::Error::InvalidParameterCount(found, expected)),
            Self::Name(name) => Error::sql(sql)(rusqlite::Error::InvalidParameterName(name)),
        }
    }
}

fn check_count(statement: &Statement<'_>, found: usize) -> Result<(), BindError> {
    let expected = statement.parameter_count();
    if expected == found { Ok(()) } else { Err(BindError::Count { expected, found }) }
}

fn bind_one(statement: &mut Statement<'_>, index: usize, value: &dyn ToColumn) -> Result<(), BindError> {
    let value = value.to_column().map_err(BindError::Value)?;
    statement.raw_bind_parameter(index, value).map_err(BindError::Sqlite)
}

impl sealed::Bind for &[&dyn ToColumn] {
    fn bind(&self, statement: &mut Statement<'_>) -> Result<(), BindError> {
        check_count(statement, self.len())?;
        self.iter().enumerate().try_for_each(|(index, value)| bind_one(statement, index + 1, *value))
    }

    fn bound(&self) -> Result<Bound> {
        let values = self.iter().map(|value| Bound::value(*value)).collect::<Result<_>>()?;
        Ok(Bound { names: Vec::new(), values })
    }
}

impl sealed::Bind for &[rusqlite::types::Value] {
    fn bind(&self, statement: &mut Statement<'_>) -> Result<(), BindError> {
        check_count(statement, self.len())?;
        self.iter().enumerate().try_for_each(|(index, value)| bind_one(statement, index + 1, value))
    }

    fn bound(&self) -> Result<Bound> {
        Ok(Bound { names: Vec::new(), values: self.to_vec() })
    }
}

impl sealed::Bind for &[(&str, &dyn ToColumn)] {
    fn bind(&self, statement: &mut Statement<'_>) -> Result<(), BindError> {
        check_count(statement, self.len())?;
        for (name, value) in *self {
            let index = statement.parameter_index(name).map_err(BindError::Sqlite)?;
            bind_one(statement, index.ok_or_else(|| BindError::Name((*name).to_owned()))?, *value)?;
        }
        Ok(())
    }
    fn bound(&self) -> Result<Bound> {
        let values = self.iter().map(|(_, value)| Bound::value(*value)).collect::<Result<_>>()?;
        Ok(Bound { names: self.iter().map(|(name, _)| (*name).into()).collect(), values })
    }
}

impl sealed::Bind for &Bound {
    fn bind(&self, statement: &mut Statement<'_>) -> Result<(), BindError> {
        if self.names.is_empty() {
            return self.values.as_slice().bind(statement);
        }
        let named: Vec<_> =
            self.names.iter().zip(&self.values).map(|(name, value)| (&**name, value as &dyn ToColumn)).collect();
        named.as_slice().bind(statement)
    }

    fn bound(&self) -> Result<Bound> {
        Ok((*self).clone())
    }
}
