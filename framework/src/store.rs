//! The store: what an app holds.

mod builder;
mod document;
mod events;
mod status;
#[cfg(test)]
mod tests;

pub use builder::{BootStatus, InitialSync, StoreBuilder};
pub use document::DocumentHandle;
pub use events::{EventStream, Events, LoggedEvent};
pub use status::{Heads, StatusChanges, SyncStatus};

use std::fmt;
use std::sync::Arc;

use headwater_core::leader::{Durability, Input};
use headwater_core::{ClientId, EventId, SeqNum, SessionId, StoreId};

use crate::error::Result;
use crate::leader::{DeadLetter, LeaderHandle};
use crate::query::{IntoQuery, LiveQuery, View};
use crate::schema::{Document, Schema};
use crate::session::{IntoCommit, Receipt, Session};

/// A store: typed events in, rows and live queries out, in sync with a backend.
///
/// Cheap to clone; all clones are one session. The store ends with its last clone; [`Store::shutdown`] also waits until
/// everything is written.
///
/// ```
/// use headwater::{Event, Schema, Storage, Store, Table, nanoid, params};
/// # use headwater::Result;
/// # fn main() -> Result<()> {
/// let store = Store::builder(Schema::builder().sql("CREATE TABLE notes (text TEXT) STRICT").build())
///     .storage(Storage::in_memory())
///     .open()?;
/// let count = store.live_query(headwater::sql::<i64>("SELECT count(*) FROM notes", params![]))?;
/// assert_eq!(count.first(), Some(0));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Store(Arc<Open>);

struct Open {
    store_id: StoreId,
    schema: Schema,
    session: Arc<Session>,
    durability: Durability,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.session.close();
    }
}

impl Store {
    /// Starts to set up a store.
    #[must_use]
    pub fn builder(schema: Schema) -> StoreBuilder {
        StoreBuilder::new(schema)
    }

    fn open(store_id: StoreId, schema: Schema, leader: Arc<LeaderHandle>, durability: Durability) -> Result<Self> {
        let session_id = SessionId::new(nanoid::nanoid!(6)).map_err(crate::Error::app)?;
        let session = Session::open(session_id, leader)?;
        Ok(Self(Arc::new(Open { store_id, schema, session, durability })))
    }

    /// Another session of the same client: with a state and live queries of its own. What one session commits, the
    /// others show at once.
    ///
    /// # Errors
    /// [`Error::Closed`](crate::Error::Closed), or an error of SQLite.
    pub fn new_session(&self) -> Result<Self> {
        let open = &*self.0;
        Self::open(open.store_id.clone(), open.schema.clone(), open.session.leader().clone(), open.durability)
    }

    /// Commits an event, an array or `Vec` of events, a tuple of events of different types, or a
    /// [`Commit`](crate::Commit).
    ///
    /// Synchronous. When it returns `Ok`, every live query of this session shows the events, and they survive `kill -9`
    /// ([`Durability::Process`], the default) or the loss of power ([`Durability::Disk`]). Several events are one group:
    /// all or nothing, here, on the wire, in the log and in a rebase.
    ///
    /// # Errors
    /// Nothing has changed, in the state, in the log and in live queries, when it returns an error:
    /// [`Error::Materialize`](crate::Error::Materialize) if a materializer failed or broke a constraint,
    /// [`Error::Encode`](crate::Error::Encode), [`Error::TooLarge`](crate::Error::TooLarge),
    /// [`Error::UnknownEvent`](crate::Error::UnknownEvent), [`Error::EmptyCommit`](crate::Error::EmptyCommit),
    /// [`Error::NotSaved`](crate::Error::NotSaved) if the disk refused, [`Error::Closed`](crate::Error::Closed).
    pub fn commit(&self, events: impl IntoCommit) -> Result<Receipt> {
        let _span = tracing::debug_span!("store.commit").entered();
        self.0.session.commit(events.into_commit()?, self.0.durability)
    }

