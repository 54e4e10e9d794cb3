//! One live query, whoever shares it.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};

use async_broadcast::{InactiveReceiver, Receiver, Sender};

use crate::db::Footprint;
use crate::error::{Error, Result};
use crate::query::deliver::{Call, guarded};
use crate::query::graph::{Shared, lock};
use crate::query::live::QueryStats;
use crate::query::raw::RawRows;
use crate::query::view::Version;
use crate::query::{Key, Query};
use crate::state::{StateDb, panic_text};

/// Nodes are numbered in the order of their registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeId(u64);

/// A node, whatever its rows are.
pub(crate) trait AnyNode: Send + Sync {
    fn id(&self) -> NodeId;
    fn key(&self) -> &Key;
    fn text(&self) -> &str;
    fn footprint(&self) -> &Arc<Footprint>;
    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;

    /// Runs the query and keeps what it gives apart. Whether it differs from what is shown.
    fn run(&self, state: &StateDb) -> bool;
    /// Shows what the last run gave. What was shown before is kept for views of versions up to `keep`.
    fn publish(&self, keep: Option<Version>);
    /// Drops what was shown before.
    fn discard(&self);
    /// Takes out what was kept for views older than `oldest`. It is to be dropped outside of all locks.
    fn prune(&self, oldest: Option<Version>) -> Box<dyn Any + Send>;

    /// The subscribers that have not yet seen what is shown, each with it.
    fn calls(self: Arc<Self>) -> Vec<Call>;
    /// Wakes the streams.
    fn wake(&self);
    fn unsubscribe(&self, order: u64);
    /// Ends the streams.
    fn close(&self);
}

/// What identifies a value: equal marks, equal values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    rows: blake3::Hash,
    error: Option<blake3::Hash>,
}

/// The value of a live query.
pub(crate) struct Shown<T> {
    /// The rows of the last run that succeeded.
    pub(crate) rows: Arc<Vec<T>>,
    /// Why the last run failed.
    pub(crate) error: Option<Arc<Error>>,
    pub(crate) mark: Mark,
}

impl<T> Clone for Shown<T> {
    fn clone(&self) -> Self {
        Self { rows: self.rows.clone(), error: self.error.clone(), mark: self.mark }
    }
}

type Callback<T> = Box<dyn FnMut(Arc<Vec<T>>) + Send>;

struct Subscriber<T>(Mutex<Slot<T>>);

struct Slot<T> {
    /// Taken out while it runs.
    callback: Option<Callback<T>>,
    ended: bool,
    seen: Mark,
}

/// Tells streams that there is something new; they read it from the node.
struct Channel {
    sender: Sender<()>,
    /// Keeps the channel open while no stream listens.
    receiver: InactiveReceiver<()>,
}

#[derive(Default)]
struct Counters {
    runs: AtomicU64,
    cut_offs: AtomicU64,
    deliveries: AtomicU64,
}

/// One live query, whoever shares it.
pub(crate) struct Node<T: Send + Sync + 'static> {
    id: NodeId,
    graph: Weak<Shared>,
    key: Key,
    query: Query<T>,
    footprint: Arc<Footprint>,
    shown: Mutex<Shown<T>>,
    next: Mutex<Option<Shown<T>>>,
    /// What was shown before, with the last version that showed it, as long as views need it.
    older: Mutex<BTreeMap<Version, Shown<T>>>,
    subscribers: Mutex<BTreeMap<u64, Arc<Subscriber<T>>>>,
    channel: Mutex<Option<Channel>>,
    counters: Counters,
}

impl<T: Send + Sync + 'static> Node<T> {
    /// A node with its first value.
    pub(crate) fn new(
        graph: &Arc<Shared>,
        key: Key,
        query: Query<T>,
        footprint: Arc<Footprint>,
        state: &StateDb,
    ) -> Result<Self> {
        let raw = RawRows::run(&query, state)?;
        let rows = Arc::new(read(&raw, &query)?);
        let shown = Shown { rows, error: None, mark: Mark { rows: raw.digest(), error: None } };
        let counters = Counters { runs: 1.into(), ..Counters::default() };
        Ok(Self {
            id: NodeId(graph.number()),
            graph: Arc::downgrade(graph),
            key,
            query,
            footprint,
            shown: Mutex::new(shown),
            next: Mutex::default(),
            older: Mutex::default(),
            subscribers: Mutex::default(),
            channel: Mutex::default(),
            counters,
        })
    }

    pub(crate) fn query(&self) -> &Query<T> {
        &self.query
    }

    pub(crate) fn shown(&self) -> Shown<T> {
        lock(&self.shown).clone()
    }

    /// What was shown at a version that a view holds.
    pub(crate) fn shown_at(&self, version: Version) -> Shown<T> {
        let (shown, older) = (lock(&self.shown), lock(&self.older));
        older.range(version..).next().map_or(&*shown, |(_, shown)| shown).clone()
    }

    /// Whether the last run succeeded.
    pub(crate) fn check(&self) -> Result<()> {
        lock(&self.shown).error.clone().map_or(Ok(()), |error| Err(Error::app(error)))
    }

    pub(crate) fn stats(&self) -> QueryStats {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Counters { runs, cut_offs, deliveries } = &self.counters;
        QueryStats { runs: count(runs), cut_offs: count(cut_offs), deliveries: count(deliveries) }
    }

    /// Adds a subscriber, for all changes of what is shown now.
    pub(crate) fn subscribe(&self, callback: Callback<T>) -> u64 {
        let order = self.graph.upgrade().map_or(0, |graph| graph.number());
        let slot = Slot { callback: Some(callback), ended: false, seen: lock(&self.shown).mark };
        lock(&self.subscribers).insert(order, Arc::new(Subscriber(Mutex::new(slot))));
        order
    }

    /// A receiver that is told of changes.
    pub(crate) fn listen(&self) -> Receiver<()> {
        let mut channel = lock(&self.channel);
        let Channel { sender, receiver } = channel.get_or_insert_with(Channel::new);
        if self.graph.upgrade().is_none_or(|graph| graph.is_closed()) {
            sender.close();
        }
        receiver.activate_cloned()
    }

    /// The value that a run gives, and whether it differs from `before`.
    fn next(&self, state: &StateDb, before: &Shown<T>) -> Shown<T> {
        let outcome = RawRows::run(&self.query, state).and_then(|raw| {
            let rows = raw.digest();
            let kept = rows == before.mark.rows;
            let value = if kept { before.rows.clone() } else { Arc::new(read(&raw, &self.query)?) };
            Ok(Shown { rows: value, error: None, mark: Mark { rows, error: None } })
        });
        outcome.unwrap_or_else(|error| {
            let mark = Mark { error: Some(blake3::hash(error.to_string().as_bytes())), ..before.mark };
            Shown { rows: before.rows.clone(), error: Some(Arc::new(error)), mark }
        })
    }

    fn call(&self, subscriber: &Subscriber<T>, shown: Shown<T>) {
        let callback = {
            let mut slot = lock(&subscriber.0);
            if slot.seen == shown.mark {
                return;
            }
            slot.seen = shown.mark;
            slot.callback.take()
        };
        let Some(mut callback) = callback else {
            return;
        };
        self.counters.deliveries.fetch_add(1, Ordering::Relaxed);
        guarded("a subscriber", || callback(shown.rows));
        let mut slot = lock(&subscriber.0);
        if !slot.ended {
            slot.callback = Some(callback);
        }
    }
}

