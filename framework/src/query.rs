//! Queries and live queries.
//!
//! A [`Query`] is SQL with its parameters and the type that its rows are read as. It is written as text with [`sql`],
//! or put together from typed columns with [`Table::query`](crate::Table::query). A [`LiveQuery`] is a query that is
//! kept up to date: its value is always what a fresh run at the same head would give.
//!
//! ```
//! use headwater::query::{count, sql};
//! use headwater::{Event, Schema, Storage, Store, Table, params};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Clone, Debug, PartialEq, Table)]
//! #[table(name = "todos")]
//! struct Todo {
//!     #[column(primary_key)]
//!     id: String,
//!     text: String,
//!     #[column(default = false)]
//!     completed: bool,
//! }
//!
//! #[derive(Event, Serialize, Deserialize)]
//! enum TodoEvent {
//!     #[event(name = "v1.TodoCreated", insert(Todo))]
//!     Created { id: String, text: String },
//!     #[event(name = "v1.TodoCompleted", update(Todo, key = id, set(completed = true)))]
//!     Completed { id: String },
//! }
//!
//! # fn main() -> headwater::Result<()> {
//! let schema = Schema::builder().table::<Todo>().event::<TodoEvent>().build();
//! let store = Store::builder(schema).storage(Storage::in_memory()).open()?;
//!
//! let open = store.live_query(Todo::query().filter(Todo::COMPLETED.eq(false)).order_by(Todo::TEXT))?;
//! let per_state = store.live_query(
//!     Todo::query().group_by(Todo::COMPLETED).order_by(Todo::COMPLETED).select((Todo::COMPLETED, count())),
//! )?;
//! let longest = store.live_query(sql::<Option<i64>>("SELECT max(length(text)) FROM todos", params![]))?;
//!
//! store.commit(TodoEvent::Created { id: "a".into(), text: "milk".into() })?;
//! store.commit(TodoEvent::Created { id: "b".into(), text: "draw the owl".into() })?;
//! store.commit(TodoEvent::Completed { id: "a".into() })?;
//!
//! assert_eq!(open.get()[0].text, "draw the owl");
//! assert_eq!(*per_state.get(), [(false, 1), (true, 1)]);
//! assert_eq!(longest.one()?, Some(12));
//! assert_eq!(longest.stats().runs, 3, "completing a todo changes nothing that it reads");
//! # Ok(()) }
//! ```

mod aggregate;
mod changes;
mod deliver;
mod expr;
mod graph;
mod index;
mod live;
mod node;
mod operators;
mod order;
mod parts;
mod raw;
mod reader;
mod select;
mod tables;
mod term;
mod view;

pub use aggregate::{Summable, avg, count, count_distinct, count_of, max, min, sum};
pub use changes::Changes;
pub use expr::{Compatible, Expr, Input, Operand, Scalar, exists};
pub use live::{LiveQuery, QueryStats, Subscription};
pub use order::{Collation, Order};
pub use select::{Select, Selection};
pub use tables::{Join, Joined};
pub use view::View;

pub(crate) use graph::QueryGraph;

use std::any::TypeId;
use std::fmt;
use std::sync::Arc;

use crate::db::{Db, Params, Purpose};
use crate::error::{Error, Result};
use crate::query::reader::Reader;
use crate::schema::{Bound, FromRow, Row};
use crate::state::StateDb;

/// SQL, the values of its parameters, and the type that its rows are read as. Cheap to clone.
///
/// A value that can't be bound, such as NaN, is kept as an error, which is returned when the query is run.
pub struct Query<T> {
    sql: Arc<str>,
    params: Result<Arc<Bound>, Arc<Error>>,
    reader: Reader<T>,
}

/// A query as SQL text.
///
/// The rows are read as `T` by column name if `T` was derived, else by position. Two queries with the same text, the
/// same values and the same `T` share their work when they are live.
///
/// ```
/// use headwater::query::{Query, sql};
/// use headwater::{named_params, params};
///
/// let open: Query<(String, i64)> = sql("SELECT text, priority FROM todos WHERE completed = ?1", params![false]);
/// let by_name = "SELECT text, priority FROM todos WHERE completed = :completed";
/// let same = sql::<(String, i64)>(by_name, named_params! { ":completed": false });
/// assert_ne!(open.text(), same.text());
/// ```
#[expect(clippy::needless_pass_by_value, reason = "params![…] is a reference")]
pub fn sql<T: FromRow>(sql: impl Into<Arc<str>>, params: impl Params) -> Query<T> {
    Query::new(sql.into(), params.bound(), Reader::by_type())
}

/// What can be run as a query: a [`Query`], a reference to one, or what the builder made.
pub trait IntoQuery<T> {
    /// The query.
    fn into_query(self) -> Query<T>;
}

impl<T> IntoQuery<T> for Query<T> {
    fn into_query(self) -> Self {
        self
    }
}

impl<T> IntoQuery<T> for &Query<T> {
    fn into_query(self) -> Query<T> {
        self.clone()
    }
}

/// What makes two live queries the same: text, values by type and bytes, and the type of the rows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    sql: Arc<str>,
    params: Box<[u8]>,
    rows: TypeId,
}

impl<T> Query<T> {
    fn new(sql: Arc<str>, params: Result<Bound>, reader: Reader<T>) -> Self {
        Self { sql, params: params.map(Arc::new).map_err(Arc::new), reader }
    }

    /// Its SQL.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.sql
    }

    fn params(&self) -> Result<&Bound> {
        self.params.as_deref().map_err(|error| Error::app(error.clone()))
    }
}

impl<T: Send + Sync + 'static> Query<T> {
    /// Runs it.
    ///
    /// # Errors
    /// [`Error::Sql`], [`Error::NotAllowed`] if it writes, [`Error::Row`] if a row doesn't fit.
    pub(crate) fn run(&self, state: &StateDb) -> Result<Vec<T>> {
        self.run_in(state.db())
    }

    /// Runs it, as [`run`](Self::run).
    pub(crate) fn run_in(&self, db: &Db) -> Result<Vec<T>> {
        let mut rows = Vec::new();
        self.for_each(db, |row| {
            rows.push(self.reader.read(row)?);
            Ok(())
        })?;
        Ok(rows)
    }

    fn for_each(&self, db: &Db, each: impl FnMut(&Row<'_>) -> Result<()>) -> Result<()> {
        let params = self.params()?;
        db.footprint(&self.sql, Purpose::Read)?;
        db.for_each(&self.sql, params, each, self.reader.columns())
    }

    fn key(&self) -> Result<Key> {
        let params = self.params()?;
        let mut bytes = Vec::new();
        params.names.iter().for_each(|name| raw::put_text(&mut bytes, name));
        params.values.iter().for_each(|value| raw::put(&mut bytes, value.into()));
        Ok(Key { sql: self.sql.clone(), params: bytes.into(), rows: TypeId::of::<T>() })
    }
}

impl<T> Clone for Query<T> {
    fn clone(&self) -> Self {
        Self { sql: self.sql.clone(), params: self.params.clone(), reader: self.reader }
    }
}

impl<T> fmt::Debug for Query<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query").field("sql", &self.sql).field("params", &self.params).finish()
    }
}

#[cfg(test)]
mod tests;
