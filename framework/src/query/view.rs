//! Live queries as they were at one moment.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Weak};

use crate::query::LiveQuery;
use crate::query::graph::Shared;
use crate::query::node::{AnyNode, NodeId};

/// How often new values were put in place, each time for all live queries that changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Version(u64);

/// The version that is shown, and those that views hold.
#[derive(Default)]
pub(crate) struct Versions {
    shown: Version,
    pinned: BTreeMap<Version, usize>,
    /// The nodes that keep values for views.
    keeping: BTreeMap<NodeId, Weak<dyn AnyNode>>,
}

impl Versions {
    /// Begins the next version, in which these nodes change. Gives the one before if views need its values.
    pub(crate) fn publish(&mut self, changed: &[Arc<dyn AnyNode>]) -> Option<Version> {
        let before = self.shown;
        self.shown = Version(before.0 + 1);
        if self.pinned.is_empty() {
            return None;
        }
        self.keeping.extend(changed.iter().map(|node| (node.id(), Arc::downgrade(node))));
        Some(before)
    }

    pub(crate) fn pin(&mut self) -> Version {
        *self.pinned.entry(self.shown).or_default() += 1;
        self.shown
    }

    /// Gives what no view needs any more, to be dropped outside of all locks.
    pub(crate) fn unpin(&mut self, version: Version) -> Vec<Unused> {
        let views = self.pinned.get_mut(&version).expect("a view holds its version");
        *views -= 1;
        if *views > 0 {
            return Vec::new();
        }
        self.pinned.remove(&version);
        let oldest = self.pinned.keys().next().copied();
        let nodes = self.keeping.values().filter_map(Weak::upgrade);
        let unused = nodes.map(|node| Unused { _values: node.prune(oldest), _node: node }).collect();
        if self.pinned.is_empty() {
            self.keeping.clear();
        }
        unused
    }
}

/// Values that no view needs, and their node.
pub(crate) struct Unused {
    _values: Box<dyn Any + Send>,
    _node: Arc<dyn AnyNode>,
}

/// All live queries of a session as they were at one moment, for a frame of a UI that reads several of them: what
/// [`LiveQuery::get`] gives may be of a later commit than what it gave for another query just before.
///
/// It blocks nobody, neither commits nor other readers. Values that changed since are kept until it is dropped, so it
/// should not be held for long.
pub struct View {
    graph: Arc<Shared>,
    version: Version,
}

impl View {
    pub(crate) fn new(graph: &Arc<Shared>, version: Version) -> Self {
        Self { graph: graph.clone(), version }
    }

    /// The rows of a live query of the same session. One that was made after the view shows its first rows.
    #[must_use]
    pub fn get<T: Send + Sync + 'static>(&self, query: &LiveQuery<T>) -> Arc<Vec<T>> {
        query.node().shown_at(self.version).rows
    }
}

impl Drop for View {
    fn drop(&mut self) {
        self.graph.unpin(self.version);
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("version", &self.version.0).finish_non_exhaustive()
    }
}
