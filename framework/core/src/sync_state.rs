//! The merge: what happens to pending events when upstream moves.
//!
//! One pure function, used at both boundaries: between a session and its leader, and between the leader and the
//! backend. It compares by identity ([`EventId`]), never by position, count or arguments.

mod numbering;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

pub use numbering::{MergeError, check_numbering};

use crate::event::{EventBody, EventRecord};
use crate::ids::EventId;
use crate::seq_num::SeqNum;
use numbering::{check_upstream, check_upstream_rebase};

/// Which boundary a [`SyncState`] stands at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upstream {
    /// Session ⇄ leader: client-only events cross it like all others.
    Leader,
    /// Leader ⇄ backend: client-only events never cross it. They are settled as soon as nothing synced is pending
    /// before them, and never make histories diverge.
    Backend,
}

/// What arrives at a boundary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// New events from this side, numbered after the local head.
    LocalPush {
        /// In order.
        events: Vec<EventRecord>,
    },
    /// Upstream has more events.
    UpstreamAdvance {
        /// In order, after the upstream head.
        events: Vec<EventRecord>,
    },
    /// Upstream took back events that it had announced, and has others in their place.
    UpstreamRebase {
        /// What was taken back, in order; the tail of what upstream had announced.
        rollback: Vec<EventRecord>,
        /// What stands there now, in order.
        events: Vec<EventRecord>,
        /// The upstream head after it.
        head: SeqNum,
    },
}

/// What a merge decided. It holds what changed, the [`SyncState`] holds the outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MergeResult {
    /// Nothing has to be undone.
    Advance {
        /// To apply on top, in order.
        new_events: Vec<EventRecord>,
        /// Pending before, settled now, as numbered upstream, in order. They are applied already.
        confirmed: Vec<EventRecord>,
    },
    /// Applied events have to be undone and applied again on a new base.
    Rebase {
        /// To undo, as they were numbered; the tail of what is applied, in order.
        rollback: Vec<EventRecord>,
        /// To apply then, in order: upstream's events, then the pending ones with new numbers.
        new_events: Vec<EventRecord>,
        /// Pending before, settled now, as numbered upstream, in order. Those that were rolled back are among
        /// `new_events` too.
        confirmed: Vec<EventRecord>,
    },
    /// A local push that is not numbered right after the local head, or in a generation before its own: it was made
    /// before this side moved on. Nothing changed.
    Reject {
        /// The least number that would do.
        expected_minimum: SeqNum,
    },
}

/// The pending events at a boundary, and the heads on both sides of it.
///
/// **Invariants:** `upstream_head ≤ settled_head ≤ local_head`; pending is numbered without a gap from `settled_head`
/// to `local_head`; at the backend's boundary it begins with a synced event; no generation falls. The upstream and
/// the settled head move back only when upstream takes events back, the local head also when an event is removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncState {
    upstream: Upstream,
    pending: VecDeque<EventRecord>,
    upstream_head: SeqNum,
    settled_head: SeqNum,
    local_head: SeqNum,
}

impl SyncState {
    /// A state with nothing pending.
    #[must_use]
    pub fn new(upstream: Upstream, upstream_head: SeqNum, local_head: SeqNum) -> Self {
        let local_head = moved_to(local_head, upstream_head.later(local_head));
        Self { upstream, pending: VecDeque::new(), upstream_head, settled_head: local_head, local_head }
    }

    /// Not yet known upstream, in order.
    #[must_use]
    pub fn pending(&self) -> &VecDeque<EventRecord> {
        &self.pending
    }

    /// The last event known from upstream.
    #[must_use]
    pub fn upstream_head(&self) -> SeqNum {
        self.upstream_head
    }

    /// The last event applied here.
    #[must_use]
    pub fn local_head(&self) -> SeqNum {
        self.local_head
    }

    /// The last event that no rebase will move: the one before the first pending event.
    #[must_use]
    pub fn settled_head(&self) -> SeqNum {
        self.settled_head
    }

    /// Decides what a payload means for the pending events, and takes it over.
    ///
    /// # Errors
    /// [`MergeError`] if the payload contradicts what upstream said before. The state is unchanged then.
    pub fn merge(&mut self, payload: Payload) -> Result<MergeResult, MergeError> {
        let generation = self.local_head.generation;
        let result = match payload {
            Payload::LocalPush { events } => self.local_push(events),
            Payload::UpstreamAdvance { events } => self.upstream_advance(events),
            Payload::UpstreamRebase { rollback, events, head } => self.upstream_rebase(rollback, events, head),
        }?;
        self.assert_invariants(generation);
        Ok(result)
    }

