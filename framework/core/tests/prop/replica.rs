//! A sync state with the log that its results amount to, and the laws that hold after every merge.

use std::collections::HashSet;

use headwater_core::sync_state::{MergeError, Payload, Upstream, check_numbering};
use headwater_core::{EventId, EventRecord, EventScope, MergeResult, SeqNum, SyncState};

use crate::body;

/// What applies the results of a merge: it undoes from the tail and appends.
#[derive(Clone)]
pub(crate) struct Replica {
    pub(crate) state: SyncState,
    /// All events applied, in order, as numbered when they were applied.
    pub(crate) applied: Vec<EventRecord>,
}

impl Replica {
    pub(crate) fn new(upstream: Upstream) -> Self {
        Self { state: SyncState::new(upstream, SeqNum::ROOT, SeqNum::ROOT), applied: Vec::new() }
    }

    /// Numbers a new event after the local head and pushes it.
    pub(crate) fn commit(&mut self, id: u32, scope: EventScope) -> MergeResult {
        let event = EventRecord::after(&self.state.local_head(), body(id, scope));
        self.merge(Payload::LocalPush { events: vec![event] }).expect("numbered after the local head")
    }

    /// Merges, applies the result and checks the laws.
    pub(crate) fn merge(&mut self, payload: Payload) -> Result<MergeResult, MergeError> {
        let before = self.state.clone();
        let takes_back = matches!(payload, Payload::UpstreamRebase { .. });
        let result = self.state.merge(payload)?;
        self.apply(&before, &result, &HashSet::new());
        assert!(takes_back || !before.upstream_head().is_after(&self.state.upstream_head()), "upstream moved back");
        assert!(takes_back || !before.settled_head().is_after(&self.state.settled_head()), "what was settled moved");
        Ok(result)
    }

    /// Removes pending events, as a rejection does.
    pub(crate) fn remove(&mut self, ids: &HashSet<EventId>) -> Option<MergeResult> {
        let before = self.state.clone();
        let result = self.state.remove(ids)?;
        self.apply(&before, &result, ids);
        Some(result)
    }

    fn apply(&mut self, before: &SyncState, result: &MergeResult, removed: &HashSet<EventId>) {
        let confirmed: &[EventRecord] = match result {
            MergeResult::Advance { new_events, confirmed } => {
                self.applied.extend(new_events.iter().cloned());
                confirmed
            }
            MergeResult::Rebase { rollback, new_events, confirmed } => {
                let kept = self.applied.len() - rollback.len();
                assert_eq!(ids(&self.applied[kept..]), ids(rollback), "a roll back is not the tail of what is applied");
                self.applied.truncate(kept);
                self.applied.extend(new_events.iter().cloned());
                confirmed
            }
            MergeResult::Reject { .. } => {
                assert_eq!(*before, self.state, "a rejected push changed the state");
                return;
            }
        };
        self.check_log();
        self.check_pending(before, result, confirmed, removed);
    }

    /// What is applied is one chain: no gap, no double; and its tail is what is pending.
    fn check_log(&self) {
        let positions: Vec<_> = self.applied.iter().map(position).collect();
        for (index, event) in self.applied.iter().enumerate() {
            let previous = index.checked_sub(1).map_or(SeqNum::ROOT, |before| self.applied[before].seq);
            let due = EventRecord::after(&previous, event.body.clone());
            assert_eq!(position(&due), position(event), "a gap in {positions:?}");
            assert!(due.parent.order(&event.parent).is_eq(), "{} has parent {}", event.seq, event.parent);
        }
        assert_eq!(ids(&self.applied).into_iter().collect::<HashSet<_>>().len(), self.applied.len(), "an event twice");
        let pending: Vec<_> = self.state.pending().iter().cloned().collect();
        let (settled, tail) = self.applied.split_at(self.applied.len() - pending.len());
        assert_eq!(tail, pending, "pending is not the tail of what is applied");
        let settled = settled.last().map_or(SeqNum::ROOT, |event| event.seq);
        assert!(settled.order(&self.state.settled_head()).is_eq(), "settled at {settled}");
        let numbered = check_numbering(&settled.with_generation(0), &pending);
        assert_eq!(numbered, Ok(()), "pending is not one chain");
    }

    /// Each event that was pending is pending still, or confirmed, or was removed: nothing is lost, nothing is both.
    fn check_pending(
        &self,
        before: &SyncState,
        result: &MergeResult,
        confirmed: &[EventRecord],
        removed: &HashSet<EventId>,
    ) {
        let mut were: Vec<_> = before.pending().iter().map(EventRecord::id).collect();
        if let (MergeResult::Advance { new_events, .. }, true) =
            (result, before.upstream_head() == self.state.upstream_head())
        {
            were.extend(ids(new_events));
        }
        let mut are = ids(confirmed);
        are.extend(self.state.pending().iter().map(EventRecord::id));
        let kept: HashSet<_> = were.into_iter().filter(|id| !removed.contains(id)).collect();
        assert_eq!(kept.len(), are.len(), "an event is pending and confirmed, or neither");
        assert_eq!(kept, are.into_iter().collect(), "an event is pending and confirmed, or neither");
        let applied: HashSet<_> = ids(&self.applied).into_iter().collect();
        assert!(confirmed.iter().all(|event| applied.contains(&event.id())), "confirmed and not applied");
        let generation = |state: &SyncState| state.local_head().generation;
        let rebased = matches!(result, MergeResult::Rebase { .. });
        assert!(generation(&self.state) >= generation(before) + u32::from(rebased), "the generation did not rise");
    }
}

pub(crate) fn ids<'a>(events: impl IntoIterator<Item = &'a EventRecord>) -> Vec<EventId> {
    events.into_iter().map(EventRecord::id).collect()
}

/// Where an event stands, whatever the generation.
pub(crate) fn position(event: &EventRecord) -> (u64, u32) {
    (event.seq.global, event.seq.client)
}

/// The whole log: who stands where.
pub(crate) fn places(events: &[EventRecord]) -> Vec<(EventId, (u64, u32))> {
    events.iter().map(|event| (event.id(), position(event))).collect()
}