    /// Runs a query once.
    ///
    /// # Errors
    /// [`Error::Sql`](crate::Error::Sql) if it doesn't prepare, [`Error::NotAllowed`](crate::Error::NotAllowed) if it
    /// writes, [`Error::Row`](crate::Error::Row) if a row doesn't fit its type.
    pub fn query<T: Send + Sync + 'static>(&self, query: impl IntoQuery<T>) -> Result<Vec<T>> {
        let query = query.into_query();
        self.0.session.with_state(|state| query.run(state))
    }

    /// Runs a query and keeps its result up to date.
    ///
    /// # Errors
    /// As [`Store::query`].
    pub fn live_query<T: Send + Sync + 'static>(&self, query: impl IntoQuery<T>) -> Result<LiveQuery<T>> {
        let graph = self.0.session.graph().clone();
        self.0.session.with_state(|state| graph.register(state, query))
    }

    /// All live queries of this session as they are now: for a frame of a UI that reads several of them while other
    /// threads commit. It blocks nobody.
    ///
    /// ```
    /// # use headwater::{Result, Schema, Storage, Store, params, sql};
    /// # fn main() -> Result<()> {
    /// # let store = Store::builder(Schema::builder().build()).storage(Storage::in_memory()).open()?;
    /// let (one, two) = (store.live_query(sql::<i64>("SELECT 1", params![]))?, store.live_query(sql::<i64>("SELECT 2", params![]))?);
    /// let frame = store.view();
    /// assert_eq!((frame.get(&one)[0], frame.get(&two)[0]), (1, 2));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn view(&self) -> View {
        self.0.session.graph().view()
    }

    /// The client document of this type.
    ///
    /// # Errors
    /// [`Error::Schema`](crate::Error::Schema) if the schema doesn't have it.
    pub fn document<D: Document>(&self) -> Result<DocumentHandle<D>> {
        self.document_with_key("")
    }

    /// The client document of this type with a key, for example one for each window.
    ///
    /// # Errors
    /// As [`Store::document`].
    pub fn document_with_key<D: Document>(&self, key: impl Into<String>) -> Result<DocumentHandle<D>> {
        DocumentHandle::new(self.clone(), key.into())
    }

    /// The settled events after `since`, in order: those whose place in the log is final. Client-only events are not
    /// among them.
    pub fn events(&self, since: SeqNum) -> Events {
        Events::new(self.0.session.leader().reader(), since)
    }

    /// Like [`Store::events`], and then every event that settles from now on. Numbers of settled events never change,
    /// so that a reader can keep the last one and go on from it after a restart.
    pub fn event_stream(&self, since: SeqNum) -> EventStream {
        EventStream::new(self.0.session.leader().reader(), since)
    }

    /// The events that this session shows and that are not settled yet, in order: what it committed and the backend has
    /// not confirmed. Their places are those of now; a rebase changes them. Client-only events are not among them.
    ///
    /// For views of the log: the [status](Store::sync_status_changes) says when to look again.
    #[must_use]
    pub fn pending_events(&self) -> Vec<LoggedEvent> {
        self.0.session.pending_events().iter().map(LoggedEvent::new).collect()
    }

    /// The receipt of an event that was committed at any time by this client; `None` if it is not known.
    ///
    /// # Errors
    /// [`Error::Closed`](crate::Error::Closed), or an error of SQLite.
    pub fn receipt(&self, id: EventId) -> Result<Option<Receipt>> {
        self.0.session.receipt_of(id)
    }

    /// Events that the backend refused, oldest first.
    ///
    /// # Errors
    /// [`Error::Closed`](crate::Error::Closed), or an error of SQLite.
    pub fn dead_letters(&self) -> Result<Vec<DeadLetter>> {
        self.0.session.leader().dead_letters()
    }

    /// Whether to talk to the backend at all. What is committed while sync is off is pushed when it is on again.
    ///
    /// # Errors
    /// [`Error::Closed`](crate::Error::Closed).
    pub fn set_online(&self, online: bool) -> Result<()> {
        self.0.session.leader().send(Input::SetOnline(online))
    }

    /// Where the store stands, as of now.
    #[must_use]
    pub fn sync_status(&self) -> SyncStatus {
        StatusChanges::new(&self.0.session).current()
    }

    /// Where the store stands, from now on.
    #[must_use]
    pub fn sync_status_changes(&self) -> StatusChanges {
        StatusChanges::new(&self.0.session)
    }

    /// Replays the eventlog from its beginning and what is pending into an empty state, and compares all tables with
    /// what this session shows, row by row.
    ///
    /// It finds a materializer that is not deterministic, for example one that reads a clock: call it at the end of an
    /// app's tests. Nothing else of the session goes on meanwhile. The contents of virtual tables are not compared.
    ///
    /// ```
    /// # use headwater::{Schema, Store};
    /// # let store = Store::builder(Schema::builder().build()).open()?;
    /// store.verify()?;
    /// # Ok::<(), headwater::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Diverged`](crate::Error::Diverged) with the first table that differs,
    /// [`Error::Closed`](crate::Error::Closed), or an error of SQLite.
    pub fn verify(&self) -> Result<()> {
        self.0.session.verify()
    }

    /// The store's id.
    #[must_use]
    pub fn store_id(&self) -> &StoreId {
        &self.0.store_id
    }

    /// The client's id. It changes if the backend finds that another client has the same.
    #[must_use]
    pub fn client_id(&self) -> ClientId {
        self.0.session.status().borrow().client_id.clone()
    }

    /// Ends the store for all its clones and sessions, after everything that was committed is written. What the
    /// backend has not confirmed is pushed after the next start.
    ///
    /// # Errors
    /// [`Error::Closed`](crate::Error::Closed) if it has ended already.
    pub fn shutdown(self) -> Result<()> {
        let leader = self.0.session.leader().clone();
        leader.close_sessions();
        leader.shutdown()
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("store_id", &self.0.store_id).field("client_id", &self.client_id()).finish()
    }
}
