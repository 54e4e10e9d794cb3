//! How a leader pushes, and what it makes of the answers.

use std::collections::HashSet;
use std::sync::Arc;

use super::log::{Change, Durability, InFlight, Log, Rejection};
use super::message::{Effect, ToSession, TransportError};
use super::status::Health;
use super::{Leader, check_backend};
use crate::event::EventRecord;
use crate::ids::{ClientId, EventId};
use crate::protocol::{self, LogPosition, PushAnswer, PushReply, PushRequest, WireEvent};
use crate::{SeqNum, limits};

impl<L: Log> Leader<L> {
    pub(super) fn start_push(&mut self, now: u64) {
        let in_flight = match self.freeze_batch() {
            Ok(Some(in_flight)) => in_flight,
            Ok(None) => return,
            Err(reason) => return self.fault(reason, now),
        };
        let push = PushRequest {
            protocol: protocol::VERSION,
            backend_id: self.mark.backend.map(|(id, _)| id),
            epoch: self.mark.backend.map(|(_, epoch)| epoch),
            client_id: self.identity.client_id.clone(),
            claim: self.identity.claim,
            parent: in_flight.parent,
            parent_chain: in_flight.parent_chain,
            events: self.batch(in_flight).iter().map(WireEvent::from).collect(),
        };
        let Some(link) = &mut self.link else { return };
        let request = link.start_push(now);
        self.effects.push_back(Effect::Push { request, push: Box::new(push) });
    }

    /// The batch whose outcome is not known, or a new one, noted in the log before it is sent.
    fn freeze_batch(&mut self) -> Result<Option<InFlight>, String> {
        if let Some(in_flight) = self.mark.in_flight {
            return Ok(Some(in_flight));
        }
        let count = self.next_batch_len();
        if count == 0 {
            return Ok(None);
        }
        let in_flight = InFlight { parent: self.mark.upstream_head, parent_chain: self.mark.chain, count };
        let mut mark = self.mark.clone();
        mark.in_flight = Some(in_flight);
        self.write_mark(mark, None).map_err(|trouble| trouble.to_string())?;
        Ok(Some(in_flight))
    }

    /// As many pending events as fit into one push; never a part of a group.
    fn next_batch_len(&self) -> usize {
        let max_events = self.link.as_ref().map_or(1, |link| link.options.push_events);
        let (mut count, mut bytes, mut whole) = (0, 0, 0);
        for event in self.synced_pending() {
            count += 1;
            bytes += event.body.wire_bytes();
            if whole > 0 && (count > max_events || bytes > limits::MAX_PUSH_BYTES) {
                break;
            }
            if event.body.group_rest == 0 {
                whole = count;
            }
        }
        whole
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
        if !link.is_online() || !link.push.answer(request) {
            return;
        }
        let answer = match result {
            Ok(answer) => answer,
            Err(error) => {
                link.push = link.fail(&error, now);
                return;
            }
        };
        if !self.coalesced.is_empty() && !self.merge_coalesced(None, now) {
            return;
        }
        // A pull that confirmed the batch has answered it already.
        let Some(in_flight) = self.mark.in_flight else { return };
        match answer {
            PushAnswer::Accepted(reply) => self.accepted(in_flight, &reply, now),
            PushAnswer::Behind { log, tail, more } => self.behind(&log, tail, more, now),
            PushAnswer::BackendMismatch { log } => {
                let reason = check_backend(&self.mark, &log).err();
                let reason =
                    reason.unwrap_or_else(|| format!("it refuses this client's history; its head is {}", log.head));
                self.backend_changed(reason, now);
            }
            PushAnswer::ClientIdTaken => self.change_client_id(now),
            PushAnswer::Rejected { id, code, reason } => self.rejected(id, &code, &reason, now),
            PushAnswer::Malformed { reason } => {
                if let Some(link) = &mut self.link {
                    link.hold(Health::Fault { reason: format!("the backend can't read the batch: {reason}") }, now);
                }
            }
        }
    }

    fn accepted(&mut self, in_flight: InFlight, reply: &PushReply, now: u64) {
        if let Err(reason) = check_backend(&self.mark, &reply.log) {
            return self.backend_changed(reason, now);
        }
        let events = self.batch(in_flight);
        let due = events.iter().map(|event| event.seq.global);
        if in_flight.parent != self.mark.upstream_head || !due.eq(reply.positions.iter().copied()) {
            let reason = format!("it put the batch after {} at {:?}", in_flight.parent, reply.positions);
            return self.backend_changed(reason, now);
        }
        let last = in_flight.parent + in_flight.count as u64;
        let mut mark = self.mark.clone();
        mark.in_flight = None;
        mark.backend = Some((reply.log.backend_id, reply.log.epoch));
        match self.advance(events, mark, (reply.log.head == last).then_some(&reply.log)) {
            Ok(()) => {
                self.backend_head = self.backend_head.max(Some(reply.log.head));
                self.progress(true, now);
            }
            Err(trouble) => self.report(trouble, now),
        }
    }

