//! A session: the in-memory state with its pending events, and the live queries over it.
//!
//! **Invariants:** everything that is not settled is applied inside one open savepoint; the session's lock is never
//! held across a callback of the app.

mod apply;
mod commit;
mod core;
mod receipt;
mod start_over;
mod verify;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use headwater_core::{ClientId, EventId, EventRecord, SeqNum, SessionId};
use tokio::sync::watch;

use crate::error::{Error, Result};
use crate::leader::{Follower, LeaderHandle};
use crate::mailbox::Mailbox;
use crate::query::QueryGraph;
use crate::state::StateDb;

pub use self::commit::{Commit, IntoCommit};
use self::core::SessionCore;
use self::receipt::FateCell;
pub use self::receipt::{Fate, Receipt};

/// Where a session stands, as it publishes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SessionStatus {
    /// Rises under the session's lock. A status is published outside of it, where an older one may come later.
    pub(crate) version: u64,
    pub(crate) client_id: ClientId,
    pub(crate) head: SeqNum,
    /// The last event whose place is final, as far as this session has heard.
    pub(crate) settled: SeqNum,
    /// Committed here, and not yet accepted by the leader.
    pub(crate) unpersisted: usize,
    /// Events whose materializers failed here since the start.
    pub(crate) failed_events: usize,
}

/// An open session of a client.
pub(crate) struct Session {
    id: SessionId,
    core: Mutex<SessionCore>,
    /// Held while waiting for the core, so that who works through a long update lets others in between its parts.
    turn: Mutex<()>,
    mailbox: Arc<Mailbox>,
    leader: Arc<LeaderHandle>,
    graph: Arc<QueryGraph>,
    fates: Mutex<HashMap<EventId, Weak<FateCell>>>,
    status: watch::Sender<SessionStatus>,
}

impl Session {
    /// Opens a session and starts the thread that follows its leader.
    pub(crate) fn open(id: SessionId, leader: Arc<LeaderHandle>) -> Result<Arc<Self>> {
        let mailbox = Arc::new(Mailbox::default());
        let snapshot = leader.attach(id.clone(), mailbox.clone())?;
        let mut core = SessionCore::new(id.clone(), snapshot).inspect_err(|_| leader.detach(&id))?;
        let (status, _) = watch::channel(core.status());
        let session = Arc::new(Self {
            id,
            core: Mutex::new(core),
            turn: Mutex::default(),
            mailbox,
            leader,
            graph: Arc::new(QueryGraph::default()),
            fates: Mutex::default(),
            status,
        });
        let (mailbox, weak) = (session.mailbox.clone(), Arc::downgrade(&session));
        let follow = move || {
            while mailbox.wait_for_session() {
                let Some(session) = weak.upgrade() else { return };
                session.follow();
            }
            // Without its leader a session has ended, whoever ended it.
            if let Some(session) = weak.upgrade() {
                session.close();
            }
        };
        let spawned = std::thread::Builder::new().name("headwater-session".to_owned()).spawn(follow);
        spawned.map_err(|source| Error::Io { path: "headwater-session".into(), source })?;
        let follower: Arc<dyn Follower> = session.clone();
        session.leader.follow(Arc::downgrade(&follower));
        Ok(session)
    }

    fn lock(&self) -> MutexGuard<'_, SessionCore> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn graph(&self) -> &Arc<QueryGraph> {
        &self.graph
    }

    pub(crate) fn leader(&self) -> &Arc<LeaderHandle> {
        &self.leader
    }

    pub(crate) fn status(&self) -> watch::Receiver<SessionStatus> {
        self.status.subscribe()
    }

    /// Reads the state.
    pub(crate) fn with_state<T>(&self, read: impl FnOnce(&StateDb) -> Result<T>) -> Result<T> {
        let core = self.lock();
        if core.is_closed() {
            return Err(Error::Closed);
        }
        read(core.state())
    }

    /// The synced events that are applied and not settled, in order.
    pub(crate) fn pending_events(&self) -> Vec<EventRecord> {
        self.lock().unsettled().filter(|event| !event.body.is_client_only()).cloned().collect()
    }

    /// Works through what the leader sent, a few milliseconds at a time under the lock.
    fn follow(&self) {
        loop {
            let mut core = self.lock();
            let Some(message) = self.mailbox.try_next() else { break };
            if let Some(rest) = core.take_message(message, &self.leader) {
                self.mailbox.put_back(rest);
                continue;
            }
            if let Err(error) = self.catch_track(&mut core) {
                tracing::error!(%error, "the session could not start over; it tries again with the next message");
            }
            self.settle(core);
        }
        self.graph.deliver();
    }

    /// Brings live queries, status and fates up to date, and gives the lock back.
    fn settle(&self, mut core: MutexGuard<'_, SessionCore>) {
        let touched = core.take_touched();
        if std::mem::take(&mut core.started_over) {
            self.graph.settle_all(core.state());
        } else if !touched.is_empty() {
            self.graph.settle(core.state(), &touched);
        }
        let (status, news) = (core.status(), core.take_news());
        drop(core);
        self.status.send_if_modified(|published| {
            let newer = status.version > published.version;
            if newer {
                *published = status;
            }
            newer
        });
        self.tell_fates(news);
    }

    /// Ends the session, after the leader has all that was committed.
    pub(crate) fn close(&self) {
        let mut core = self.lock();
        if core.is_closed() {
            return;
        }
        core.close();
        self.flush(&mut core);
        self.settle(core);
        self.leader.detach(&self.id);
        self.mailbox.close();
        self.graph.deliver();
        self.graph.close();
        self.end_receipts();
    }
}

impl Follower for Session {
    fn close(&self) {
        Self::close(self);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.mailbox.close();
    }
}
