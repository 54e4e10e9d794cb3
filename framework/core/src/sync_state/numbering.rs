//! The checks on the numbers of what comes in.

use std::collections::HashSet;

use super::Upstream;
use crate::event::EventRecord;
use crate::ids::EventId;
use crate::seq_num::SeqNum;

/// A payload that nobody can mean. Nothing was changed.
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
    /// A position of upstream's order is missing.
    #[error("upstream sent {found} after {previous}, and what stands between them is missing")]
    Gap {
        /// The event before.
        previous: SeqNum,
        /// The number that came.
        found: SeqNum,
    },
    /// Upstream sent an event twice.
    #[error("upstream sent event {0} twice")]
    Twice(EventId),
    /// Upstream took back events that are not the tail of what it had announced.
    #[error("upstream took back events up to {last}, but its head is {upstream_head}")]
    NotAnnounced {
        /// The last event that it took back.
        last: SeqNum,
        /// The head that should be the last one.
        upstream_head: SeqNum,
    },
}

/// Checks that events are numbered one after the other from `head` on, as [`EventRecord::after`] does it, and that no
/// generation falls.
///
/// # Errors
/// [`MergeError::NotAscending`] at the first that is not.
pub fn check_numbering(head: &SeqNum, events: &[EventRecord]) -> Result<(), MergeError> {
    let mut previous = *head;
    for event in events {
        let (seq, parent) = due(&previous, event);
        let in_place = seq.order(&event.seq).is_eq() && parent.order(&event.parent).is_eq();
        if !in_place || event.seq.generation < previous.generation {
            return Err(MergeError::NotAscending { previous, next: event.seq });
        }
        previous = event.seq;
    }
    Ok(())
}

/// Checks that no number is missing in what upstream sent after `head`. Its generations may fall: an event that the
/// backend confirmed has none.
pub(super) fn check_upstream(upstream: Upstream, head: SeqNum, events: &[EventRecord]) -> Result<(), MergeError> {
    let Some(first) = events.first() else { return Ok(()) };
    if !first.seq.is_after(&head) {
        return Err(MergeError::NotAfterUpstream { first: first.seq, upstream_head: head });
    }
    let mut previous = head;
    let mut ids = HashSet::with_capacity(events.len());
    for event in events {
        if !ids.insert(event.id()) {
            return Err(MergeError::Twice(event.id()));
        }
        if !event.seq.is_after(&previous) {
            return Err(MergeError::NotAscending { previous, next: event.seq });
        }
        let foreign = upstream == Upstream::Backend && event.body.is_client_only();
        if foreign || due(&previous, event).0.order(&event.seq).is_ne() {
            return Err(MergeError::Gap { previous, found: event.seq });
        }
        previous = event.seq;
    }
    Ok(())
}

/// Checks that upstream took back the tail of what it had announced, and put something in its place that fits.
pub(super) fn check_upstream_rebase(
    upstream: Upstream,
    upstream_head: SeqNum,
    rollback: &[EventRecord],
    events: &[EventRecord],
    head: SeqNum,
) -> Result<(), MergeError> {
    let base = rollback.first().map_or(upstream_head, |first| base_of(first, events, head));
    check_upstream(upstream, base, rollback)?;
    if let Some(last) = rollback.last().filter(|last| last.seq.order(&upstream_head).is_ne()) {
        return Err(MergeError::NotAnnounced { last: last.seq, upstream_head });
    }
    check_upstream(upstream, base, events)?;
    let last = events.last().map_or(base, |event| event.seq);
    if last.order(&head).is_ne() {
        return Err(MergeError::Gap { previous: last, found: head });
    }
    Ok(())
}

/// What stands before the first event that is taken back. The parent of a synced one skips client-only events; then
/// what comes in its place must tell.
fn base_of(rolled_back: &EventRecord, events: &[EventRecord], head: SeqNum) -> SeqNum {
    match events.first() {
        _ if rolled_back.body.is_client_only() => rolled_back.parent,
        Some(first) if first.body.is_client_only() => first.parent,
        Some(_) => rolled_back.parent,
        None => head,
    }
}

/// The number and the parent that an event would get after `head`, but for the generation.
fn due(head: &SeqNum, event: &EventRecord) -> (SeqNum, SeqNum) {
    if event.body.is_client_only() { head.next_client_only() } else { head.next_synced() }
}