    /// Nothing was appended; the events that are missing here came along.
    fn behind(&mut self, log: &LogPosition, tail: Vec<WireEvent>, more: bool, now: u64) {
        let events = match self.news(log, tail) {
            Ok(events) => events,
            Err(reason) => return self.backend_changed(reason, now),
        };
        let progress = !events.is_empty() || log.head == self.mark.upstream_head && log.chain == self.mark.chain;
        let mut mark = self.mark.clone();
        mark.in_flight = None;
        mark.backend = Some((log.backend_id, log.epoch));
        let at_head = (!more).then_some(log);
        let merged = if events.is_empty() { self.write_mark(mark, None) } else { self.advance(events, mark, at_head) };
        match merged {
            Ok(()) => {
                self.backend_head = self.backend_head.max(Some(log.head));
                self.progress(progress, now);
            }
            Err(trouble) => self.report(trouble, now),
        }
        if let Some(link) = self.link.as_mut().filter(|_| !progress || more) {
            link.pull_first(now);
        }
    }

    fn progress(&mut self, progress: bool, now: u64) {
        let Some(link) = &mut self.link else { return };
        link.succeed(progress, now);
        if let Some(wait) = (!progress).then(|| link.note_idle_reply(now)).flatten() {
            link.push = wait;
        }
    }

    /// Somebody else has this client's id: draws another one, gives it to all that is pending, and goes on.
    fn change_client_id(&mut self, now: u64) {
        let Some(link) = &mut self.link else { return };
        let chars = link.options.client_id_chars;
        let client_id = draw_client_id(chars, || link.random());
        let mut mark = self.mark.clone();
        mark.in_flight = None;
        let change = Change {
            appended: &[],
            settled: &[],
            rejected: &[],
            client_id: Some(&client_id),
            mark: &mark,
            durability: Durability::Process,
        };
        if let Err(error) = self.log.write(&change) {
            let reason = error.to_string();
            return self.fault(reason, now);
        }
        self.mark = mark;
        self.sync.map_pending(|event| Arc::make_mut(&mut event.body).client_id = client_id.clone());
        self.identity.client_id = client_id.clone();
        let sessions: Vec<_> = self.sessions.iter().map(|slot| slot.id.clone()).collect();
        for session in sessions {
            self.send(session, ToSession::ClientId(client_id.clone()));
        }
    }

    /// The backend refuses an event for good. It leaves the log with its group and with what depends on its facts; the
    /// rest goes on.
    fn rejected(&mut self, id: EventId, code: &str, reason: &str, now: u64) {
        let ids = self.depending_on(id);
        let mut mark = self.mark.clone();
        mark.in_flight = None;
        let refused = self.sync.pending().iter().filter(|event| ids.contains(&event.id()));
        let rejection = |event: &EventRecord| Rejection {
            event: event.clone(),
            cause: id,
            code: code.to_owned(),
            reason: reason.to_owned(),
        };
        let rejected: Vec<_> = refused.map(rejection).collect();
        let mut sync = self.sync.clone();
        let Some(result) = sync.remove(&ids) else {
            if let Some(link) = &mut self.link {
                link.hold(Health::Fault { reason: format!("the backend refuses {id}, which is not pending") }, now);
            }
            return;
        };
        let settled = self.settle(&[], &result);
        match self.take_over(sync, result, &settled, mark, rejected) {
            Ok(()) => self.progress(true, now),
            Err(trouble) => self.report(trouble, now),
        }
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

/// The events of each commit.
fn groups<'a>(events: impl Iterator<Item = &'a EventRecord>) -> Vec<Vec<&'a EventRecord>> {
    let mut groups: Vec<Vec<_>> = vec![Vec::new()];
    for event in events {
        if let Some(group) = groups.last_mut() {
            group.push(event);
        }
        if event.body.group_rest == 0 {
            groups.push(Vec::new());
        }
    }
    groups
}

fn draw_client_id(chars: usize, mut random: impl FnMut() -> u64) -> ClientId {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    let text: String = (0..chars).map(|_| char::from(ALPHABET[(random() % 64) as usize])).collect();
    ClientId::new(text).expect("the alphabet is that of client ids")
}
