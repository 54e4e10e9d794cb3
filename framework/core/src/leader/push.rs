//! How a leader pushes, and what it makes of the answers.

use std::collections::HashSet;

use super::link::{HOLD_MS, Way};
use super::log::{Change, Durability, InFlight, Log, Mark, Rejection};
use super::message::{Effect, ToSession, TransportError};
use super::status::Health;
use super::{Leader, Trouble, check_backend};
use crate::event::EventRecord;
use crate::ids::{ClientId, EventId};
use crate::protocol::{self, LogPosition, PushAnswer, PushReply, PushRequest, WireEvent};
use crate::{SeqNum, limits};

impl<L: Log> Leader<L> {
    pub(super) fn start_push(&mut self, now: u64) {
        let in_flight = match self.freeze_batch() {
            Ok(Some(in_flight)) => in_flight,
            Ok(None) => return,
            Err(trouble) => return self.report(Way::Push, trouble, now),
        };
        let batch = self.batch(in_flight);
        let bytes = batch.iter().map(|event| event.body.wire_bytes()).sum();
        let push = PushRequest {
            protocol: protocol::VERSION,
            backend_id: self.mark.backend.map(|(id, _)| id),
            epoch: self.mark.backend.map(|(_, epoch)| epoch),
            client_id: self.identity.client_id.clone(),
            claim: self.identity.claim,
            parent: in_flight.parent,
            parent_chain: in_flight.parent_chain,
            events: batch.iter().map(WireEvent::from).collect(),
        };
        let Some(link) = &mut self.link else { return };
        let request = link.start_push(bytes, self.mark.upstream_head, now);
        self.effects.push_back(Effect::Push { request, push: Box::new(push) });
    }

    /// The batch whose outcome is not known, or a new one, noted in the log before it is sent.
    fn freeze_batch(&mut self) -> Result<Option<InFlight>, Trouble> {
        if let Some(in_flight) = self.mark.in_flight {
            return Ok(Some(in_flight));
        }
        if self.id_is_shared {
            self.change_client_id()?;
        }
        let count = self.next_batch_len();
        if count == 0 {
            return Ok(None);
        }
        let in_flight = InFlight { parent: self.mark.upstream_head, parent_chain: self.mark.chain, count };
        self.write_mark(Mark { in_flight: Some(in_flight), ..self.mark.clone() }, None)?;
        Ok(Some(in_flight))
    }

    /// As many pending events as fit into one push; never a part of a group. What a session pushed ends with a group.
    fn next_batch_len(&self) -> usize {
        let asked = self.link.as_ref().map_or(1, |link| link.options.push_events);
        let max_events = asked.clamp(1, limits::MAX_PUSH_EVENTS);
        let (mut count, mut bytes, mut whole) = (0, 0, 0);
        for event in self.synced_pending() {
            count += 1;
            bytes += event.body.wire_bytes();
            if whole > 0 && (count > max_events || bytes > limits::MAX_PUSH_BYTES) {
                return whole;
            }
            if event.body.group_rest == 0 {
                whole = count;
            }
        }
        count
    }

    /// The events of a frozen batch, numbered as they were sent.
    fn batch(&self, in_flight: InFlight) -> Vec<EventRecord> {
        let numbered = self.synced_pending().take(in_flight.count).zip(in_flight.parent..);
        let batch = numbered.map(|(event, parent)| EventRecord {
            seq: SeqNum::global(parent + 1),
            parent: SeqNum::global(parent),
            body: event.body.clone(),
        });
        batch.collect()
    }

    pub(super) fn in_flight_ids(&self) -> impl Iterator<Item = EventId> {
        let count = self.mark.in_flight.map_or(0, |in_flight| in_flight.count);
        self.synced_pending().take(count).map(EventRecord::id)
    }

