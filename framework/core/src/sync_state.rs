//! The merge: what happens to pending events when upstream moves.
//!
//! One pure function, used at both boundaries: between a session and its leader, and between the leader and the
//! backend. It compares by identity ([`EventId`]), never by position, count or arguments.

use std::collections::{HashSet, VecDeque};

use crate::event::EventRecord;
use crate::ids::EventId;
use crate::seq_num::SeqNum;

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
    /// A local push that is not numbered after the local head. Nothing changed.
    Reject {
        /// The least number that would do.
        expected_minimum: SeqNum,
    },
}

/// A payload that upstream can't mean. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// Events are not in ascending order, or one stands in it twice.
    #[error("events are not in order: {next} follows {previous}")]
    NotAscending {
        /// The number before.
        previous: SeqNum,
        /// The number that does not follow it.
        next: SeqNum,
    },
    /// Upstream sent events at or before its own head.
    #[error("upstream sent {first}, which is not after its head {upstream_head}")]
    NotAfterUpstream {
        /// The first event sent.
        first: SeqNum,
        /// The head that it should be after.
        upstream_head: SeqNum,
    },
    /// A position of the backend's order is missing.
    #[error("upstream sent {found} where position {expected} was due")]
    Gap {
        /// The position that was due.
        expected: u64,
        /// The number that came.
        found: SeqNum,
    },
}