    /// Takes events out of the pending list for good and renumbers what follows: a rejection. Returns the merge
    /// that the removal amounts to, or `None` if none of them is pending.
    pub fn remove(&mut self, ids: &HashSet<EventId>) -> Option<MergeResult> {
        let generation = self.local_head.generation + 1;
        let first = self.pending.iter().position(|event| ids.contains(&event.id()))?;
        let rollback: Vec<_> = self.pending.drain(first..).collect();
        let kept = rollback.iter().filter(|event| !ids.contains(&event.id()));
        let base = self.pending.back().map_or(self.settled_head, |event| event.seq);
        let new_events = renumber(base, generation, kept);
        self.local_head = new_events.last().map_or(base, |event| event.seq).with_generation(generation);
        self.pending.extend(new_events.iter().cloned());
        let confirmed = self.settle_leading();
        self.assert_invariants(generation);
        Some(MergeResult::Rebase { rollback, new_events, confirmed })
    }

    /// Replaces the bodies of pending events, which keep their places. Used when the client's id changes.
    pub fn map_pending(&mut self, mut change: impl FnMut(&mut EventRecord)) {
        self.pending.iter_mut().for_each(&mut change);
    }

    /// Changes the bodies of all pending events, which keep their places. Returns the merge that this amounts to, or
    /// `None` if nothing is pending.
    pub fn revise(&mut self, mut change: impl FnMut(&mut EventBody)) -> Option<MergeResult> {
        let generation = self.local_head.generation + 1;
        let rollback: Vec<_> = self.pending.iter().cloned().collect();
        self.map_pending(|event| change(Arc::make_mut(&mut event.body)));
        let new_events = renumber(self.settled_head, generation, self.pending.iter());
        self.local_head = new_events.last()?.seq;
        self.pending = new_events.iter().cloned().collect();
        self.assert_invariants(generation);
        Some(MergeResult::Rebase { rollback, new_events, confirmed: Vec::new() })
    }

    fn local_push(&mut self, events: Vec<EventRecord>) -> Result<MergeResult, MergeError> {
        let Some((first, last)) = events.first().zip(events.last()) else {
            return Ok(MergeResult::Advance { new_events: events, confirmed: Vec::new() });
        };
        check_numbering(&first.seq, &events[1..])?;
        if check_numbering(&self.local_head, &events[..1]).is_err() {
            return Ok(MergeResult::Reject { expected_minimum: self.local_head.next_client_only().0 });
        }
        self.local_head = last.seq;
        self.pending.extend(events.iter().cloned());
        let confirmed = self.settle_leading();
        Ok(MergeResult::Advance { new_events: events, confirmed })
    }

    fn upstream_advance(&mut self, events: Vec<EventRecord>) -> Result<MergeResult, MergeError> {
        check_upstream(self.upstream, self.upstream_head, &events)?;
        let Some(head) = events.last().map(|event| event.seq) else {
            return Ok(MergeResult::Advance { new_events: events, confirmed: Vec::new() });
        };
        let generation = head.generation.max(self.local_head.generation + 1);
        let plan = self.plan(events, generation);
        let common = self.common_with(&plan.placed);
        let all_settled = common == self.pending.len();
        let stays = common == plan.placed.len() && head.generation <= self.local_head.generation;
        self.upstream_head = head;
        if all_settled || stays {
            return Ok(self.advance(plan, common));
        }
        let mut confirmed = self.settle(&plan.placed[..common]);
        let rollback: Vec<_> = self.pending.drain(..).collect();
        let (new_events, own) = self.replant(plan, common, &rollback, generation);
        confirmed.extend(own);
        Ok(MergeResult::Rebase { rollback, new_events, confirmed })
    }

    fn upstream_rebase(
        &mut self,
        mut rollback: Vec<EventRecord>,
        events: Vec<EventRecord>,
        head: SeqNum,
    ) -> Result<MergeResult, MergeError> {
        check_upstream_rebase(self.upstream, self.upstream_head, &rollback, &events, head)?;
        let generation = head.generation.max(self.local_head.generation + 1);
        let plan = self.plan(events, generation);
        let pending: Vec<_> = self.pending.drain(..).collect();
        (self.upstream_head, self.settled_head, self.local_head) = (head, head, head.with_generation(generation));
        let (new_events, confirmed) = self.replant(plan, 0, &pending, generation);
        rollback.extend(pending);
        Ok(MergeResult::Rebase { rollback, new_events, confirmed })
    }

    /// Puts upstream's events one by one where nothing pending was, and at the backend's boundary behind each the
    /// client-only events that wait for nothing else. Going event by event makes the outcome independent of how
    /// upstream's log is cut into pages.
    fn plan(&self, events: Vec<EventRecord>, generation: u32) -> Plan {
        let mut plan = Plan { placed: Vec::with_capacity(events.len()), known: HashSet::new() };
        let mut waiting = self.pending.iter().peekable();
        for event in events {
            let mut head = event.seq;
            plan.known.insert(event.id());
            plan.placed.push(event);
            let settles = |next: &EventRecord| self.upstream == Upstream::Backend && next.body.is_client_only();
            while let Some(next) = waiting.next_if(|next| plan.known.contains(&next.id()) || settles(next)) {
                if plan.known.insert(next.id()) {
                    let moved = EventRecord::after(&head.with_generation(generation), next.body.clone());
                    head = moved.seq;
                    plan.placed.push(moved);
                }
            }
        }
        plan
    }