/// Reads rows as their type. A panic of the app's code is an error.
fn read<T: Send + Sync + 'static>(raw: &RawRows, query: &Query<T>) -> Result<Vec<T>> {
    let rows = catch_unwind(AssertUnwindSafe(|| raw.read(&query.reader)));
    rows.unwrap_or_else(|panic| Err(Error::app(format!("reading a row panicked: {}", panic_text(&*panic)))))
}

impl Channel {
    fn new() -> Self {
        let (mut sender, mut receiver) = async_broadcast::broadcast(1);
        receiver.set_overflow(true);
        sender.set_await_active(false);
        Self { sender, receiver: receiver.deactivate() }
    }
}

impl<T: Send + Sync + 'static> AnyNode for Node<T> {
    fn id(&self) -> NodeId {
        self.id
    }

    fn key(&self) -> &Key {
        &self.key
    }

    fn text(&self) -> &str {
        self.query.text()
    }

    fn footprint(&self) -> &Arc<Footprint> {
        &self.footprint
    }

    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }

    fn run(&self, state: &StateDb) -> bool {
        let _span = tracing::trace_span!("query.run", sql = self.query.text()).entered();
        self.counters.runs.fetch_add(1, Ordering::Relaxed);
        let before = self.shown();
        let next = self.next(state, &before);
        let changed = next.mark != before.mark;
        if changed {
            *lock(&self.next) = Some(next);
        } else {
            self.counters.cut_offs.fetch_add(1, Ordering::Relaxed);
        }
        changed
    }

    fn publish(&self, keep: Option<Version>) {
        let mut next = lock(&self.next);
        let Some(next) = next.as_mut() else {
            return;
        };
        let (mut shown, mut older) = (lock(&self.shown), lock(&self.older));
        std::mem::swap(&mut *shown, next);
        if let Some(version) = keep {
            older.insert(version, next.clone());
        }
    }

    fn discard(&self) {
        let before = lock(&self.next).take();
        drop(before);
    }

    fn prune(&self, oldest: Option<Version>) -> Box<dyn Any + Send> {
        let mut older = lock(&self.older);
        let used = oldest.map_or_else(BTreeMap::new, |oldest| older.split_off(&oldest));
        Box::new(std::mem::replace(&mut *older, used))
    }

    fn calls(self: Arc<Self>) -> Vec<Call> {
        let shown = self.shown();
        let subscribers = lock(&self.subscribers);
        let call = |(order, subscriber): (&u64, &Arc<Subscriber<T>>)| {
            let (node, subscriber, shown) = (self.clone(), subscriber.clone(), shown.clone());
            Call { order: *order, call: Box::new(move || node.call(&subscriber, shown)) }
        };
        subscribers.iter().map(call).collect()
    }

    fn wake(&self) {
        let sender = lock(&self.channel).as_ref().map(|channel| channel.sender.clone());
        if let Some(sender) = sender {
            // A full channel overflows, a closed one has no listeners: both are fine.
            guarded("a waker", || _ = sender.try_broadcast(()));
        }
    }

    fn unsubscribe(&self, order: u64) {
        let Some(subscriber) = lock(&self.subscribers).remove(&order) else {
            return;
        };
        let callback = {
            let mut slot = lock(&subscriber.0);
            slot.ended = true;
            slot.callback.take()
        };
        drop(callback);
    }

    fn close(&self) {
        let sender = lock(&self.channel).as_ref().map(|channel| channel.sender.clone());
        if let Some(sender) = sender {
            guarded("a waker", || _ = sender.close());
        }
    }
}

impl<T: Send + Sync + 'static> Drop for Node<T> {
    fn drop(&mut self) {
        if let Some(graph) = self.graph.upgrade() {
            graph.forget(self.id, &self.key, &self.footprint);
        }
    }
}
