//! What a materializer works with.

use headwater_core::{ClientId, EventId, EventRecord, SessionId};

use crate::db::{Db, Params, Purpose, Touched};
use crate::error::Result;
use crate::query::IntoQuery;
use crate::schema::FromRow;

/// The rows as of just before an event, and the event's own metadata: all that a materializer sees.
pub struct StateTx<'a> {
    db: &'a Db,
    event: &'a EventRecord,
    touched: &'a mut Touched,
}

/// Who committed an event, and which one it is.
#[derive(Clone, Copy, Debug)]
pub struct EventMeta<'a> {
    event: &'a EventRecord,
}

impl<'a> EventMeta<'a> {
    /// The event's identity: the same on every client and for ever.
    #[must_use]
    pub fn id(&self) -> EventId {
        self.event.id()
    }

    /// The event's type.
    #[must_use]
    pub fn name(&self) -> &'a str {
        &self.event.body.name
    }

    /// The client that committed it, as that client says.
    #[must_use]
    pub fn client_id(&self) -> &'a ClientId {
        &self.event.body.client_id
    }

    /// The session that committed it, as that client says.
    #[must_use]
    pub fn session_id(&self) -> &'a SessionId {
        &self.event.body.session_id
    }
}

impl<'a> StateTx<'a> {
    pub(crate) fn new(db: &'a Db, event: &'a EventRecord, touched: &'a mut Touched) -> Self {
        Self { db, event, touched }
    }

    /// The event that is applied.
    #[must_use]
    pub fn event(&self) -> EventMeta<'a> {
        EventMeta { event: self.event }
    }

    /// Runs an INSERT, UPDATE or DELETE and counts the rows that it changed.
    ///
    /// ```no_run
    /// # fn f(tx: &mut headwater::StateTx<'_>) -> headwater::Result<()> {
    /// tx.execute("UPDATE todos SET deleted_at = ?1 WHERE completed", headwater::params![1_700_000_000])?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Sql`](crate::Error::Sql) if SQLite refuses it, [`Error::NotAllowed`](crate::Error::NotAllowed) for
    /// anything else than reading and writing the app's tables.
    pub fn execute(&mut self, sql: &str, params: impl Params) -> Result<usize> {
        let footprint = self.db.footprint(sql, Purpose::Materialize)?;
        let changed = self.db.execute(sql, params);
        self.touched.add(&footprint);
        changed
    }

    /// Runs a query and reads its rows.
    ///
    /// # Errors
    /// [`Error::Sql`](crate::Error::Sql) if SQLite refuses it, [`Error::NotAllowed`](crate::Error::NotAllowed) if it
    /// writes, [`Error::Row`](crate::Error::Row) if a row doesn't fit.
    pub fn query<T: FromRow>(&self, sql: &str, params: impl Params) -> Result<Vec<T>> {
        self.db.footprint(sql, Purpose::Read)?;
        self.db.query(sql, params)
    }

    /// Runs a query and reads its first row, if there is one.
    ///
    /// # Errors
    /// As [`StateTx::query`].
    pub fn query_first<T: FromRow>(&self, sql: &str, params: impl Params) -> Result<Option<T>> {
        Ok(self.query(sql, params)?.into_iter().next())
    }

    /// Runs a query that was made by the builder, or a [`Query`](crate::Query).
    ///
    /// ```
    /// # use headwater::{Result, StateTx, Table};
    /// # #[derive(Table)]
    /// # #[table(name = "todos")]
    /// # struct Todo { #[column(primary_key)] id: String, completed: bool }
    /// # fn f(tx: &mut StateTx<'_>) -> Result<()> {
    /// let completed = tx.select(Todo::query().filter(Todo::COMPLETED).select(Todo::ID))?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`StateTx::query`].
    pub fn select<T: Send + Sync + 'static>(&self, query: impl IntoQuery<T>) -> Result<Vec<T>> {
        query.into_query().run_in(self.db)
    }
}
