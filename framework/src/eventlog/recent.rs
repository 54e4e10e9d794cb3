//! The end of the settled log, kept in memory: what has just been written need not be read back to be materialized.

use std::collections::VecDeque;

use headwater_core::leader::Settled;
use headwater_core::{EventRecord, SeqNum};

/// Most events that are kept. More than a leader lets its state on disk lag behind.
const MAX_EVENTS: usize = 4_000;
/// Most bytes of events that are kept.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// The last settled events, without a gap up to the head.
pub(super) struct Recent {
    /// The event before the first.
    before: SeqNum,
    events: VecDeque<Settled>,
    bytes: usize,
}

impl Recent {
    /// None yet, of a log that ends at `head`.
    pub(super) fn new(head: SeqNum) -> Self {
        Self { before: head, events: VecDeque::new(), bytes: 0 }
    }

    /// Adds the event that the log ends with now.
    pub(super) fn push(&mut self, settled: &Settled) {
        let seq = settled.event.seq.with_generation(0);
        let event = EventRecord { seq, parent: parent(seq), body: settled.event.body.clone() };
        self.bytes += event.body.wire_bytes();
        self.events.push_back(Settled { event, chain: settled.chain });
        while self.events.len() > MAX_EVENTS || self.bytes > MAX_BYTES {
            let Some(first) = self.events.pop_front() else { return };
            self.bytes -= first.event.body.wire_bytes();
            self.before = first.event.seq;
        }
    }

    /// The events after a position, at most `limit`; `None` if they don't reach back that far.
    pub(super) fn after(&self, after: &SeqNum, limit: usize) -> Option<Vec<Settled>> {
        if self.before.is_after(after) {
            return None;
        }
        let start = self.events.partition_point(|settled| !settled.event.seq.is_after(after));
        Some(self.events.range(start..).take(limit).cloned().collect())
    }
}

/// What a settled event is numbered after.
pub(super) fn parent(seq: SeqNum) -> SeqNum {
    if seq.client > 0 { SeqNum { client: seq.client - 1, ..seq } } else { SeqNum::global(seq.global.saturating_sub(1)) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use headwater_core::{Args, Chain, ClientId, EventBody, EventId, EventScope, Facts, SessionId};

    use super::*;

    fn settled(number: u64, args: &str) -> Settled {
        let body = EventBody {
            id: EventId::from_bytes(u128::from(number).to_le_bytes()),
            name: "v1.A".into(),
            ver: 1,
            args: Args::encode(args).expect("JSON"),
            client_id: ClientId::new("client").expect("a name"),
            session_id: SessionId::new("session").expect("a name"),
            scope: EventScope::Synced,
            group_rest: 0,
            facts: Facts::default(),
        };
        let event = EventRecord::after(&SeqNum::global(number - 1).with_generation(3), Arc::new(body));
        Settled { event, chain: Chain::ROOT }
    }

    fn numbers(recent: &Recent, after: u64, limit: usize) -> Option<Vec<String>> {
        let events = recent.after(&SeqNum::global(after), limit)?;
        Some(events.iter().map(|settled| settled.event.seq.to_string()).collect())
    }

    #[test]
    fn what_is_kept_reaches_up_to_the_head_without_a_gap() {
        let mut recent = Recent::new(SeqNum::global(5));
        assert_eq!(numbers(&recent, 5, 9), Some(vec![]));
        (6..=8).for_each(|number| recent.push(&settled(number, "")));
        assert_eq!(numbers(&recent, 4, 9), None);
        assert_eq!(numbers(&recent, 5, 2), Some(vec!["e6".into(), "e7".into()]));
        assert_eq!(numbers(&recent, 7, 9), Some(vec!["e8".into()]));
        assert_eq!(numbers(&recent, 8, 9), Some(vec![]));
    }

    #[test]
    fn it_is_bounded_in_number_and_in_bytes() {
        let mut recent = Recent::new(SeqNum::ROOT);
        let last = MAX_EVENTS as u64 + 10;
        (1..=last).for_each(|number| recent.push(&settled(number, "")));
        assert_eq!(recent.events.len(), MAX_EVENTS);
        assert_eq!(numbers(&recent, 9, 1), None);
        assert_eq!(numbers(&recent, 10, 1), Some(vec!["e11".into()]));
        let large = "x".repeat(MAX_BYTES);
        recent.push(&settled(last + 1, &large));
        assert_eq!((recent.events.len(), recent.bytes), (0, 0));
        assert_eq!(numbers(&recent, last, 1), None);
        assert_eq!(numbers(&recent, last + 1, 1), Some(vec![]));
    }
}
