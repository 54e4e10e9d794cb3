//! The leader's side towards its sessions.

use std::collections::HashSet;
use std::sync::Arc;

use super::log::{Change, Durability, Log, Rejection, Settled};
use super::message::{Effect, PushError, ToSession, Update};
use super::{Leader, next_chain};
use crate::event::EventRecord;
use crate::ids::{EventId, SessionId};
use crate::sync_state::{MergeResult, Payload, check_numbering};
use crate::{SeqNum, limits};

/// A session as its leader sees it.
pub(super) struct SessionSlot {
    id: SessionId,
    /// Events in updates that it has not worked through.
    backlog: usize,
}

impl<L: Log> Leader<L> {
    /// A session starts, or starts anew.
    pub(super) fn attach(&mut self, session: SessionId) {
        self.detach(&session);
        self.sessions.push(SessionSlot { id: session, backlog: 0 });
    }

    pub(super) fn detach(&mut self, session: &SessionId) {
        self.sessions.retain(|slot| slot.id != *session);
    }

    /// A session commits. The answer goes out on the same channel as all updates, so that it can't overtake them.
    pub(super) fn session_push(
        &mut self,
        session: &SessionId,
        push: u64,
        mut events: Vec<EventRecord>,
        durability: Durability,
    ) {
        self.stamp(&mut events);
        let result = self.take_push(session, events, durability);
        let settled = self.sync.settled_head();
        self.send(session.clone(), ToSession::Pushed { push, result, settled });
    }

    /// Gives the client's id to events that were on their way here when it changed. Their session has heard of it.
    fn stamp(&self, events: &mut [EventRecord]) {
        let client_id = &self.identity.client_id;
        for event in events.iter_mut().filter(|event| event.body.client_id != *client_id) {
            Arc::make_mut(&mut event.body).client_id = client_id.clone();
        }
    }

    fn take_push(
        &mut self,
        session: &SessionId,
        events: Vec<EventRecord>,
        durability: Durability,
    ) -> Result<(), PushError> {
        if events.is_empty() {
            return Ok(());
        }
        if check_numbering(&self.sync.local_head(), &events).is_err() {
            return if self.are_pending(&events) { Ok(()) } else { Err(PushError::Stale) };
        }
        let pending = self.sync.pending().len() + events.len();
        if !self.settles_all() && pending > limits::MAX_PENDING_EVENTS {
            return Err(PushError::Full { pending, limit: limits::MAX_PENDING_EVENTS });
        }
        let settles_all = self.settles_all();
        self.write_push(&events, durability).map_err(PushError::Storage)?;
        self.merge_push(&events, settles_all);
        let payload = Payload::UpstreamAdvance { events };
        for other in self.session_ids().into_iter().filter(|id| id != session) {
            self.send_update(other, self.update(payload.clone(), Vec::new(), Vec::new()));
        }
        Ok(())
    }

    /// Whether all events are settled at once: there is no backend and never was one. A log that belongs to a backend
    /// keeps its events pending while it is opened without, so that they can be pushed one day.
    fn settles_all(&self) -> bool {
        self.link.is_none() && self.mark.backend.is_none() && self.sync.pending().is_empty()
    }

    /// How many of these new events are settled at once: all without a backend, else client-only ones that nothing is
    /// pending before.
    fn settle_at_once(&self, events: &[EventRecord]) -> usize {
        if self.settles_all() {
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
            mark.upstream_head = if self.settles_all() { last.seq.global } else { mark.upstream_head };
        }
        let appended = &events[count..];
        let change = Change { appended, settled: &settled, rejected: &[], client_id: None, mark: &mark, durability };
        self.log.write(&change).map_err(|error| error.to_string())?;
        self.mark = mark;
        Ok(())
    }

    /// Takes checked and written events into the sync state.
    fn merge_push(&mut self, events: &[EventRecord], settles_all: bool) {
        let pushed = self.sync.merge(Payload::LocalPush { events: events.to_vec() });
        assert!(matches!(pushed, Ok(MergeResult::Advance { .. })), "events that follow the local head were refused");
        if settles_all {
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
        for session in self.session_ids() {
            self.send_update(session, update.clone());
        }
    }

    pub(super) fn session_ids(&self) -> Vec<SessionId> {
        self.sessions.iter().map(|slot| slot.id.clone()).collect()
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
