//! Which part of the log answers a pull.

use super::batch::wire_bytes;
use crate::Chain;
use crate::limits;
use crate::protocol::{LogPosition, WireEvent};

/// Compares a client's position with the log.
///
/// `here` is the chain value that the log has at `after`: `None` where it does not reach that far.
///
/// # Errors
/// The last position up to which the two histories may agree, when they don't agree at `after`.
pub fn judge_pull(log: &LogPosition, after: u64, here: Option<Chain>, chain: Option<Chain>) -> Result<(), u64> {
    if after > log.head {
        return Err(log.head);
    }
    match (here, chain) {
        (Some(here), Some(chain)) if here != chain => Err(after.saturating_sub(1)),
        (None, _) => Err(after.saturating_sub(1)),
        _ => Ok(()),
    }
}

/// How much goes on one page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageBounds {
    /// Most events, unless the first group alone has more.
    pub events: usize,
    /// Most bytes, as [`EventBody::wire_bytes`](crate::EventBody::wire_bytes) counts them, unless the first group
    /// alone has more.
    pub bytes: usize,
}

impl PageBounds {
    /// The bounds of a pull that asks for at most `limit` events.
    #[must_use]
    pub fn pull(limit: Option<usize>) -> Self {
        let events = limit.unwrap_or(limits::MAX_PAGE_EVENTS).clamp(1, limits::MAX_PAGE_EVENTS);
        Self { events, bytes: limits::MAX_PAGE_BYTES }
    }

    /// The bounds of the tail that goes with `behind`.
    #[must_use]
    pub fn tail() -> Self {
        Self { events: limits::MAX_PAGE_EVENTS, bytes: limits::MAX_TAIL_BYTES }
    }
}

/// Whether a page takes more events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageStep {
    /// Go on with the next event of the log.
    More,
    /// The page is full.
    Full,
}

/// Cuts a page out of a log: whole groups, as many as fit, and always at least one.
///
/// ```
/// # use headwater_core::backend::{PageBounds, PageCut, PageStep};
/// # fn page(log: Vec<headwater_core::protocol::WireEvent>) -> Vec<headwater_core::protocol::WireEvent> {
/// let mut cut = PageCut::new(PageBounds::pull(Some(100)));
/// for event in log {
///     if cut.add(event) == PageStep::Full {
///         break;
///     }
/// }
/// cut.finish()
/// # }
/// # assert!(page(Vec::new()).is_empty());
/// ```
#[derive(Debug)]
pub struct PageCut {
    bounds: PageBounds,
    bytes: usize,
    events: Vec<WireEvent>,
    /// How many of `events` are whole groups.
    whole: usize,
}

impl PageCut {
    /// An empty page.
    #[must_use]
    pub fn new(bounds: PageBounds) -> Self {
        Self { bounds, bytes: 0, events: Vec::new(), whole: 0 }
    }

    /// Adds the next event of the log.
    #[must_use]
    pub fn add(&mut self, event: WireEvent) -> PageStep {
        let ends_group = event.group == 0;
        self.bytes += wire_bytes(&event);
        self.events.push(event);
        let over = self.events.len() > self.bounds.events || self.bytes > self.bounds.bytes;
        if over && self.whole > 0 {
            return PageStep::Full;
        }
        if ends_group {
            self.whole = self.events.len();
            if over || self.whole == self.bounds.events {
                return PageStep::Full;
            }
        }
        PageStep::More
    }

    /// The page.
    #[must_use]
    pub fn finish(mut self) -> Vec<WireEvent> {
        self.events.truncate(self.whole);
        self.events
    }
}
