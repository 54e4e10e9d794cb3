//! What a leader asks of its eventlog.

use crate::event::EventRecord;
use crate::ids::{BackendId, ClientId, EventId};
use crate::{Chain, SeqNum};

/// The leader's storage: the eventlog of a client. Synchronous, so that a file, a map and a simulated disk all do.
pub trait Log {
    /// Why a write failed.
    type Error: std::fmt::Display;

    /// Writes a change, whole or not at all.
    ///
    /// # Errors
    /// If it was not written. Nothing of it is there then.
    fn write(&mut self, change: &Change<'_>) -> Result<(), Self::Error>;
}

/// How long a write must last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// The commit does not wait for the write; it survives neither a crash nor a power loss until it is done.
    Deferred,
    /// It survives the end of the process in any form, `kill -9` included.
    #[default]
    Process,
    /// It survives the loss of power.
    Disk,
}

/// One atomic change of the eventlog.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    /// New pending events, in order, behind the others.
    pub appended: &'a [EventRecord],
    /// Events that now have their final place, in order. Those that were pending are pending no more.
    pub settled: &'a [Settled],
    /// Pending events that are refused: they move to the dead letters.
    pub rejected: &'a [Rejection],
    /// The client's id from now on, also of all pending events, if it changes.
    pub client_id: Option<&'a ClientId>,
    /// The heads after the change.
    pub mark: &'a Mark,
    /// How long it must last.
    pub durability: Durability,
}

/// An event at its final place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The event.
    pub event: EventRecord,
    /// The chain value after it; that of the last synced event before it if it is client-only.
    pub chain: Chain,
}

/// Why an event is not in the backend's log and never will be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The event, as it was pending.
    pub event: EventRecord,
    /// The event whose refusal is the reason: itself, one of its group, or one that it depends on.
    pub cause: EventId,
    /// The backend's code.
    pub code: String,
    /// The backend's reason, for people.
    pub reason: String,
}

/// The scalars of the log. They move in the same transaction as the events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The last position known from the backend.
    pub upstream_head: u64,
    /// The chain value there.
    pub chain: Chain,
    /// The generation of the local numbering.
    pub generation: u32,
    /// The backend's log that this log belongs to, once known, and its epoch.
    pub backend: Option<(BackendId, u64)>,
    /// The batch whose outcome is not known.
    pub in_flight: Option<InFlight>,
}

/// A batch on its way: it is frozen until there is a definite answer. An unknown outcome is answered by sending the
/// very same batch again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InFlight {
    /// The position that it is numbered after.
    pub parent: u64,
    /// The chain value there.
    pub parent_chain: Chain,
    /// How many events: the first of the synced pending ones.
    pub count: usize,
}

/// What a leader finds when it starts.
#[derive(Clone, Debug)]
pub struct Recovered {
    /// The scalars.
    pub mark: Mark,
    /// The last settled event.
    pub settled_head: SeqNum,
    /// The pending events, in order. Their numbers are made anew: they follow from the order.
    pub pending: Vec<std::sync::Arc<crate::EventBody>>,
}
