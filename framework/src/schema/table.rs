//! Tables.

use std::fmt;
use std::marker::PhantomData;

use crate::query::Select;
use crate::schema::{FromRow, SqlType};

/// A table whose rows are values of this type.
pub trait Table: FromRow {
    /// How it is declared.
    const DEF: TableDef;

    /// Starts a query of all its rows. See [`Select`].
    #[must_use]
    fn query() -> Select<Self> {
        Select::all()
    }
}

/// The declaration of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableDef {
    /// Its name.
    pub name: &'static str,
    /// Its columns, in the order of the struct's fields.
    pub columns: &'static [ColumnDef],
    /// The names of the columns of the primary key; at least one.
    pub primary_key: &'static [&'static str],
    /// Its indexes besides the primary key's.
    pub indexes: &'static [IndexDef],
    /// Constraints of the whole table, as SQL: `FOREIGN KEY (…) REFERENCES …`, `CHECK (…)`, `UNIQUE (…)`.
    pub constraints: &'static [&'static str],
}

/// The declaration of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnDef {
    /// Its name.
    pub name: &'static str,
    /// Its storage class.
    pub sql_type: SqlType,
    /// Whether it can be NULL.
    pub nullable: bool,
    /// Its default, as an SQL literal or expression.
    pub default: Option<&'static str>,
    /// What else is said of it, as SQL: `UNIQUE`, `CHECK (…)`, `REFERENCES …`, `COLLATE …`, `AS (…) STORED`.
    pub constraints: &'static [&'static str],
}

/// The declaration of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexDef {
    /// Its name, unique in the schema.
    pub name: &'static str,
    /// What it is over, as SQL: column names or expressions, with `DESC` or `COLLATE` where wanted.
    pub columns: &'static [&'static str],
    /// Whether it is unique.
    pub unique: bool,
    /// Its WHERE, as SQL, if it is partial.
    pub filter: Option<&'static str>,
}

impl TableDef {
    /// The names of its columns, in order.
    pub fn column_names(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.columns.iter().map(|column| column.name)
    }

    /// The statements that create it and its indexes.
    #[must_use]
    pub fn create_statements(&self) -> Vec<String> {
        let columns = self.columns.iter().map(ToString::to_string);
        let key = (!self.primary_key.is_empty()).then(|| format!("PRIMARY KEY ({})", quoted_list(self.primary_key)));
        let constraints = self.constraints.iter().map(ToString::to_string);
        let lines: Vec<_> = columns.chain(key).chain(constraints).collect();
        let table = format!("CREATE TABLE {} (\n  {}\n) STRICT", quoted(self.name), lines.join(",\n  "));
        std::iter::once(table).chain(self.indexes.iter().map(|index| index.create_statement(self.name))).collect()
    }
}

impl IndexDef {
    fn create_statement(&self, table: &str) -> String {
        let unique = if self.unique { "UNIQUE " } else { "" };
        let filter = self.filter.map(|filter| format!(" WHERE {filter}")).unwrap_or_default();
        let (name, table, columns) = (quoted(self.name), quoted(table), self.columns.join(", "));
        format!("CREATE {unique}INDEX {name} ON {table} ({columns}){filter}")
    }
}

impl fmt::Display for ColumnDef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", quoted(self.name), self.sql_type)?;
        if !self.nullable {
            f.write_str(" NOT NULL")?;
        }
        if let Some(default) = self.default {
            write!(f, " DEFAULT ({default})")?;
        }
        self.constraints.iter().try_for_each(|constraint| write!(f, " {constraint}"))
    }
}

/// An SQL identifier, quoted.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub(crate) fn quoted_list(names: &[&str]) -> String {
    names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
}

/// A column of the table `T` with values of type `V`, for the query builder: `Todo::COMPLETED`.
pub struct Column<T, V> {
    name: &'static str,
    alias: Option<&'static str>,
    types: PhantomData<fn() -> (T, V)>,
}

impl<T, V> Column<T, V> {
    /// The column of this name.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, alias: None, types: PhantomData }
    }

    /// The same column of a table that a query joins under a name of its own; see
    /// [`Select::join_as`](crate::query::Select::join_as).
    #[must_use]
    pub const fn of(self, alias: &'static str) -> Self {
        Self { alias: Some(alias), ..self }
    }

    pub(crate) const fn alias(&self) -> Option<&'static str> {
        self.alias
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl<T, V> Clone for Column<T, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, V> Copy for Column<T, V> {}

impl<T: Table, V> fmt::Debug for Column<T, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", T::DEF.name, self.name)
    }
}
