//! Which live queries there are, and which of them a write can touch.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Weak};

use crate::db::{Footprint, Touched};
use crate::query::Key;
use crate::query::node::{AnyNode, NodeId};

/// Live queries by key, and by the tables that they read. Adding and removing one costs the same however many there
/// are.
#[derive(Default)]
pub(crate) struct Index {
    by_key: HashMap<Key, Entry>,
    /// Queries of the same text share their footprint: it is compared once for all of them.
    groups: HashMap<GroupId, Group>,
    by_table: HashMap<Box<str>, HashSet<GroupId>>,
    /// Groups that any write can touch.
    opaque: HashSet<GroupId>,
}

struct Entry {
    id: NodeId,
    node: Weak<dyn AnyNode>,
}

/// A footprint by its address, which the group keeps alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct GroupId(usize);

impl GroupId {
    fn of(footprint: &Arc<Footprint>) -> Self {
        Self(Arc::as_ptr(footprint) as usize)
    }
}

struct Group {
    footprint: Arc<Footprint>,
    nodes: HashMap<NodeId, Weak<dyn AnyNode>>,
}

impl Index {
    /// The node of this key, if somebody still holds it.
    pub(crate) fn find(&self, key: &Key) -> Option<Arc<dyn AnyNode>> {
        self.by_key.get(key)?.node.upgrade()
    }

    pub(crate) fn insert(&mut self, node: &Arc<dyn AnyNode>) {
        let (id, footprint) = (node.id(), node.footprint());
        let group_id = GroupId::of(footprint);
        let group = self.groups.entry(group_id).or_insert_with(|| {
            for table in footprint.reads.keys() {
                self.by_table.entry(table.clone()).or_default().insert(group_id);
            }
            if footprint.opaque {
                self.opaque.insert(group_id);
            }
            Group { footprint: footprint.clone(), nodes: HashMap::new() }
        });
        group.nodes.insert(id, Arc::downgrade(node));
        self.by_key.insert(node.key().clone(), Entry { id, node: Arc::downgrade(node) });
    }

    /// Forgets a node that nobody holds any more. Its key may belong to a newer one by now.
    pub(crate) fn remove(&mut self, id: NodeId, key: &Key, footprint: &Arc<Footprint>) {
        if self.by_key.get(key).is_some_and(|entry| entry.id == id) {
            self.by_key.remove(key);
        }
        let group_id = GroupId::of(footprint);
        let Some(group) = self.groups.get_mut(&group_id) else {
            return;
        };
        group.nodes.remove(&id);
        if group.nodes.is_empty() {
            self.groups.remove(&group_id);
            self.opaque.remove(&group_id);
            footprint.reads.keys().for_each(|table| self.remove_from_table(table, group_id));
        }
    }

    fn remove_from_table(&mut self, table: &str, group_id: GroupId) {
        let Some(groups) = self.by_table.get_mut(table) else {
            return;
        };
        groups.remove(&group_id);
        if groups.is_empty() {
            self.by_table.remove(table);
        }
    }

    /// The live queries that read something of what was written, in the order of their registration.
    pub(crate) fn touched_by(&self, touched: &Touched) -> Vec<Arc<dyn AnyNode>> {
        let mut hit: HashSet<_> = self.opaque.iter().filter(|_| !touched.is_empty()).collect();
        for writer in touched.footprints() {
            let readers = writer.writes.keys().filter_map(|table| self.by_table.get(table)).flatten();
            hit.extend(
                readers.filter(|id| self.groups.get(id).is_some_and(|group| group.footprint.reads_what(writer))),
            );
        }
        Self::in_order(hit.into_iter().filter_map(|id| self.groups.get(id)).flat_map(|group| group.nodes.values()))
    }

    /// All live queries, in the order of their registration.
    pub(crate) fn all(&self) -> Vec<Arc<dyn AnyNode>> {
        Self::in_order(self.groups.values().flat_map(|group| group.nodes.values()))
    }

    fn in_order<'a>(nodes: impl Iterator<Item = &'a Weak<dyn AnyNode>>) -> Vec<Arc<dyn AnyNode>> {
        let nodes: BTreeMap<_, _> = nodes.filter_map(Weak::upgrade).map(|node| (node.id(), node)).collect();
        nodes.into_values().collect()
    }

    /// How many queries, groups and tables are held.
    #[cfg(test)]
    pub(crate) fn sizes(&self) -> (usize, usize, usize) {
        (self.by_key.len(), self.groups.len(), self.by_table.len())
    }
}