/// The pending events at a boundary, and the heads on both sides of it.
///
/// **Invariants:** `upstream_head ≤ settled_head ≤ local_head`; pending is ascending and ends at `local_head`; neither head moves
/// back except that a rebase renumbers what is pending; all pending events are of `local_head`'s generation or an
/// earlier one.
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
        let local_head = upstream_head.later(local_head).with_generation(local_head.generation);
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
        let before = (self.upstream_head, self.local_head);
        let result = match payload {
            Payload::LocalPush { events } => self.local_push(events),
            Payload::UpstreamAdvance { events } => self.upstream_advance(events),
            Payload::UpstreamRebase { rollback, events, head } => self.upstream_rebase(rollback, events, head),
        }?;
        self.assert_invariants(before.1);
        Ok(result)
    }

    /// Takes events out of the pending list for good and renumbers what follows: a rejection. Returns the merge
    /// that the removal amounts to, or `None` if none of them is pending.
    pub fn remove(&mut self, ids: &HashSet<EventId>) -> Option<MergeResult> {
        let first = self.pending.iter().position(|event| ids.contains(&event.id()))?;
        let rollback: Vec<_> = self.pending.drain(first..).collect();
        let kept = rollback.iter().filter(|event| !ids.contains(&event.id())).cloned().collect();
        let base = self.pending.back().map_or(self.settled_head, |event| event.seq);
        let (settled, renumbered) = self.renumber(base, kept);
        let new_events = settled.iter().chain(&renumbered).cloned().collect();
        self.pending.extend(renumbered);
        Some(MergeResult::Rebase { rollback, new_events, confirmed: settled })
    }

    /// Replaces the bodies of pending events, which keep their places. Used when the client's id changes.
    pub fn map_pending(&mut self, mut change: impl FnMut(&mut EventRecord)) {
        self.pending.iter_mut().for_each(&mut change);
    }

    fn local_push(&mut self, events: Vec<EventRecord>) -> Result<MergeResult, MergeError> {
        check_ascending(&events)?;
        if events.first().is_some_and(|first| !first.seq.is_after(&self.local_head)) {
            return Ok(MergeResult::Reject { expected_minimum: self.local_head.next_client_only().0 });
        }
        if let Some(last) = events.last() {
            self.local_head = last.seq;
        }
        self.pending.extend(events.iter().cloned());
        let confirmed = self.settle_leading();
        Ok(MergeResult::Advance { new_events: events, confirmed })
    }

    fn upstream_advance(&mut self, incoming: Vec<EventRecord>) -> Result<MergeResult, MergeError> {
        check_ascending(&incoming)?;
        let Some((first, last)) = incoming.first().zip(incoming.last()) else {
            return Ok(MergeResult::Advance { new_events: Vec::new(), confirmed: Vec::new() });
        };
        self.check_follows(first, &incoming)?;
        let head = last.seq;
        let matched = self.match_prefix(&incoming);
        if matched.incoming < incoming.len() && matched.pending < self.pending.len() {
            return Ok(self.rebase_onto(matched, &incoming, head));
        }
        let mut confirmed = self.take_confirmed(matched.pending, &incoming[..matched.incoming]);
        self.upstream_head = head;
        self.settled_head = confirmed.last().map_or(head, |event| event.seq.later(head));
        self.local_head = self.local_head.later(head).with_generation(self.local_head.generation);
        confirmed.extend(self.settle_leading());
        let new_events = incoming.into_iter().skip(matched.incoming).collect();
        Ok(MergeResult::Advance { new_events, confirmed })
    }

    /// Something is pending that upstream does not have where upstream has something else.
    fn rebase_onto(&mut self, matched: Matched, incoming: &[EventRecord], head: SeqNum) -> MergeResult {
        let mut confirmed = self.take_confirmed(matched.pending, &incoming[..matched.incoming]);
        let rollback: Vec<_> = self.pending.drain(..).collect();
        let upstream: Vec<_> = incoming[matched.incoming..].to_vec();
        confirmed.extend(own(&rollback, &upstream));
        let new_events = self.replant(&rollback, upstream, head, &mut confirmed);
        MergeResult::Rebase { rollback, new_events, confirmed }
    }

    fn upstream_rebase(
        &mut self,
        mut rollback: Vec<EventRecord>,
        events: Vec<EventRecord>,
        head: SeqNum,
    ) -> Result<MergeResult, MergeError> {
        check_ascending(&events)?;
        if let Some(last) = events.last().filter(|last| last.seq.order(&head).is_ne()) {
            return Err(MergeError::NotAscending { previous: last.seq, next: head });
        }
        let pending: Vec<_> = self.pending.drain(..).collect();
        let mut confirmed = own(&pending, &events);
        let new_events = self.replant(&pending, events, head, &mut confirmed);
        rollback.extend(pending);
        Ok(MergeResult::Rebase { rollback, new_events, confirmed })
    }

    /// Makes `upstream` the base and numbers what it does not contain of `pending` after it. Returns all that has
    /// to be applied.
    fn replant(
        &mut self,
        pending: &[EventRecord],
        upstream: Vec<EventRecord>,
        head: SeqNum,
        confirmed: &mut Vec<EventRecord>,
    ) -> Vec<EventRecord> {
        let known: HashSet<_> = upstream.iter().map(EventRecord::id).collect();
        let rest = pending.iter().filter(|event| !known.contains(&event.id())).cloned().collect();
        self.upstream_head = head;
        self.settled_head = head;
        let (settled, renumbered) = self.renumber(head, rest);
        let mut new_events = upstream;
        new_events.extend(settled.iter().cloned());
        new_events.extend(renumbered.iter().cloned());
        confirmed.extend(settled);
        self.pending.extend(renumbered);
        new_events
    }

    /// Numbers events after `base` in a new generation, and sets the local head. Returns those that are settled at
    /// once, and the others.
    fn renumber(&mut self, base: SeqNum, events: Vec<EventRecord>) -> (Vec<EventRecord>, Vec<EventRecord>) {
        let generation = base.generation.max(self.local_head.generation + 1);
        let mut head = base.with_generation(generation);
        let mut numbered = Vec::with_capacity(events.len());
        for event in events {
            let next = EventRecord::after(&head, event.body);
            head = next.seq;
            numbered.push(next);
        }
        self.local_head = head;
        let settles = self.upstream == Upstream::Backend && self.pending.is_empty();
        let leading = if settles { leading_client_only(numbered.iter()) } else { 0 };
        let rest = numbered.split_off(leading);
        self.raise_settled(numbered.last());
        (numbered, rest)
    }

    /// At the backend's boundary, client-only events with nothing synced before them wait for nobody.
    fn settle_leading(&mut self) -> Vec<EventRecord> {
        if self.upstream == Upstream::Leader {
            return Vec::new();
        }
        let leading = leading_client_only(self.pending.iter());
        let settled: Vec<_> = self.pending.drain(..leading).collect();
        self.raise_settled(settled.last());
        settled
    }

    fn raise_settled(&mut self, last: Option<&EventRecord>) {
        if let Some(last) = last {
            self.settled_head = last.seq;
        }
    }

    /// How far pending and incoming events are the same.
    fn match_prefix(&self, incoming: &[EventRecord]) -> Matched {
        let mut matched = Matched { pending: 0, incoming: 0 };
        for event in incoming {
            let skipped = match self.upstream {
                Upstream::Leader => 0,
                Upstream::Backend => leading_client_only(self.pending.iter().skip(matched.pending)),
            };
            let Some(candidate) = self.pending.get(matched.pending + skipped) else {
                matched.pending += skipped;
                return matched;
            };
            if candidate.id() != event.id() || candidate.seq.order(&event.seq).is_ne() {
                return matched;
            }
            matched.pending += skipped + 1;
            matched.incoming += 1;
        }
        matched
    }

    /// Takes the first `count` pending events; those that upstream knows get upstream's numbers.
    fn take_confirmed(&mut self, count: usize, incoming: &[EventRecord]) -> Vec<EventRecord> {
        let mut incoming = incoming.iter().peekable();
        let taken = self.pending.drain(..count);
        let renamed = taken.map(|event| incoming.next_if(|known| known.id() == event.id()).cloned().unwrap_or(event));
        renamed.collect()
    }

    fn check_follows(&self, first: &EventRecord, incoming: &[EventRecord]) -> Result<(), MergeError> {
        let upstream_head = self.upstream_head;
        if !first.seq.is_after(&upstream_head) {
            return Err(MergeError::NotAfterUpstream { first: first.seq, upstream_head });
        }
        let mut expected = upstream_head.global;
        for event in incoming {
            let due = if event.seq.client == 0 { expected + 1 } else { expected };
            if event.seq.global != due {
                return Err(MergeError::Gap { expected: due, found: event.seq });
            }
            expected = due;
        }
        Ok(())
    }

    fn assert_invariants(&self, local_head_before: SeqNum) {
        let Self { upstream_head, settled_head, local_head, .. } = self;
        assert!(
            !upstream_head.is_after(settled_head),
            "upstream head {upstream_head} is after settled head {settled_head}"
        );
        assert!(!settled_head.is_after(local_head), "settled head {settled_head} is after local head {local_head}");
        assert!(self.local_head.generation >= local_head_before.generation, "the generation fell");
        if let Some(last) = self.pending.back() {
            assert_eq!(last.seq, self.local_head, "pending does not end at the local head");
        } else {
            assert!(settled_head.order(local_head).is_eq(), "nothing is pending before local head {local_head}");
        }
    }
}

