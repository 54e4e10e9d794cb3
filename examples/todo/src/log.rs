//! The eventlog as it moves: what is confirmed, what is pending, and what was rebased.

use std::collections::{HashMap, VecDeque};

use headwater::{EventId, LoggedEvent, SeqNum};
use serde::Deserialize;

/// Confirmed events that are kept to be shown.
const CONFIRMED_SHOWN: usize = 200;
/// Pending events that are shown: the first and what follows.
const PENDING_SHOWN: usize = 200;

/// Places that are remembered before those of events that are no longer pending are given up.
const PLACES_KEPT: usize = 10 * PENDING_SHOWN;

/// An event as a line of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its place, in event notation: `e4`, `e4'r1`.
    pub place: String,
    /// Its type and what it is about.
    pub text: String,
    /// Who committed it.
    pub client: String,
    /// The place that it had before.
    pub was: Option<String>,
    /// Whether the backend has it.
    pub is_pending: bool,
}

/// The end of the eventlog.
#[derive(Debug, Default)]
pub struct Log {
    confirmed: VecDeque<Line>,
    pending: Vec<Line>,
    pending_total: usize,
    /// Where pending events were first and last seen.
    places: HashMap<EventId, Places>,
}

#[derive(Clone, Copy, Debug)]
struct Places {
    before: Option<SeqNum>,
    now: SeqNum,
}

impl Log {
    /// Takes an event that is confirmed.
    pub fn confirm(&mut self, event: &LoggedEvent) {
        let seen = self.places.remove(&event.id);
        // What was pending at the place where it is confirmed has not moved, whatever its generation was.
        let was = seen.and_then(|seen| seen.before.or(Some(seen.now))).filter(|was| was.global != event.seq.global);
        let line = line(event, was, false);
        // A place is taken once; the stream never says it twice.
        self.confirmed.push_back(line);
        if self.confirmed.len() > CONFIRMED_SHOWN {
            self.confirmed.pop_front();
        }
    }

    /// Takes all that is pending now.
    pub fn set_pending(&mut self, events: &[LoggedEvent]) {
        self.pending_total = events.len();
        if self.places.len() > PLACES_KEPT {
            self.places.retain(|id, _| events.iter().take(PENDING_SHOWN).any(|event| event.id == *id));
        }
        self.pending = events.iter().take(PENDING_SHOWN).map(|event| pending_line(&mut self.places, event)).collect();
    }

    /// The confirmed events that are kept, in order.
    pub fn confirmed(&self) -> impl DoubleEndedIterator<Item = &Line> + ExactSizeIterator {
        self.confirmed.iter()
    }

    /// The first pending events, in order.
    #[must_use]
    pub fn pending(&self) -> &[Line] {
        &self.pending
    }

    /// How many events are pending beyond those.
    #[must_use]
    pub fn more_pending(&self) -> usize {
        self.pending_total - self.pending.len()
    }
}

fn pending_line(places: &mut HashMap<EventId, Places>, event: &LoggedEvent) -> Line {
    let seen = places.entry(event.id).or_insert(Places { before: None, now: event.seq });
    if seen.now != event.seq {
        *seen = Places { before: Some(seen.now), now: event.seq };
    }
    line(event, seen.before, true)
}

/// What is told of an event's arguments: what it says, or else what it is about.
#[derive(Deserialize)]
struct Told {
    text: Option<String>,
    name: Option<String>,
    id: Option<String>,
    list_id: Option<String>,
}

/// Letters of an id that are shown.
const ID_SHOWN: usize = 6;

impl Told {
    fn text(self) -> Option<String> {
        let text = self.text.or(self.name).map(|text| format!(" “{text}”"));
        let id = self.id.or(self.list_id);
        text.or_else(|| Some(format!(" {}", id?.chars().take(ID_SHOWN).collect::<String>())))
    }
}

fn line(event: &LoggedEvent, was: Option<SeqNum>, is_pending: bool) -> Line {
    let told = event.decode::<Told>().ok().and_then(Told::text).unwrap_or_default();
    Line {
        place: notation(event.seq, is_pending),
        text: format!("{}{told}", event.name),
        client: event.client_id.to_string(),
        was: was.map(|was| notation(was, true)),
        is_pending,
    }
}

/// Event notation: a pending event has a mark behind its number.
#[must_use]
pub fn notation(seq: SeqNum, is_pending: bool) -> String {
    let place = seq.to_string();
    let (number, generation) = place.find('r').map_or((&*place, ""), |at| place.split_at(at));
    if is_pending { format!("{number}'{generation}") } else { number.to_owned() }
}

/// Events in a row: `e1 → e2'`.
#[must_use]
pub fn trail(confirmed: &[LoggedEvent], pending: &[LoggedEvent]) -> String {
    let confirmed = confirmed.iter().map(|event| notation(event.seq, false));
    let places: Vec<_> = confirmed.chain(pending.iter().map(|event| notation(event.seq, true))).collect();
    places.join(" → ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pending_event_has_a_mark_between_number_and_generation() {
        let seq = SeqNum { global: 4, client: 0, generation: 1 };
        assert_eq!(notation(seq, true), "e4'r1");
        assert_eq!(notation(seq, false), "e4");
        assert_eq!(notation(SeqNum::global(4), true), "e4'");
    }
}
