//! The leader's side towards its sessions.

use std::collections::HashSet;

use super::log::{Change, Durability, Log, Rejection, Settled};
use super::message::{Effect, PushError, ToSession, Update};
use super::{Leader, next_chain};
use crate::event::EventRecord;
use crate::ids::{EventId, SessionId};
use crate::sync_state::{MergeResult, Payload, check_numbering};
use crate::{SeqNum, limits};

/// A session as its leader sees it.
pub(super) struct SessionSlot {
    pub(super) id: SessionId,
    /// Events in updates that it has not worked through.
    backlog: usize,
}

impl SessionSlot {
    pub(super) fn new(id: SessionId) -> Self {
        Self { id, backlog: 0 }
    }
}

impl<L: Log> Leader<L> {
    /// A session commits. The answer goes out on the same channel as all updates, so that it can't overtake them.
    pub(super) fn session_push(
        &mut self,
        session: &SessionId,
        push: u64,
        events: Vec<EventRecord>,
        durability: Durability,
    ) {
        let result = self.take_push(session, events, durability);
        let settled = self.sync.settled_head();
        self.send(session.clone(), ToSession::Pushed { push, result, settled });
    }

    fn take_push(
        &mut self,
        session: &SessionId,
        events: Vec<EventRecord>,
        durability: Durability,
    ) -> Result<(), PushError> {
        if check_numbering(&self.sync.local_head(), &events).is_err() {
            return if self.are_pending(&events) { Ok(()) } else { Err(PushError::Stale) };
        }
        let pending = self.sync.pending().len() + events.len();
        if self.link.is_some() && pending > limits::MAX_PENDING_EVENTS {
            return Err(PushError::Full { pending, limit: limits::MAX_PENDING_EVENTS });
        }
        self.write_push(&events, durability).map_err(PushError::Storage)?;
        self.merge_push(&events);
        let payload = Payload::UpstreamAdvance { events };
        let others: Vec<_> = self.sessions.iter().map(|slot| slot.id.clone()).filter(|id| id != session).collect();
        for other in others {
            self.send_update(other, self.update(payload.clone(), Vec::new(), Vec::new()));
        }
        Ok(())
    }

    /// How many of these new events are settled at once: all without a backend, else client-only ones that nothing is
    /// pending before.
    fn settle_at_once(&self, events: &[EventRecord]) -> usize {
        if self.link.is_none() {
            return events.len();
        }
        let waits = |event: &&EventRecord| event.body.is_client_only() && self.sync.pending().is_empty();
        events.iter().take_while(waits).count()
    }

    fn write_push(&mut self, events: &[EventRecord], durability: Durability) -> Result<(), String> {
        let count = self.settle_at_once(events);
        let mut mark = self.mark.clone();
        let mut settled = Vec::with_capacity(count);
        for event in &events[..count] {
            mark.chain = next_chain(&mark.chain, event);
            settled.push(Settled { event: event.clone(), chain: mark.chain });
        }
        if let Some(last) = events.last() {
            mark.generation = last.seq.generation;
            mark.upstream_head = if self.link.is_none() { last.seq.global } else { mark.upstream_head };
        }
        let appended = &events[count..];
        let change = Change { appended, settled: &settled, rejected: &[], client_id: None, mark: &mark, durability };
        self.log.write(&change).map_err(|error| error.to_string())?;
        self.mark = mark;
        Ok(())
    }

    /// Takes checked and written events into the sync state.
    fn merge_push(&mut self, events: &[EventRecord]) {
        let pushed = self.sync.merge(Payload::LocalPush { events: events.to_vec() });
        assert!(matches!(pushed, Ok(MergeResult::Advance { .. })), "events that follow the local head were refused");
        if self.link.is_none() {
            let synced = events.iter().filter(|event| !event.body.is_client_only());
            let events = synced.cloned().collect();
            let confirmed = self.sync.merge(Payload::UpstreamAdvance { events });
            assert!(matches!(confirmed, Ok(MergeResult::Advance { .. })), "a local log diverged from itself");
        }
    }

    /// A push that came again, for example because its answer was lost with a leader.
    fn are_pending(&self, events: &[EventRecord]) -> bool {
        let pending: HashSet<_> = self.sync.pending().iter().map(EventRecord::id).collect();
        !events.is_empty() && events.iter().all(|event| pending.contains(&event.id()))
    }

    /// Tells all sessions what a merge decided.
    pub(super) fn tell_sessions(&mut self, result: MergeResult, rejected: Vec<Rejection>) {
        let (payload, confirmed) = match result {
            MergeResult::Advance { new_events, confirmed } => {
                (Payload::UpstreamAdvance { events: new_events }, confirmed)
            }
            MergeResult::Rebase { rollback, new_events, confirmed } => {
                let head = self.sync.local_head();
                (Payload::UpstreamRebase { rollback, events: new_events, head }, confirmed)
            }
            MergeResult::Reject { .. } => return,
        };
        let confirmed = confirmed.iter().filter(|event| !event.body.is_client_only());
        let update = self.update(payload, confirmed.map(|event| (event.id(), event.seq)).collect(), rejected);
        let sessions: Vec<_> = self.sessions.iter().map(|slot| slot.id.clone()).collect();
        for session in sessions {
            self.send_update(session, update.clone());
        }
    }

    fn update(&self, payload: Payload, confirmed: Vec<(EventId, SeqNum)>, rejected: Vec<Rejection>) -> Update {
        Update { payload, settled: self.sync.settled_head(), confirmed, rejected }
    }

    fn send_update(&mut self, session: SessionId, update: Update) {
        let events = match &update.payload {
            Payload::LocalPush { events }
            | Payload::UpstreamAdvance { events }
            | Payload::UpstreamRebase { events, .. } => events.len(),
        };
        if let Some(slot) = self.sessions.iter_mut().find(|slot| slot.id == session) {
            slot.backlog += events;
        }
        self.send(session, ToSession::Update(update));
    }

    pub(super) fn send(&mut self, session: SessionId, message: ToSession) {
        self.effects.push_back(Effect::ToSession { session, message });
    }

    pub(super) fn drained(&mut self, session: &SessionId, events: usize) {
        if let Some(slot) = self.sessions.iter_mut().find(|slot| slot.id == *session) {
            slot.backlog = slot.backlog.saturating_sub(events);
        }
    }

    /// Whether a session has so much to work through that pulling has to wait.
    pub(super) fn is_backlogged(&self) -> bool {
        self.sessions.iter().any(|slot| slot.backlog > limits::MAX_SESSION_BACKLOG_EVENTS)
    }
}
