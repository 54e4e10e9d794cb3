//! The merge once more, as simple as it can be: one event at a time, two lists, numbers counted afresh each time.

use headwater_core::sync_state::Upstream;
use headwater_core::{EventId, EventRecord, EventScope};

pub(crate) struct Reference {
    upstream: Upstream,
    settled: Vec<(EventId, EventScope)>,
    pending: Vec<(EventId, EventScope)>,
}

impl Reference {
    pub(crate) fn new(upstream: Upstream) -> Self {
        Self { upstream, settled: Vec::new(), pending: Vec::new() }
    }

    pub(crate) fn commit(&mut self, id: EventId, scope: EventScope) {
        self.pending.push((id, scope));
        self.settle();
    }

    pub(crate) fn deliver(&mut self, event: &EventRecord) {
        self.settled.push((event.id(), event.body.scope));
        self.pending.retain(|(id, _)| *id != event.id());
        self.settle();
    }

    pub(crate) fn take_back(&mut self, count: usize) {
        self.settled.truncate(self.settled.len() - count);
    }

    pub(crate) fn remove(&mut self, removed: EventId) {
        self.pending.retain(|(id, _)| *id != removed);
        self.settle();
    }

    /// At the backend's boundary, client-only events wait for nothing but synced ones before them.
    fn settle(&mut self) {
        if self.upstream == Upstream::Backend {
            let leading = self.pending.iter().take_while(|(_, scope)| *scope == EventScope::ClientOnly).count();
            self.settled.extend(self.pending.drain(..leading));
        }
    }

    pub(crate) fn pending(&self) -> Vec<EventId> {
        self.pending.iter().map(|(id, _)| *id).collect()
    }

    /// The whole log: who stands where.
    pub(crate) fn places(&self) -> Vec<(EventId, (u64, u32))> {
        let (mut global, mut client) = (0, 0);
        let number = |(id, scope): &(EventId, EventScope)| {
            (global, client) = match scope {
                EventScope::Synced => (global + 1, 0),
                EventScope::ClientOnly => (global, client + 1),
            };
            (*id, (global, client))
        };
        self.settled.iter().chain(&self.pending).map(number).collect()
    }
}
