//! The query builder.

use std::fmt;

use crate::error::{Error, Result};
use crate::query::expr::{Expr, Operand, Scalar};
use crate::query::order::Order;
use crate::query::parts::{Parts, Source};
use crate::query::reader::Reader;
use crate::query::tables::{Join, Joined};
use crate::query::term::{Term, Writer};
use crate::query::{IntoQuery, Query, Summable, aggregate};
use crate::schema::{FromRow, Row, Table};

/// A query that is being put together from typed columns. It becomes a [`Query`] when it is run.
///
/// Every identifier is quoted and every value is a parameter. The clauses are those of one SELECT, whatever the order
/// of the calls: a filter applies before a limit. Rows that the given order leaves equal come in the order of the
/// primary keys of their tables.
///
/// ```
/// use headwater::Table;
/// use headwater::query::{Query, count, exists, sum};
///
/// #[derive(Clone, Debug, PartialEq, Table)]
/// #[table(name = "todos")]
/// struct Todo {
///     #[column(primary_key)]
///     id: String,
///     text: String,
///     list_id: Option<String>,
///     minutes: i64,
/// }
///
/// #[derive(Clone, Debug, PartialEq, Table)]
/// #[table(name = "lists")]
/// struct List {
///     #[column(primary_key)]
///     id: String,
///     name: String,
/// }
///
/// let long = Todo::query().filter(Todo::MINUTES.gt(60)).order_by(Todo::TEXT).limit(10);
/// let texts: Query<String> = long.clone().select(Todo::TEXT).into();
/// assert_eq!(
///     texts.text(),
///     r#"SELECT "todos"."text" FROM "todos" WHERE ("todos"."minutes" > ?) "#.to_owned()
///         + r#"ORDER BY "todos"."text" ASC, "todos"."id" ASC LIMIT 10"#
/// );
///
/// let todos: Query<Todo> = long.into();
/// let with_lists: Query<(Todo, Option<List>)> = Todo::query().left_join::<List>(Todo::LIST_ID.eq(List::ID)).into();
/// let longest: Query<Option<i64>> = Todo::query().max(Todo::MINUTES);
/// let empty: Query<String> = List::query()
///     .filter(!exists(Todo::query().filter(Todo::LIST_ID.eq(List::ID))))
///     .select(List::NAME)
///     .into();
/// let busy: Query<(Option<String>, i64, Option<i64>)> = Todo::query()
///     .group_by(Todo::LIST_ID)
///     .having(count().ge(3))
///     .select((Todo::LIST_ID, count(), sum(Todo::MINUTES)))
///     .into();
/// ```
pub struct Select<T> {
    pub(crate) parts: Parts,
    read: fn(&Row<'_>) -> Result<T>,
}

impl<T: Table> Select<T> {
    /// All rows of a table.
    pub(crate) fn all() -> Self {
        let parts = Parts::all::<T>();
        Self { parts, read: T::from_row }
    }
}

impl<T> Select<T> {
    /// Keeps the rows for which this is true, and for which all other filters are.
    #[must_use]
    pub fn filter(mut self, condition: impl Into<Expr>) -> Self {
        self.parts.filters.push(condition.into().0);
        self
    }

    /// Orders the rows; after what was given before, if anything was.
    ///
    /// Without any order and limit, rows come in the order in which SQLite finds them.
    #[must_use]
    pub fn order_by(mut self, order: impl Into<Order>) -> Self {
        self.parts.order.push(order.into());
        self
    }

    /// At most so many rows. A later call replaces an earlier one.
    #[must_use]
    pub fn limit(mut self, rows: u64) -> Self {
        self.parts.limit = Some(rows);
        self
    }

    /// Leaves so many rows out at the beginning. A later call replaces an earlier one.
    #[must_use]
    pub fn offset(mut self, rows: u64) -> Self {
        self.parts.offset = rows;
        self
    }

    /// Each different row once.
    #[must_use]
    pub fn distinct(mut self) -> Self {
        self.parts.distinct = true;
        self
    }

    /// One row for all rows that have the same value here; and the same in what was given before, if anything was.
    #[must_use]
    pub fn group_by(mut self, operand: impl Operand) -> Self {
        self.parts.groups.push(operand.into_term());
        self
    }

    /// Keeps the groups for which this is true, and for which all other conditions are.
    #[must_use]
    pub fn having(mut self, condition: impl Into<Expr>) -> Self {
        self.parts.having.push(condition.into().0);
        self
    }

    /// Gives these columns and expressions instead of whole rows: one, or a tuple of up to eight.
    #[must_use]
    pub fn select<S: Selection>(mut self, selection: S) -> Select<S::Row> {
        self.parts.outputs = selection.into_terms();
        Select { parts: self.parts, read: S::Row::from_row }
    }

    /// Adds the rows of `B` for which `on` is true; rows without such a one are left out.
    #[must_use]
    pub fn join<B: Table>(self, on: impl Into<Expr>) -> Select<T::Output>
    where
        T: Join<B>,
    {
        self.join_with::<B, B>(" JOIN ", None, on.into())
    }

