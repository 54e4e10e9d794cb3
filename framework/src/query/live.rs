//! Handles on live queries.

use std::fmt;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::query::Query;
use crate::query::changes::Changes;
use crate::query::node::{AnyNode, Node};

/// A query whose value is kept up to date. Cheap to clone.
///
/// When a commit returns, every live query shows it. Equal queries share one run; a live query ends when the last
/// handle, subscription and stream of it is dropped.
///
/// **Errors** are values of the query: if a run fails, [`error`](Self::error) says why, [`get`](Self::get) keeps
/// giving the rows of the last run that succeeded, and the next change of what the query reads tries again.
///
/// No method waits for I/O or for a commit that is under way.
pub struct LiveQuery<T: Send + Sync + 'static> {
    node: Arc<Node<T>>,
}

impl<T: Send + Sync + 'static> LiveQuery<T> {
    pub(crate) fn new(node: Arc<Node<T>>) -> Self {
        Self { node }
    }

    pub(crate) fn node(&self) -> &Node<T> {
        &self.node
    }

    /// The rows now; of the last run that succeeded, if [`error`](Self::error) says that the latest one failed.
    #[must_use]
    pub fn get(&self) -> Arc<Vec<T>> {
        self.node.shown().rows
    }

    /// The rows now.
    ///
    /// # Errors
    /// Why the latest run failed.
    pub fn try_get(&self) -> Result<Arc<Vec<T>>, Arc<Error>> {
        let shown = self.node.shown();
        shown.error.map_or(Ok(shown.rows), Err)
    }

    /// Why the latest run failed; `None` if it succeeded.
    #[must_use]
    pub fn error(&self) -> Option<Arc<Error>> {
        self.node.shown().error
    }

    /// The first row, if there is one.
    #[must_use]
    pub fn first(&self) -> Option<T>
    where
        T: Clone,
    {
        self.get().first().cloned()
    }

    /// The first row of a query that always has one, such as a count.
    ///
    /// ```
    /// # use headwater::{Event, Schema, Storage, Store, Table};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Clone, Debug, PartialEq, Table)]
    /// # #[table(name = "notes")]
    /// # struct Note { #[column(primary_key)] text: String }
    /// # #[derive(Event, Serialize, Deserialize)]
    /// # enum NoteEvent {
    /// #     #[event(name = "v1.Noted", insert(Note))]
    /// #     Noted { text: String },
    /// # }
    /// # fn main() -> headwater::Result<()> {
    /// # let schema = Schema::builder().table::<Note>().event::<NoteEvent>().build();
    /// # let store = Store::builder(schema).storage(Storage::in_memory()).open()?;
    /// let count = store.live_query(Note::query().count())?;
    /// assert_eq!(count.one()?, 0);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Row`] if there is no row.
    pub fn one(&self) -> Result<T>
    where
        T: Clone,
    {
        self.first().ok_or_else(|| Error::Row { column: "0".to_owned(), reason: "the result has no row".to_owned() })
    }

    /// Calls `callback` with the rows after every change from now on, until the subscription is dropped.
    ///
    /// It is not called for the value at hand: subscribe first, then [`get`](Self::get). It runs outside of all locks,
    /// once for each change of the value, after all live queries show it; changes that follow each other fast may
    /// come as one. It is called as well when a run fails, with the last good rows, and when it succeeds again.
    ///
    /// It runs on the thread that made the change, or on one that is delivering already. It may commit and use the
    /// store in any way; what that changes is delivered after it has returned. If it panics, that is logged and
    /// nobody else is disturbed.
    ///
    /// ```
    /// # use headwater::{Event, Schema, Storage, Store, Table};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Clone, Debug, PartialEq, Table)]
    /// # #[table(name = "notes")]
    /// # struct Note { #[column(primary_key)] text: String }
    /// # #[derive(Event, Serialize, Deserialize)]
    /// # enum NoteEvent {
    /// #     #[event(name = "v1.Noted", insert(Note))]
    /// #     Noted { text: String },
    /// # }
    /// # fn main() -> headwater::Result<()> {
    /// # let schema = Schema::builder().table::<Note>().event::<NoteEvent>().build();
    /// # let store = Store::builder(schema).storage(Storage::in_memory()).open()?;
    /// use std::sync::mpsc;
    ///
    /// let notes = store.live_query(Note::query())?;
    /// let (sender, changes) = mpsc::channel();
    /// let subscription = notes.subscribe(move |notes| drop(sender.send(notes.len())));
    /// store.commit(NoteEvent::Noted { text: "milk".into() })?;
    /// assert_eq!(changes.try_iter().collect::<Vec<_>>(), [1]);
    ///
    /// drop(subscription);
    /// store.commit(NoteEvent::Noted { text: "owl".into() })?;
    /// assert_eq!(changes.try_iter().count(), 0);
    /// # Ok(()) }
    /// ```
    pub fn subscribe(&self, callback: impl FnMut(Arc<Vec<T>>) + Send + 'static) -> Subscription {
        let order = self.node.subscribe(Box::new(callback));
        Subscription { node: self.node.clone(), order }
    }

    /// The rows after every change from now on, for async code.
    ///
    /// A reader that is slow gets the latest rows and holds nobody up. The stream ends when the store is shut down.
    ///
    /// ```
    /// # use headwater::{Event, Schema, Storage, Store, Table};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Clone, Debug, PartialEq, Table)]
    /// # #[table(name = "notes")]
    /// # struct Note { #[column(primary_key)] text: String }
    /// # #[derive(Event, Serialize, Deserialize)]
    /// # enum NoteEvent {
    /// #     #[event(name = "v1.Noted", insert(Note))]
    /// #     Noted { text: String },
    /// # }
    /// # fn main() -> headwater::Result<()> {
    /// # let schema = Schema::builder().table::<Note>().event::<NoteEvent>().build();
    /// # let store = Store::builder(schema).storage(Storage::in_memory()).open()?;
    /// # tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(async {
    /// use std::future::poll_fn;
    /// use std::pin::Pin;
    ///
    /// use futures_core::Stream; // with `futures_util::StreamExt`: `changes.next().await`
    ///
    /// let notes = store.live_query(Note::query())?;
    /// let mut changes = notes.changes();
    /// store.commit(NoteEvent::Noted { text: "milk".into() })?;
    /// let rows = poll_fn(|context| Pin::new(&mut changes).poll_next(context)).await;
    /// assert_eq!(rows.expect("the store is open")[0].text, "milk");
    /// # Ok(()) }) }
    /// ```
    pub fn changes(&self) -> Changes<T> {
        Changes::new(self.node.clone())
    }

    /// The query.
    #[must_use]
    pub fn query(&self) -> &Query<T> {
        self.node.query()
    }

    /// What was done for it so far, for all that share it.
    #[must_use]
    pub fn stats(&self) -> QueryStats {
        self.node.stats()
    }
}

impl<T: Send + Sync + 'static> Clone for LiveQuery<T> {
    fn clone(&self) -> Self {
        Self { node: self.node.clone() }
    }
}

impl<T: Send + Sync + fmt::Debug + 'static> fmt::Debug for LiveQuery<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveQuery")
            .field("sql", &self.query().text())
            .field("rows", &self.get())
            .finish_non_exhaustive()
    }
}

/// What was done for a live query.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueryStats {
    /// How often it was run, the first time included.
    pub runs: u64,
    /// How many of these runs gave what was shown already, so that nobody was told.
    pub cut_offs: u64,
    /// How often a subscriber was called.
    pub deliveries: u64,
}

/// Keeps a subscriber subscribed until it is dropped.
///
/// When the drop has returned, no call of the subscriber begins any more; one that another thread is in may still be
/// running.
#[must_use = "a subscription ends when it is dropped"]
pub struct Subscription {
    node: Arc<dyn AnyNode>,
    order: u64,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.node.unsubscribe(self.order);
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("sql", &self.node.text()).finish_non_exhaustive()
    }
}
