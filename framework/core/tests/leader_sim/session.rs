//! A session, as a real one behaves towards its leader.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use headwater_core::leader::{PushError, ToSession, Update};
use headwater_core::sync_state::{Payload, Upstream};
use headwater_core::{ClientId, EventBody, EventId, EventRecord, MergeResult, SeqNum, SessionId, SyncState};

use crate::store::Store;

pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) state: SyncState,
    /// All events, in order, as they are applied.
    pub(crate) applied: Vec<EventRecord>,
    pub(crate) mailbox: VecDeque<ToSession>,
    /// The push that waits for its answer.
    pub(crate) unanswered: Option<(u64, Vec<EventRecord>)>,
    /// Events that the leader said it has, in the order of their commits.
    pub(crate) acknowledged: Vec<Arc<EventBody>>,
    /// Where the leader said that its events were confirmed.
    pub(crate) confirmed: BTreeMap<EventId, SeqNum>,
    client_id: ClientId,
    pushes: u64,
}

/// What a session does after a message.
#[derive(Debug, Default)]
pub(crate) struct Reaction {
    /// So many events were worked through.
    pub(crate) drained: usize,
    pub(crate) stale: bool,
    pub(crate) rebased: bool,
}

impl Session {
    /// A session that starts from what its client has.
    pub(crate) fn new(id: SessionId, store: &Store, head: SeqNum) -> Self {
        Self {
            id,
            state: SyncState::new(Upstream::Leader, head, head),
            applied: store.events(),
            mailbox: VecDeque::new(),
            unanswered: None,
            acknowledged: Vec::new(),
            confirmed: BTreeMap::new(),
            client_id: store.client_id.clone(),
            pushes: 0,
        }
    }

    /// Finds another leader: what that one has not, is numbered anew.
    pub(crate) fn change_leader(&mut self, store: &Store, head: SeqNum) {
        let (had, lost): (Vec<_>, Vec<_>) =
            self.state.pending().iter().map(|event| event.body.clone()).partition(|body| store.has(body.id));
        self.acknowledged.extend(had);
        let before = std::mem::replace(self, Self::new(self.id.clone(), store, head));
        self.acknowledged = before.acknowledged;
        self.confirmed = before.confirmed;
        self.pushes = before.pushes;
        self.commit(lost);
    }

    pub(crate) fn commit(&mut self, bodies: Vec<Arc<EventBody>>) {
        let mut head = self.state.local_head();
        let mut events = Vec::new();
        for mut body in bodies {
            Arc::make_mut(&mut body).client_id = self.client_id.clone();
            let event = EventRecord::after(&head, body);
            head = event.seq;
            events.push(event);
        }
        self.merge(Payload::LocalPush { events });
    }

    /// What to push, unless a push waits for its answer.
    pub(crate) fn start_push(&mut self) -> Option<(u64, Vec<EventRecord>)> {
        if self.unanswered.is_some() || self.state.pending().is_empty() {
            return None;
        }
        self.pushes += 1;
        let events = self.state.pending().iter().cloned().collect();
        self.unanswered = Some((self.pushes, events));
        self.unanswered.clone()
    }

    pub(crate) fn receive(&mut self, message: ToSession) -> Reaction {
        match message {
            ToSession::Update(update) => self.update(update),
            ToSession::Pushed { push, result, .. } => self.answered(push, &result),
            ToSession::ClientId(client_id) => {
                self.state.map_pending(|event| Arc::make_mut(&mut event.body).client_id = client_id.clone());
                self.client_id = client_id;
                let settled = self.applied.len() - self.state.pending().len();
                self.applied.truncate(settled);
                self.applied.extend(self.state.pending().iter().cloned());
                Reaction::default()
            }
        }
    }

    fn update(&mut self, update: Update) -> Reaction {
        let drained = match &update.payload {
            Payload::LocalPush { events }
            | Payload::UpstreamAdvance { events }
            | Payload::UpstreamRebase { events, .. } => events.len(),
        };
        for (id, seq) in update.confirmed {
            let before = self.confirmed.insert(id, seq);
            assert!(before.is_none_or(|before| before == seq), "an event is confirmed at {before:?} and at {seq}");
        }
        let rebased = self.merge(update.payload);
        Reaction { drained, rebased, stale: false }
    }

    fn answered(&mut self, push: u64, result: &Result<(), PushError>) -> Reaction {
        let (expected, events) = self.unanswered.take().expect("one answer to each push");
        assert_eq!(expected, push, "answers come in order");
        if result.is_ok() {
            let pending = self.state.pending().iter().take(events.len()).cloned().collect::<Vec<_>>();
            assert!(
                pending.iter().map(EventRecord::id).eq(events.iter().map(EventRecord::id)),
                "a push was taken and its events are not the first that are pending"
            );
            self.acknowledged.extend(pending.iter().map(|event| event.body.clone()));
            self.merge(Payload::UpstreamAdvance { events: pending });
        }
        Reaction { stale: *result == Err(PushError::Stale), ..Reaction::default() }
    }

    /// Merges, and applies what the merge decided. Returns whether anything was undone.
    fn merge(&mut self, payload: Payload) -> bool {
        let result = self.state.merge(payload).expect("the leader keeps order");
        match result {
            MergeResult::Advance { new_events, .. } => {
                self.applied.extend(new_events);
                false
            }
            MergeResult::Rebase { rollback, new_events, .. } => {
                let kept = self.applied.len() - rollback.len();
                let undone = self.applied.split_off(kept);
                assert!(
                    undone.iter().map(EventRecord::id).eq(rollback.iter().map(EventRecord::id)),
                    "a roll back is not the tail of what is applied"
                );
                self.applied.extend(new_events);
                true
            }
            MergeResult::Reject { expected_minimum } => panic!("numbered before {expected_minimum}"),
        }
    }
}
