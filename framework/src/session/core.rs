//! What a session's lock protects.

use std::collections::{HashSet, VecDeque};
use std::mem;
use std::sync::Arc;

use headwater_core::leader::{Durability, Input, PushError, Rejection, ToSession, Update};
use headwater_core::sync_state::{MergeResult, Payload, SyncState, Upstream};
use headwater_core::{ClientId, EventId, EventRecord, SeqNum, SessionId};

use super::SessionStatus;
use super::receipt::Fate;
use crate::db::Touched;
use crate::error::{Error, Result};
use crate::leader::{LeaderHandle, Snapshot};
use crate::state::StateDb;

/// Events of an update that are applied while the lock is held once.
const CHUNK: usize = 256;

/// The state, and what of it is settled, accepted and pending.
///
/// Applied are, in order: what is settled and outside the savepoint; `inside`, which the leader has accepted; and the
/// pending events of `sync`, which it has not.
pub(crate) struct SessionCore {
    pub(super) id: SessionId,
    pub(super) client_id: ClientId,
    pub(super) state: StateDb,
    pub(super) sync: SyncState,
    /// Accepted by the leader and applied inside the savepoint, in order.
    pub(super) inside: VecDeque<EventRecord>,
    pub(super) savepoint: bool,
    /// What was written inside the savepoint.
    pub(super) touched_inside: Touched,
    /// What was written or taken back since live queries were last brought up to date.
    pub(super) touched: Touched,
    /// The leader's last settled event.
    pub(super) settled: SeqNum,
    /// The push without an answer: its number, how many of the first pending events it has, and its durability.
    ///
    /// There is one at most. A second one could fit behind a movement of the log that the first did not survive, and
    /// overtake it.
    pub(super) in_flight: Option<(u64, usize, Durability)>,
    /// The strongest durability that was asked for what is pending and not in flight.
    pub(super) durability: Durability,
    pub(super) next_push: u64,
    /// The commit whose caller waits for the leader, and gets the error if it does not go through.
    pub(super) waiting: Vec<EventId>,
    /// Why the waiting commit does not apply where it stands now.
    pub(super) misfit: Option<Error>,
    /// Why the waiting commit was taken back.
    pub(super) taken_back: Option<Error>,
    /// Events that are skipped because their materializers fail.
    pub(super) skipped: HashSet<EventId>,
    /// It could not follow its leader, and has to start over from the leader's log.
    pub(super) lost_track: bool,
    /// All rows may be others than when live queries were last brought up to date.
    pub(super) started_over: bool,
    pub(super) news: News,
    /// The status as it was taken last.
    pub(super) status: Option<SessionStatus>,
    closed: bool,
}

/// What became of events, to be told outside the lock.
#[derive(Default)]
pub(super) struct News {
    pub(super) persisted: Vec<EventId>,
    /// Taken back although they were accepted, and why.
    pub(super) lost: Vec<(EventId, String)>,
    pub(super) fates: Vec<(EventId, Fate)>,
}

impl SessionCore {
    pub(super) fn new(id: SessionId, snapshot: Snapshot) -> Result<Self> {
        let Snapshot { state, settled, pending, local_head, client_id } = snapshot;
        let mut core = Self {
            id,
            client_id,
            state,
            sync: SyncState::new(Upstream::Leader, local_head, local_head),
            inside: VecDeque::new(),
            savepoint: false,
            touched_inside: Touched::default(),
            touched: Touched::default(),
            settled,
            in_flight: None,
            durability: Durability::Deferred,
            next_push: 1,
            waiting: Vec::new(),
            misfit: None,
            taken_back: None,
            skipped: HashSet::new(),
            lost_track: false,
            started_over: false,
            news: News::default(),
            status: None,
            closed: false,
        };
        core.apply_accepted(pending)?;
        core.touched.clear();
        Ok(core)
    }

    pub(super) fn state(&self) -> &StateDb {
        &self.state
    }