    pub(super) fn pushed(&mut self, request: u64, result: Result<PushAnswer, TransportError>, now: u64) {
        let Some(link) = &mut self.link else { return };
        if !link.answers(Way::Push, request) {
            return;
        }
        let answer = match result {
            Ok(answer) => answer,
            Err(error) => return link.fail(Way::Push, &error, now),
        };
        if let Err(trouble) = self.merge_catch_up(None) {
            return self.report(Way::Push, trouble, now);
        }
        // A pull that confirmed the batch has answered it already.
        let Some(in_flight) = self.mark.in_flight else { return };
        let answered = match answer {
            PushAnswer::Accepted(reply) => self.accepted(in_flight, &reply, now),
            PushAnswer::Behind { log, tail, more } => self.behind(in_flight, &log, tail, more, now),
            PushAnswer::BackendMismatch { log } => {
                let refuses = || format!("it refuses this client's history; its head is {}", log.head);
                Err(Trouble::Backend(check_backend(&self.mark, &log).err().unwrap_or_else(refuses)))
            }
            PushAnswer::ClientIdTaken => self.change_client_id().map(|()| self.note_push(false, now)),
            PushAnswer::Rejected { id, code, reason } => self.rejected(id, &code, &reason, now),
            PushAnswer::Malformed { reason } => {
                self.hold_push(format!("the backend can't read the batch: {reason}"), now);
                Ok(())
            }
        };
        if let Err(trouble) = answered {
            self.report(Way::Push, trouble, now);
        }
    }

    /// Notes an answer as it should be, and whether it brought the client further.
    fn note_push(&mut self, progress: bool, now: u64) {
        let Some(link) = &mut self.link else { return };
        link.succeed(Way::Push);
        if progress {
            link.push.progress();
        } else {
            link.note_idle_reply(Way::Push, now);
        }
    }

    /// The backend and this client don't understand each other: only a newer version of one of them helps.
    fn hold_push(&mut self, reason: String, now: u64) {
        if let Some(link) = &mut self.link {
            link.push.hold(Health::Fault { reason }, now + HOLD_MS);
        }
    }

    fn accepted(&mut self, in_flight: InFlight, reply: &PushReply, now: u64) -> Result<(), Trouble> {
        let PushReply { log, positions, duplicate } = reply;
        check_backend(&self.mark, log).map_err(Trouble::Backend)?;
        let events = self.batch(in_flight);
        let due = events.iter().map(|event| event.seq.global);
        let follows = in_flight.parent == self.mark.upstream_head && due.eq(positions.iter().copied());
        let at_head = positions.last() == Some(&log.head);
        let mark = Mark { in_flight: None, backend: Some((log.backend_id, log.epoch)), ..self.mark.clone() };
        if follows && at_head {
            match self.advance(events, mark.clone(), Some(log)) {
                Ok(()) => {
                    self.backend_head = self.backend_head.max(Some(log.head));
                    self.note_push(true, now);
                    return Ok(());
                }
                Err(Trouble::Backend(_)) if *duplicate => {}
                Err(trouble) => return Err(trouble),
            }
        } else if !follows && !*duplicate {
            let head = self.mark.upstream_head;
            return Err(Trouble::Backend(format!("it put a batch after {head} at {positions:?} of {}", log.head)));
        }
        // A resend. The batch is in the log, but where and as what only a pull can tell: others came behind it, or a
        // copy of this client has sent it.
        self.backend_head = self.backend_head.max(Some(log.head));
        self.note_push(false, now);
        if let Some(link) = &mut self.link {
            link.await_pull(positions.iter().copied().max().unwrap_or(0));
        }
        Ok(())
    }

    /// Nothing was appended; the events that are missing here came along.
    fn behind(
        &mut self,
        in_flight: InFlight,
        log: &LogPosition,
        tail: Vec<WireEvent>,
        more: bool,
        now: u64,
    ) -> Result<(), Trouble> {
        let (asked_head, agreed) =
            self.link.as_ref().map_or((0, false), |link| (link.push.known_head(), link.histories_agree));
        let mut events = self.news(log, asked_head, tail).map_err(Trouble::Backend)?;
        let mut backend = Some((log.backend_id, log.epoch));
        if more && !agreed {
            // A tail with more behind it can't be compared with the backend's chain: a pull can.
            events.clear();
            backend = self.mark.backend;
        }
        let progress = !events.is_empty() || in_flight.parent < self.mark.upstream_head;
        let mark = Mark { in_flight: None, backend, ..self.mark.clone() };
        self.advance(events, mark, (!more).then_some(log))?;
        self.backend_head = self.backend_head.max(Some(log.head));
        self.note_push(progress, now);
        match &mut self.link {
            Some(link) if self.mark.upstream_head < log.head && progress => link.delay_push(now),
            Some(link) if self.mark.upstream_head < log.head => link.await_pull(log.head),
            _ => {}
        }
        Ok(())
    }