    /// Like [`join`](Self::join), under a name of its own: for a table that is in the query already. Its columns are
    /// named by [`Column::of`](crate::Column::of).
    #[must_use]
    pub fn join_as<B: Table>(self, alias: &'static str, on: impl Into<Expr>) -> Select<T::Output>
    where
        T: Join<B>,
    {
        self.join_with::<B, B>(" JOIN ", Some(alias), on.into())
    }

    /// Adds the rows of `B` for which `on` is true; rows without such a one get `None`.
    ///
    /// In a table in which every column can be NULL, a row with nothing but NULL is read as `None` too.
    #[must_use]
    pub fn left_join<B: Table>(self, on: impl Into<Expr>) -> Select<T::Output>
    where
        T: Join<Option<B>>,
    {
        self.join_with::<B, Option<B>>(" LEFT JOIN ", None, on.into())
    }

    /// Like [`left_join`](Self::left_join), under a name of its own; see [`join_as`](Self::join_as).
    #[must_use]
    pub fn left_join_as<B: Table>(self, alias: &'static str, on: impl Into<Expr>) -> Select<T::Output>
    where
        T: Join<Option<B>>,
    {
        self.join_with::<B, Option<B>>(" LEFT JOIN ", Some(alias), on.into())
    }

    fn join_with<B: Table, N: Joined>(
        mut self,
        join: &'static str,
        alias: Option<&'static str>,
        on: Expr,
    ) -> Select<T::Output>
    where
        T: Join<N>,
    {
        self.parts.join::<B>(Source::joined::<B>(join, alias, on.0));
        Select { parts: self.parts, read: T::read }
    }

    /// How many rows it has; with a limit, at most so many.
    #[must_use]
    pub fn count(self) -> Query<i64> {
        if self.parts.is_plain() && self.parts.limit.is_none() && self.parts.offset == 0 {
            return self.aggregate(aggregate::count());
        }
        let mut writer = Writer::default();
        writer.push("SELECT count(*) FROM (");
        self.parts.write(&mut writer);
        writer.push(")");
        finish(writer, Reader::by_type())
    }

    /// The sum of the values of its rows; `None` if there are none.
    ///
    /// This and the other aggregates are about plain rows: with [`limit`](Self::limit), [`offset`](Self::offset),
    /// [`distinct`](Self::distinct) or [`group_by`](Self::group_by) the query returns an error when it is run. For
    /// groups there is [`select`](Self::select) with [`sum`](super::sum).
    #[must_use]
    pub fn sum<O: Operand<Value: Summable>>(self, operand: O) -> Query<Option<<O::Value as Summable>::Sum>> {
        self.aggregate_of("sum", aggregate::sum(operand))
    }

    /// The mean of the values of its rows; `None` if there are none. See [`sum`](Self::sum).
    #[must_use]
    pub fn avg(self, operand: impl Operand<Value: Summable>) -> Query<Option<f64>> {
        self.aggregate_of("avg", aggregate::avg(operand))
    }

    /// The least value of its rows; `None` if there are none. See [`sum`](Self::sum).
    #[must_use]
    pub fn min<O: Operand>(self, operand: O) -> Query<Option<O::Value>> {
        self.aggregate_of("min", aggregate::min(operand))
    }

    /// The greatest value of its rows; `None` if there are none. See [`sum`](Self::sum).
    #[must_use]
    pub fn max<O: Operand>(self, operand: O) -> Query<Option<O::Value>> {
        self.aggregate_of("max", aggregate::max(operand))
    }

    fn aggregate_of<V: FromRow>(self, name: &str, aggregate: Scalar<V>) -> Query<V> {
        if self.parts.is_plain() && self.parts.limit.is_none() && self.parts.offset == 0 {
            return self.aggregate(aggregate);
        }
        let reason = format!(
            "{name} of a query with limit, offset, distinct or group_by is not a sum over plain rows: write it as SQL"
        );
        Query { sql: self.text().into(), params: Err(Error::app(reason).into()), reader: Reader::by_type() }
    }

    fn aggregate<V: FromRow>(mut self, aggregate: Scalar<V>) -> Query<V> {
        self.parts.outputs = vec![aggregate.term];
        self.parts.order.clear();
        let mut writer = Writer::default();
        self.parts.write(&mut writer);
        finish(writer, Reader::by_type())
    }

    fn text(&self) -> String {
        let mut writer = Writer::default();
        self.parts.write(&mut writer);
        writer.finish().0.to_string()
    }
}

fn finish<T>(writer: Writer, reader: Reader<T>) -> Query<T> {
    let (sql, params) = writer.finish();
    Query { sql, params, reader }
}

impl<T> IntoQuery<T> for Select<T> {
    fn into_query(self) -> Query<T> {
        let mut writer = Writer::default();
        self.parts.write(&mut writer);
        finish(writer, Reader::by_position(self.read))
    }
}

impl<T> From<Select<T>> for Query<T> {
    fn from(select: Select<T>) -> Self {
        select.into_query()
    }
}

impl<T> Clone for Select<T> {
    fn clone(&self) -> Self {
        Self { parts: self.parts.clone(), read: self.read }
    }
}

impl<T> fmt::Debug for Select<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Select({})", self.text())
    }
}

/// What [`Select::select`] gives: a column, an expression, or a tuple of these.
pub trait Selection {
    /// The rows.
    type Row: FromRow;

    /// The expressions.
    #[doc(hidden)]
    fn into_terms(self) -> Vec<Term>;
}

impl<O: Operand> Selection for O {
    type Row = O::Value;

    fn into_terms(self) -> Vec<Term> {
        vec![self.into_term()]
    }
}

macro_rules! selections {
    ($($name:ident $index:tt)+) => {
        impl<$($name: Operand),+> Selection for ($($name,)+) {
            type Row = ($($name::Value,)+);

            fn into_terms(self) -> Vec<Term> {
                vec![$(self.$index.into_term()),+]
            }
        }
    };
}
selections! { A 0 }
selections! { A 0 B 1 }
selections! { A 0 B 1 C 2 }
selections! { A 0 B 1 C 2 D 3 }
selections! { A 0 B 1 C 2 D 3 E 4 }
selections! { A 0 B 1 C 2 D 3 E 4 F 5 }
selections! { A 0 B 1 C 2 D 3 E 4 F 5 G 6 }
selections! { A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 }
