//! What goes wrong in a simulation: each class of faults is on or off by seed, and so is its rate.

use crate::rng::Rng;

/// Rates are per mille.
#[derive(Clone, Debug)]
pub(crate) struct Faults {
    /// A message is lost.
    pub(crate) loss: u64,
    /// A lost message is noticed at once by who waits for an answer.
    pub(crate) noticed: u64,
    /// A message arrives twice.
    pub(crate) doubled: u64,
    /// The backend fails after it did what it was asked.
    pub(crate) fails_after: u64,
    /// The backend, or something before it, refuses to do what it is asked.
    pub(crate) refuses: u64,
    /// A client dies after an input, before all effects are carried out.
    pub(crate) dies: u64,
    /// A client dies at a write, which is not done.
    pub(crate) dies_in_write: u64,
    /// A write fails.
    pub(crate) write_fails: u64,
    /// An event is one that the backend refuses for good.
    pub(crate) bad_events: u64,
    /// Longest delay of a message, in milliseconds.
    pub(crate) delay_ms: u64,
    /// Longest time that a session takes for a message, in milliseconds.
    pub(crate) session_ms: u64,
    /// Other troubles that come over time, and how many of them.
    pub(crate) troubles: Vec<(Trouble, u64)>,
}

/// Something that happens to a client or to the backend at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The process dies with its sessions.
    Crash,
    /// The leader dies, its sessions live on and find the next one.
    Handover,
    /// The log loses its last writes.
    PowerLoss,
    /// The client's folder is copied, and both are used.
    Copy,
    /// Nothing comes through for a while.
    Partition,
    /// Sync is switched off for a while.
    Offline,
    /// The backend is down for a while, and forgets whom it holds.
    BackendDown,
}

const TROUBLES: [Trouble; 7] = [
    Trouble::Crash,
    Trouble::Handover,
    Trouble::PowerLoss,
    Trouble::Copy,
    Trouble::Partition,
    Trouble::Offline,
    Trouble::BackendDown,
];

impl Faults {
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        let mut rate = |most: u64| if rng.per_mille(500) { rng.between(1, most) } else { 0 };
        Self {
            loss: rate(300),
            noticed: rate(1000),
            doubled: rate(200),
            fails_after: rate(200),
            refuses: rate(100),
            dies: rate(20),
            dies_in_write: rate(20),
            write_fails: rate(50),
            bad_events: rate(100),
            delay_ms: 3 + rate(600),
            session_ms: 1 + rate(300),
            troubles: TROUBLES.iter().map(|trouble| (*trouble, rate(3))).collect(),
        }
    }

    /// All that went wrong is over.
    pub(crate) fn none() -> Self {
        Self {
            loss: 0,
            noticed: 0,
            doubled: 0,
            fails_after: 0,
            refuses: 0,
            dies: 0,
            dies_in_write: 0,
            write_fails: 0,
            bad_events: 0,
            delay_ms: 20,
            session_ms: 5,
            troubles: Vec::new(),
        }
    }
}