    /// Somebody else has this client's id: draws another one and gives it to all that is pending.
    ///
    /// Never while the outcome of a batch is unknown: it may be in the backend's log under the old id.
    fn change_client_id(&mut self) -> Result<(), Trouble> {
        let Some(link) = &mut self.link else { return Ok(()) };
        let chars = link.options.client_id_chars.clamp(1, limits::MAX_NAME_CHARS);
        let client_id = draw_client_id(chars, || link.random());
        let mut sync = self.sync.clone();
        let result = sync.revise(|body| body.client_id = client_id.clone());
        let generation = sync.local_head().generation;
        let mark = Mark { in_flight: None, generation, ..self.mark.clone() };
        let change = Change {
            appended: &[],
            settled: &[],
            rejected: &[],
            client_id: Some(&client_id),
            mark: &mark,
            durability: Durability::Process,
        };
        self.log.write(&change).map_err(|error| Trouble::Fault(error.to_string()))?;
        self.mark = mark;
        self.sync = sync;
        self.id_is_shared = false;
        self.identity.client_id = client_id.clone();
        for session in self.session_ids() {
            self.send(session, ToSession::ClientId(client_id.clone()));
        }
        if let Some(result) = result {
            self.tell_sessions(result, Vec::new());
        }
        Ok(())
    }

    /// The backend refuses an event for good. It leaves the log with its group and with what depends on its facts; the
    /// rest goes on.
    fn rejected(&mut self, id: EventId, code: &str, reason: &str, now: u64) -> Result<(), Trouble> {
        if !self.in_flight_ids().any(|sent| sent == id) {
            self.hold_push(format!("the backend refuses {id}, which was not sent"), now);
            return Ok(());
        }
        let ids = self.depending_on(id);
        let refused = self.sync.pending().iter().filter(|event| ids.contains(&event.id()));
        let rejection = |event: &EventRecord| Rejection {
            event: event.clone(),
            cause: id,
            code: code.to_owned(),
            reason: reason.to_owned(),
        };
        let rejected: Vec<_> = refused.map(rejection).collect();
        let mut sync = self.sync.clone();
        let Some(result) = sync.remove(&ids) else { return Ok(()) };
        let settled = self.settle(&[], &result);
        let mark = Mark { in_flight: None, ..self.mark.clone() };
        self.take_over(sync, result, &settled, mark, rejected)?;
        self.note_push(true, now);
        Ok(())
    }

    /// An event, the rest of its group, and all later pending events that read or require what these write.
    fn depending_on(&self, id: EventId) -> HashSet<EventId> {
        let mut ids = HashSet::new();
        let mut written: HashSet<&str> = HashSet::new();
        for group in groups(self.sync.pending().iter()) {
            let depends = |event: &&EventRecord| {
                let facts = &event.body.facts;
                facts.requires.iter().chain(&facts.reads).any(|fact| written.contains(fact.as_str()))
            };
            if group.iter().any(|event| event.id() == id || depends(event)) {
                ids.extend(group.iter().map(|event| event.id()));
                written.extend(group.iter().flat_map(|event| event.body.facts.writes.iter().map(String::as_str)));
            }
        }
        ids
    }
}

/// The events of each commit, as far as their numbers tell: it goes on while events of either scope are to follow.
fn groups<'a>(events: impl Iterator<Item = &'a EventRecord>) -> Vec<Vec<&'a EventRecord>> {
    let mut groups: Vec<Vec<_>> = Vec::new();
    let (mut synced_rest, mut client_only_rest) = (0, 0);
    for event in events {
        let goes_on = synced_rest > 0 || client_only_rest > 0;
        match groups.last_mut().filter(|_| goes_on) {
            Some(group) => group.push(event),
            None => groups.push(vec![event]),
        }
        let rest = if event.body.is_client_only() { &mut client_only_rest } else { &mut synced_rest };
        *rest = event.body.group_rest;
    }
    groups
}

fn draw_client_id(chars: usize, mut random: impl FnMut() -> u64) -> ClientId {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    let text: String = (0..chars).map(|_| char::from(ALPHABET[(random() % 64) as usize])).collect();
    ClientId::new(text).expect("the alphabet is that of client ids")
}
