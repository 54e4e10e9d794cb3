//! What becomes of a push.

use super::check_batch;
use crate::protocol::{LogPosition, PushReply, PushRequest};
use crate::{Chain, Claim, EventRecord};

/// What a storage knows when it judges a push.
#[derive(Clone, Copy, Debug)]
pub struct PushView<'a> {
    /// Where the log stands.
    pub log: LogPosition,
    /// The claim stored for the client id that pushes, if it pushed before.
    pub claim: Option<Claim>,
    /// For each event of the batch, in its order, the position in the log of the event with this id.
    pub known: &'a [Option<u64>],
}

/// What to do with a push.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PushDecision {
    /// Append these events, in the transaction that the view was read in.
    Append(Append),
    /// The whole batch is in the log already: a resend. Answer with its positions.
    Duplicate(PushReply),
    /// The batch is not numbered after the head. Answer with the events after its parent.
    Behind,
    /// It is another log, or another epoch of it.
    BackendMismatch,
    /// Somebody else claimed this client id.
    ClientIdTaken,
    /// The batch breaks the protocol.
    Malformed {
        /// What is wrong with it, for people. It quotes no arguments.
        reason: String,
    },
}

/// A batch that may be appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Append {
    /// The events at their places. Never empty.
    pub events: Vec<ChainedEvent>,
    /// Where the log stands after them.
    pub log: LogPosition,
    /// The claim to keep for the client id: set at its first push.
    pub new_claim: Option<Claim>,
}

/// An event at its place in a backend's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainedEvent {
    /// The event.
    pub event: EventRecord,
    /// The chain value at its position.
    pub chain: Chain,
}

impl Append {
    /// The answer once it is durable.
    #[must_use]
    pub fn reply(&self) -> PushReply {
        let positions = self.events.iter().map(|chained| chained.event.seq.global).collect();
        PushReply { log: self.log, positions, duplicate: false }
    }
}

/// Judges a push, in the protocol's order of checks.
///
/// # Panics
/// If `view.known` has not one entry for each event of the batch: a defect of the storage.
#[must_use]
pub fn judge_push(view: &PushView<'_>, request: &PushRequest) -> PushDecision {
    assert_eq!(view.known.len(), request.events.len(), "one known position per event of the batch");
    let log = view.log;
    let other_backend = request.backend_id.is_some_and(|id| id != log.backend_id);
    let other_epoch = request.epoch.is_some_and(|epoch| epoch != log.epoch);
    if other_backend || other_epoch {
        return PushDecision::BackendMismatch;
    }
    if view.claim.is_some_and(|claim| claim != request.claim) {
        return PushDecision::ClientIdTaken;
    }
    if request.events.is_empty() {
        return PushDecision::Malformed { reason: "the batch has no events".into() };
    }
    match resend(view.known) {
        Resend::Whole(positions) => {
            return PushDecision::Duplicate(PushReply { log, positions, duplicate: true });
        }
        Resend::Partial => return PushDecision::Behind,
        Resend::No => {}
    }
    if request.parent != log.head || request.parent_chain != log.chain {
        return PushDecision::Behind;
    }
    if let Err(reason) = check_batch(request) {
        return PushDecision::Malformed { reason };
    }
    PushDecision::Append(append(view, request))
}

enum Resend {
    /// No event of the batch is in the log.
    No,
    /// Some are, or all but in another order.
    Partial,
    /// All are, in this order.
    Whole(Vec<u64>),
}

fn resend(known: &[Option<u64>]) -> Resend {
    if known.iter().all(Option::is_none) {
        return Resend::No;
    }
    match known.iter().copied().collect::<Option<Vec<u64>>>() {
        Some(positions) if positions.is_sorted_by(|a, b| a < b) => Resend::Whole(positions),
        _ => Resend::Partial,
    }
}

fn append(view: &PushView<'_>, request: &PushRequest) -> Append {
    let mut log = view.log;
    let mut events = Vec::with_capacity(request.events.len());
    for wire in &request.events {
        let event = EventRecord::from(wire.clone());
        assert_eq!(event.seq.global, log.head + 1, "a checked batch is contiguous");
        log.head = event.seq.global;
        log.chain = log.chain.next(log.head, &event.body.digest());
        events.push(ChainedEvent { event, chain: log.chain });
    }
    let new_claim = view.claim.is_none().then_some(request.claim);
    Append { events, log, new_claim }
}