#[derive(Clone, Copy)]
struct Matched {
    pending: usize,
    incoming: usize,
}

fn leading_client_only<'a>(events: impl Iterator<Item = &'a EventRecord>) -> usize {
    events.take_while(|event| event.body.is_client_only()).count()
}

/// Those of `upstream` that were pending here, in upstream's order and numbers.
fn own(pending: &[EventRecord], upstream: &[EventRecord]) -> Vec<EventRecord> {
    let ids: HashSet<_> = pending.iter().map(EventRecord::id).collect();
    upstream.iter().filter(|event| ids.contains(&event.id())).cloned().collect()
}

/// Checks that events are numbered one after the other from `head` on, as [`EventRecord::after`] does it, and that no
/// generation falls.
///
/// # Errors
/// [`MergeError::NotAscending`] at the first that is not.
pub fn check_numbering(head: &SeqNum, events: &[EventRecord]) -> Result<(), MergeError> {
    let mut previous = *head;
    for event in events {
        let due = EventRecord::after(&previous, event.body.clone()).seq;
        if due.order(&event.seq).is_ne() || event.seq.generation < previous.generation {
            return Err(MergeError::NotAscending { previous, next: event.seq });
        }
        previous = event.seq;
    }
    Ok(())
}

fn check_ascending(events: &[EventRecord]) -> Result<(), MergeError> {
    let broken = events.windows(2).find(|pair| !pair[1].seq.is_after(&pair[0].seq));
    broken.map_or(Ok(()), |pair| Err(MergeError::NotAscending { previous: pair[0].seq, next: pair[1].seq }))
}

#[cfg(test)]
mod tests;