    /// How many of the first pending events stand in the plan where they are, as they are. Upstream has one with another
    /// body if a copy of this client, under another client id, has sent it.
    fn common_with(&self, placed: &[EventRecord]) -> usize {
        let same = |(old, new): &(&EventRecord, &EventRecord)| {
            old.id() == new.id() && old.seq.order(&new.seq).is_eq() && old.body == new.body
        };
        self.pending.iter().zip(placed).take_while(same).count()
    }

    /// Takes a plan over that leaves all pending events where they are: it covers the first `common` of them.
    fn advance(&mut self, mut plan: Plan, common: usize) -> MergeResult {
        let new_events = plan.placed.split_off(common);
        let confirmed = self.settle(&plan.placed);
        self.raise_settled(new_events.last());
        if self.pending.is_empty() {
            self.local_head = moved_to(self.local_head, self.settled_head);
        }
        MergeResult::Advance { new_events, confirmed }
    }

    /// Settles as many pending events as the plan places where they are. Those that upstream sent get its numbers.
    fn settle(&mut self, placed: &[EventRecord]) -> Vec<EventRecord> {
        let pairs = self.pending.drain(..placed.len()).zip(placed);
        let is_upstreams = |new: &EventRecord| self.upstream == Upstream::Leader || !new.body.is_client_only();
        let settled: Vec<_> = pairs.map(|(old, new)| if is_upstreams(new) { new.clone() } else { old }).collect();
        self.raise_settled(settled.last());
        settled
    }

    /// Carries out a plan from its event number `from` on, and numbers after it what it doesn't have of `pending`.
    /// Returns all that has to be applied, and which of it was pending and is settled now.
    fn replant(
        &mut self,
        mut plan: Plan,
        from: usize,
        pending: &[EventRecord],
        generation: u32,
    ) -> (Vec<EventRecord>, Vec<EventRecord>) {
        let mut new_events = plan.placed.split_off(from);
        self.raise_settled(new_events.last());
        let was_pending: HashSet<_> = pending.iter().map(EventRecord::id).collect();
        let confirmed = new_events.iter().filter(|event| was_pending.contains(&event.id())).cloned().collect();
        let rest = pending.iter().filter(|event| !plan.known.contains(&event.id()));
        let rest = renumber(self.settled_head, generation, rest);
        self.local_head = rest.last().map_or(self.settled_head, |event| event.seq).with_generation(generation);
        new_events.extend(rest.iter().cloned());
        self.pending.extend(rest);
        (new_events, confirmed)
    }

    /// At the backend's boundary, client-only events with nothing synced before them wait for nobody.
    fn settle_leading(&mut self) -> Vec<EventRecord> {
        if self.upstream == Upstream::Leader {
            return Vec::new();
        }
        let leading = self.pending.iter().take_while(|event| event.body.is_client_only()).count();
        let settled: Vec<_> = self.pending.drain(..leading).collect();
        self.raise_settled(settled.last());
        settled
    }

    fn raise_settled(&mut self, last: Option<&EventRecord>) {
        if let Some(last) = last {
            self.settled_head = last.seq;
        }
    }

    fn assert_invariants(&self, least_generation: u32) {
        let Self { upstream_head, settled_head, local_head, .. } = self;
        assert!(
            !upstream_head.is_after(settled_head),
            "upstream head {upstream_head} is after settled head {settled_head}"
        );
        assert!(!settled_head.is_after(local_head), "settled head {settled_head} is after local head {local_head}");
        assert!(local_head.generation >= least_generation, "the generation fell below {least_generation}");
        let Some((first, last)) = self.pending.front().zip(self.pending.back()) else {
            assert!(settled_head.order(local_head).is_eq(), "nothing is pending before local head {local_head}");
            return;
        };
        let due = EventRecord::after(settled_head, first.body.clone());
        assert!(due.seq.order(&first.seq).is_eq(), "{} is pending right after {settled_head}", first.seq);
        assert!(last.seq.order(local_head).is_eq(), "pending ends at {} before local head {local_head}", last.seq);
        assert!(last.seq.generation <= local_head.generation, "{} is of a later generation", last.seq);
        let settled = self.upstream == Upstream::Backend && first.body.is_client_only();
        assert!(!settled, "{} waits for nothing and is pending", first.seq);
    }
}

/// What will stand after the settled head once upstream's events are in, but for the rest of pending.
struct Plan {
    /// In order.
    placed: Vec<EventRecord>,
    /// Who is among them.
    known: HashSet<EventId>,
}

/// Numbers events after `base`.
fn renumber<'a>(base: SeqNum, generation: u32, events: impl Iterator<Item = &'a EventRecord>) -> Vec<EventRecord> {
    let mut head = base.with_generation(generation);
    let after = |event: &EventRecord| {
        let next = EventRecord::after(&head, event.body.clone());
        head = next.seq;
        next
    };
    events.map(after).collect()
}

/// The local head at another position. Its generation never falls, so that pushes made before a rebase can be told.
fn moved_to(head: SeqNum, position: SeqNum) -> SeqNum {
    position.with_generation(head.generation.max(position.generation))
}

#[cfg(test)]
mod tests;