    /// What is applied and not settled, in order. Of what is inside the savepoint, a beginning may be settled already.
    pub(super) fn unsettled(&self) -> impl Iterator<Item = &EventRecord> {
        self.inside.iter().filter(|event| event.seq.is_after(&self.settled)).chain(self.sync.pending())
    }

    pub(super) fn take_touched(&mut self) -> Touched {
        mem::take(&mut self.touched)
    }

    pub(super) fn take_news(&mut self) -> News {
        mem::take(&mut self.news)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    /// Where the session stands, with a new version if it stands elsewhere than when it was asked last.
    pub(super) fn status(&mut self) -> SessionStatus {
        let before = self.status.take();
        let mut status = SessionStatus {
            version: before.as_ref().map_or(0, |before| before.version),
            client_id: self.client_id.clone(),
            head: self.sync.local_head(),
            settled: self.settled,
            unpersisted: self.sync.pending().len(),
            failed_events: self.skipped.len(),
        };
        if before.is_some_and(|before| before != status) {
            status.version += 1;
        }
        self.status = Some(status.clone());
        status
    }

    /// Sends what is pending to the leader, unless a push is under way: then it goes out when that is answered.
    pub(super) fn push(&mut self, durability: Durability, leader: &LeaderHandle) -> Result<()> {
        self.durability = self.durability.max(durability);
        let events: Vec<_> = self.sync.pending().iter().cloned().collect();
        if self.in_flight.is_some() || events.is_empty() {
            return Ok(());
        }
        let push = self.next_push;
        self.next_push += 1;
        let durability = mem::replace(&mut self.durability, Durability::Deferred);
        self.in_flight = Some((push, events.len(), durability));
        let input = Input::Push { session: self.id.clone(), push, events, durability };
        let sent = if durability == Durability::Deferred { leader.send(input) } else { leader.push(input) };
        if sent.is_err() {
            self.in_flight = None;
        }
        sent
    }

    /// Takes a message of the leader. Of a long update only a part is taken; the rest is returned.
    pub(super) fn take_message(&mut self, message: ToSession, leader: &LeaderHandle) -> Option<ToSession> {
        match message {
            ToSession::Pushed { push, result, settled } => {
                self.pushed(push, result, settled, leader);
                None
            }
            ToSession::ClientId(client_id) => {
                if let Err(error) = self.change_client_id(&client_id) {
                    tracing::error!(%error, "the session could not take another client id and starts over from the log");
                    self.lost_track = true;
                }
                None
            }
            ToSession::Update(update) => {
                let (update, rest) = split(update);
                let events = events_of(&update.payload);
                self.update(update);
                // The leader counts what is on its way, and stops pulling when it is too much. It never waits for a
                // session, so that this may wait for it; and if it is gone, it need not know.
                if events > 0 {
                    let _ = leader.send(Input::Drained { session: self.id.clone(), events });
                }
                rest.map(ToSession::Update)
            }
        }
    }

    fn update(&mut self, update: Update) {
        self.news.fates.extend(update.confirmed.iter().map(|&(id, seq)| (id, Fate::Confirmed { seq })));
        self.news.fates.extend(update.rejected.iter().map(|rejection| (rejection.event.id(), rejected(rejection))));
        self.settled = update.settled;
        let merged = self.sync.merge(update.payload);
        let outcome = match merged {
            Ok(MergeResult::Advance { new_events, confirmed }) => {
                self.inside.extend(confirmed);
                self.apply_accepted(new_events)
            }
            Ok(MergeResult::Rebase { rollback, new_events, .. }) => self.rebase(&rollback, new_events),
            Ok(MergeResult::Reject { .. }) => Ok(()),
            Err(error) => Err(Error::app(error)),
        };
        if let Err(error) = outcome.and_then(|()| self.move_boundary()) {
            tracing::error!(%error, "the session could not follow its leader and starts over from the log");
            self.lost_track = true;
        }
    }

    fn pushed(&mut self, push: u64, result: Result<(), PushError>, settled: SeqNum, leader: &LeaderHandle) {
        self.settled = settled;
        let Some((_, count, durability)) = self.in_flight.take_if(|(number, ..)| *number == push) else {
            return;
        };
        let outcome = match result {
            Ok(()) => self.accept(count),
            // The update that says what moved came before, and gave all that is pending new numbers.
            Err(PushError::Stale) => Ok(()),
            Err(error) => self.refuse(count, &error),
        };
        let outcome = outcome.and_then(|()| self.take_back_misfit()).and_then(|()| self.move_boundary());
        let outcome = outcome.and_then(|()| self.push(durability, leader));
        if let Err(error) = outcome {
            tracing::error!(%error, "the session could not take its leader's answer and starts over from the log");
            self.lost_track = true;
        }
    }

    /// The leader has the first `count` pending events.
    fn accept(&mut self, count: usize) -> Result<()> {
        let events: Vec<_> = self.sync.pending().iter().take(count).cloned().collect();
        self.news.persisted.extend(events.iter().map(EventRecord::id));
        let merged = self.sync.merge(Payload::UpstreamAdvance { events }).map_err(Error::app)?;
        if let MergeResult::Advance { confirmed, .. } = merged {
            self.inside.extend(confirmed);
        }
        Ok(())
    }

    /// Takes the waiting commit back if it does not apply any more on what came before it. Its caller gets the error.
    ///
    /// A commit that was accepted before stays, like one that is in the log already: it is skipped, as on all clients.
    fn take_back_misfit(&mut self) -> Result<()> {
        let Some(error) = self.misfit.take() else { return Ok(()) };
        let waiting = self.waiting.clone();
        if self.take_back(&waiting)? {
            self.taken_back = Some(error);
        }
        Ok(())
    }

    /// The leader could not write the first `count` pending events: they are taken back.
    fn refuse(&mut self, count: usize, error: &PushError) -> Result<()> {
        let ids: Vec<_> = self.sync.pending().iter().take(count).map(EventRecord::id).collect();
        let reason = error.to_string();
        if ids.iter().any(|id| self.waiting.contains(id)) {
            self.taken_back = Some(Error::NotSaved(reason.clone()));
        }
        self.news.lost.extend(ids.iter().map(|id| (*id, reason.clone())));
        self.take_back(&ids).map(drop)
    }

    /// The client has another id. The leader gives it to what is on its way to it as well.
    fn change_client_id(&mut self, client_id: &ClientId) -> Result<()> {
        self.client_id = client_id.clone();
        if self.sync.pending().is_empty() {
            return Ok(());
        }
        self.sync.map_pending(|event| Arc::make_mut(&mut event.body).client_id = client_id.clone());
        self.apply_again()
    }
}

fn rejected(rejection: &Rejection) -> Fate {
    Fate::Rejected { code: rejection.code.clone(), reason: rejection.reason.clone() }
}

fn events_of(payload: &Payload) -> usize {
    match payload {
        Payload::LocalPush { events }
        | Payload::UpstreamAdvance { events }
        | Payload::UpstreamRebase { events, .. } => events.len(),
    }
}

/// Cuts a long advance in two, at the end of a group.
fn split(mut update: Update) -> (Update, Option<Update>) {
    let Payload::UpstreamAdvance { events } = &mut update.payload else {
        return (update, None);
    };
    let end = events.iter().skip(CHUNK).position(|event| event.body.group_rest == 0);
    let Some(at) = end.map(|end| CHUNK + end + 1).filter(|at| *at < events.len()) else {
        return (update, None);
    };
    let rest = events.split_off(at);
    let last = events.last().map_or(update.settled, |last| last.seq);
    let settled = if update.settled.is_after(&last) { last } else { update.settled };
    let rest = Update {
        payload: Payload::UpstreamAdvance { events: rest },
        settled: update.settled,
        confirmed: Vec::new(),
        rejected: Vec::new(),
    };
    (Update { settled, ..update }, Some(rest))
}
