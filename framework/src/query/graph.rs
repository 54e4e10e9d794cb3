//! The live queries of a session.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::db::{Footprint, Touched};
use crate::error::{Error, Result};
use crate::query::deliver::{Call, Deliveries, Round, Turn, guarded};
use crate::query::index::Index;
use crate::query::live::LiveQuery;
use crate::query::node::{AnyNode, Node, NodeId};
use crate::query::view::{Version, Versions, View};
use crate::query::{IntoQuery, Key};
use crate::state::StateDb;

/// The live queries of a session. Cheap to clone.
///
/// Its owner calls [`register`](Self::register) and [`settle`](Self::settle) under the lock that guards the state, and
/// [`deliver`](Self::deliver) after having let go of all locks.
#[derive(Clone, Default)]
pub(crate) struct QueryGraph(Arc<Shared>);

/// What nodes know of their graph.
#[derive(Default)]
pub(crate) struct Shared {
    index: Mutex<Index>,
    deliveries: Mutex<Deliveries>,
    /// Held while new values are put in place and while a delivery takes them: it takes all of the same version.
    versions: Mutex<Versions>,
    counter: AtomicU64,
    closed: AtomicBool,
}

impl QueryGraph {
    /// Makes a query live: runs it once, or shares the node of an equal one.
    ///
    /// # Errors
    /// What a run of it returns; nothing else is disturbed then. [`Error::Closed`] after [`close`](Self::close).
    pub(crate) fn register<T: Send + Sync + 'static>(
        &self,
        state: &StateDb,
        query: impl IntoQuery<T>,
    ) -> Result<LiveQuery<T>> {
        if self.0.closed.load(Ordering::Acquire) {
            return Err(Error::Closed);
        }
        let query = query.into_query();
        let key = query.key()?;
        let known = lock(&self.0.index).find(&key);
        if let Some(node) = known.and_then(|node| node.as_any().downcast::<Node<T>>().ok()) {
            node.check()?;
            return Ok(LiveQuery::new(node));
        }
        let footprint = state.read_footprint(query.text())?;
        let node = Arc::new(Node::new(&self.0, key, query, footprint, state)?);
        let erased: Arc<dyn AnyNode> = node.clone();
        lock(&self.0.index).insert(&erased);
        Ok(LiveQuery::new(node))
    }

    /// Brings every live query that reads what was written up to date, and queues those whose value changed for
    /// [`deliver`](Self::deliver).
    pub(crate) fn settle(&self, state: &StateDb, touched: &Touched) {
        if !touched.is_empty() {
            let nodes = lock(&self.0.index).touched_by(touched);
            self.run(state, &nodes);
        }
    }

    /// The same for every live query: any row may be another one.
    pub(crate) fn settle_all(&self, state: &StateDb) {
        let nodes = lock(&self.0.index).all();
        self.run(state, &nodes);
    }

    /// Runs first, then puts all new values in place at once.
    fn run(&self, state: &StateDb, nodes: &[Arc<dyn AnyNode>]) {
        let changed: Vec<_> = nodes.iter().filter(|node| node.run(state)).cloned().collect();
        if changed.is_empty() {
            return;
        }
        {
            let mut versions = lock(&self.0.versions);
            let keep = versions.publish(&changed);
            changed.iter().for_each(|node| node.publish(keep));
        }
        changed.iter().for_each(|node| guarded("dropping rows", || node.discard()));
        lock(&self.0.deliveries).add(changed);
    }

    /// Runs the subscribers of what changed, each once. A call from within a subscriber, or while another thread is at
    /// it, returns at once: whoever is at it takes over what was queued.
    pub(crate) fn deliver(&self) {
        if !lock(&self.0.deliveries).begin() {
            return;
        }
        let _turn = Turn(&self.0.deliveries);
        loop {
            let round = lock(&self.0.deliveries).next_round();
            match round {
                Round::Done => return,
                Round::Changed(nodes) => self.deliver_round(&nodes),
                Round::Endless(nodes) => {
                    let queries: Vec<_> = nodes.iter().map(|node| node.text()).collect();
                    tracing::error!(?queries, "subscribers change what they are subscribed to without end: stopped");
                }
            }
        }
    }

    fn deliver_round(&self, nodes: &[Arc<dyn AnyNode>]) {
        let mut calls: Vec<_> = {
            let _versions = lock(&self.0.versions);
            nodes.iter().flat_map(|node| node.clone().calls()).collect()
        };
        calls.sort_by_key(|call| call.order);
        calls.into_iter().for_each(Call::make);
        nodes.iter().for_each(|node| node.wake());
    }

    /// A view of all live queries as they are now.
    pub(crate) fn view(&self) -> View {
        View::new(&self.0, lock(&self.0.versions).pin())
    }

    /// Ends all streams. Values stay readable.
    pub(crate) fn close(&self) {
        self.0.closed.store(true, Ordering::Release);
        let nodes = lock(&self.0.index).all();
        nodes.iter().for_each(|node| node.close());
    }

    #[cfg(test)]
    pub(crate) fn sizes(&self) -> (usize, usize, usize) {
        lock(&self.0.index).sizes()
    }
}

impl Shared {
    /// A number that is larger than all before.
    pub(crate) fn number(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    pub(crate) fn unpin(&self, version: Version) {
        let unused = lock(&self.versions).unpin(version);
        drop(unused);
    }

    pub(crate) fn forget(&self, id: NodeId, key: &Key, footprint: &Arc<Footprint>) {
        lock(&self.index).remove(id, key, footprint);
    }
}

/// Locks. What a panic could leave half done is never behind these locks.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
