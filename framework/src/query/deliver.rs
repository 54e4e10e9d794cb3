//! Whom to tell about changes, and when.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;

use crate::query::graph::lock;
use crate::query::node::{AnyNode, NodeId};
use crate::state::panic_text;

/// How often in a row subscribers may cause changes that call subscribers again.
pub(crate) const ROUNDS_LIMIT: u32 = 100;

/// The nodes whose changes are to be delivered, and who is at it.
#[derive(Default)]
pub(crate) struct Deliveries {
    queue: BTreeMap<NodeId, Arc<dyn AnyNode>>,
    deliverer: Option<ThreadId>,
    /// Whether a subscriber caused something of what is queued.
    nested: bool,
    /// How many rounds in a row subscribers caused.
    rounds: u32,
}

/// What to do next.
pub(crate) enum Round {
    /// Nothing is left.
    Done,
    /// Tell about these.
    Changed(Vec<Arc<dyn AnyNode>>),
    /// These would go on for ever.
    Endless(Vec<Arc<dyn AnyNode>>),
}

impl Deliveries {
    pub(crate) fn add(&mut self, nodes: Vec<Arc<dyn AnyNode>>) {
        self.nested |= self.deliverer == Some(std::thread::current().id());
        self.queue.extend(nodes.into_iter().map(|node| (node.id(), node)));
    }

    /// Whether the caller is to deliver; else somebody is at it already. It goes on until [`Round::Done`].
    pub(crate) fn begin(&mut self) -> bool {
        let free = self.deliverer.is_none();
        if free {
            self.deliverer = Some(std::thread::current().id());
            self.nested = false;
            self.rounds = 0;
        }
        free
    }

    pub(crate) fn next_round(&mut self) -> Round {
        if self.queue.is_empty() {
            self.deliverer = None;
            return Round::Done;
        }
        self.rounds = if std::mem::take(&mut self.nested) { self.rounds + 1 } else { 0 };
        let nodes = std::mem::take(&mut self.queue).into_values().collect();
        if self.rounds <= ROUNDS_LIMIT {
            return Round::Changed(nodes);
        }
        self.rounds = 0;
        Round::Endless(nodes)
    }
}

/// Gives delivering up if it ends by a panic, so that others can go on.
pub(crate) struct Turn<'a>(pub(crate) &'a Mutex<Deliveries>);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut deliveries = lock(self.0);
        if deliveries.deliverer == Some(std::thread::current().id()) {
            deliveries.deliverer = None;
        }
    }
}

/// A subscriber to call.
pub(crate) struct Call {
    /// Subscribers are called in the order in which they subscribed.
    pub(crate) order: u64,
    pub(crate) call: Box<dyn FnOnce() + Send>,
}

impl Call {
    /// Calls it. A panic of it is reported and goes no further.
    pub(crate) fn make(self) {
        guarded("a subscriber", self.call);
    }
}

/// Runs code of the app, whose panics must not disturb others.
pub(crate) fn guarded(what: &str, call: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(call)) {
        tracing::error!(panic = panic_text(&*panic), "{what} panicked");
    }
}
