//! Where a backend keeps its logs: the trait, and the implementation in memory. SQLite is in [`crate::sqlite`].
//!
//! **Invariant:** a store is reached by its [`StoreId`] alone. No method takes or gives more than one store.

mod memory;
mod watchers;

pub use memory::MemoryEventStore;
pub use watchers::{HeadWatch, HeadWatchers};

use std::fmt;
use std::pin::Pin;

use headwater_core::backend::{PageBounds, PushDecision};
use headwater_core::protocol::{LogPosition, PushAnswer, PushRequest, WireEvent};
use headwater_core::{Chain, StoreId};

/// What a method of an [`EventStore`] returns: a future that does not borrow from the store.
pub type StoreFuture<T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send>>;

/// The logs of all stores of a backend.
///
/// The methods are asynchronous and may be called from any task. A storage that blocks does so on threads of its own.
/// The conformance suite in this package's tests runs against every implementation.
///
/// # What an implementation promises
/// - Positions of a store are 1, 2, 3 and so on. A push is appended whole or not at all, and only behind the head.
/// - Pushes are judged by [`judge_push`](headwater_core::backend::judge_push), in the transaction that appends.
/// - When [`push`](Self::push) answers [`PushAnswer::Accepted`], the events are as durable as the storage can make
///   them, and everybody who reads afterwards sees them.
/// - A push goes through once it was handed over, even if its future is dropped; then whoever watches the store wakes.
/// - A store exists from the first time that it is asked for, with a random backend id.
pub trait EventStore: Send + Sync + 'static {
    /// Where the log of a store stands.
    fn position(&self, store: &StoreId) -> StoreFuture<LogPosition>;

    /// Judges a batch and appends it if it may be appended.
    fn push(&self, store: &StoreId, request: PushRequest) -> StoreFuture<PushAnswer>;

    /// Judges a batch and appends nothing: the answer that [`push`](Self::push) would give, `None` if it would append.
    /// The log may move on before a push follows.
    fn probe(&self, store: &StoreId, request: &PushRequest) -> StoreFuture<Option<PushAnswer>>;

    /// The events after a position, as one consistent view.
    fn page(&self, store: &StoreId, after: u64, bounds: PageBounds) -> StoreFuture<Page>;

    /// Follows the head of a store. It is a hint: a head seen here can be read, but it may be late.
    fn watch(&self, store: &StoreId) -> HeadWatch;

    /// Whether the storage can serve.
    fn check(&self) -> StoreFuture<()>;

    /// Finishes what was handed over, makes it durable and lets go of all resources. Afterwards every call fails
    /// with [`StoreError::Closed`].
    fn close(&self) -> StoreFuture<()>;
}

/// A part of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Where the log stands.
    pub log: LogPosition,
    /// The chain value at the position asked for; `None` if the log does not reach that far.
    pub chain: Option<Chain>,
    /// The events after that position, whole groups.
    pub events: Vec<WireEvent>,
    /// How many events the log has after these.
    pub remaining: u64,
}

impl Page {
    /// The answer to a push that is behind, made of the page after its parent. Events that don't continue the
    /// client's own history are no use to it: then there are none, and it has to pull to find out.
    #[must_use]
    pub fn into_behind(self, request: &PushRequest) -> PushAnswer {
        if self.chain != Some(request.parent_chain) {
            return PushAnswer::Behind { log: self.log, tail: Vec::new(), more: true };
        }
        PushAnswer::Behind { log: self.log, tail: self.events, more: self.remaining > 0 }
    }
}

/// Why a storage did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The storage was closed.
    #[error("the storage is closed")]
    Closed,
    /// The storage can't take more now; nothing was changed. Trying again later helps.
    #[error("the storage can't take more now: {0}")]
    Unavailable(String),
    /// The storage failed. Whether a push was appended is not known unless it says so.
    #[error("the storage failed: {0}")]
    Failed(String),
    /// What is stored contradicts itself.
    #[error("the log of store {store} is damaged: {detail}")]
    Damaged {
        /// The store.
        store: StoreId,
        /// What does not fit.
        detail: String,
    },
}

impl fmt::Debug for dyn EventStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventStore")
    }
}

/// The answer for a decision that neither appends nor needs the tail of the log.
pub(crate) fn definite_answer(log: LogPosition, decision: PushDecision) -> PushAnswer {
    match decision {
        PushDecision::Duplicate(reply) => PushAnswer::Accepted(reply),
        PushDecision::BackendMismatch => PushAnswer::BackendMismatch { log },
        PushDecision::ClientIdTaken => PushAnswer::ClientIdTaken,
        PushDecision::Malformed { reason } => PushAnswer::Malformed { reason },
        other => unreachable!("{other:?} is not a definite answer by itself"),
    }
}
