//! Where a store stands.

use std::sync::Arc;
use std::time::Duration;

use headwater_core::SeqNum;
use headwater_core::leader::Health;
use tokio::sync::watch;

use crate::leader::Published;
use crate::schema::Timestamp;
use crate::session::{Session, SessionStatus};

/// The three heads of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heads {
    /// The last event that this session shows.
    pub session: SeqNum,
    /// The last event in the client's eventlog.
    pub leader: SeqNum,
    /// The last position of the backend's log, as last heard; `None` before the first contact.
    pub backend: Option<u64>,
}

/// Where a store stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SyncStatus {
    /// The three heads.
    pub heads: Heads,
    /// The last position that this client has from the backend.
    pub upstream_head: SeqNum,
    /// Events of this session that are not in the client's eventlog yet.
    pub unpersisted: usize,
    /// Synced events of this client that the backend has not confirmed.
    pub pending: usize,
    /// How long the oldest of them has waited.
    pub oldest_pending_age: Option<Duration>,
    /// Events whose materializers failed since the store was opened; they were skipped.
    pub failed_events: usize,
    /// What the connection to the backend is like, with the reason if it is not good.
    pub health: Health,
    /// Failures of requests in a row.
    pub failures: u32,
    /// The backend has everything of this client, and this client everything of the backend, as far as was heard.
    pub is_synced: bool,
}

/// The status of a store, now and from now on.
pub struct StatusChanges {
    leader: watch::Receiver<Published>,
    session: watch::Receiver<SessionStatus>,
}

impl StatusChanges {
    pub(super) fn new(session: &Arc<Session>) -> Self {
        Self { leader: session.leader().published(), session: session.status() }
    }

    /// The status as of now.
    #[must_use]
    pub fn current(&self) -> SyncStatus {
        let (leader, session) = (self.leader.borrow(), self.session.borrow());
        let status = &leader.status;
        let age =
            |micros: i64| Duration::from_micros(u64::try_from(Timestamp::now().as_micros() - micros).unwrap_or(0));
        SyncStatus {
            heads: Heads { session: session.head, leader: status.local_head, backend: status.backend_head },
            upstream_head: status.upstream_head,
            unpersisted: session.unpersisted,
            pending: status.pending,
            oldest_pending_age: leader.oldest_pending.filter(|_| status.pending > 0).map(age),
            failed_events: session.failed_events,
            health: status.health.clone(),
            failures: status.failures,
            is_synced: status.is_synced()
                && session.unpersisted == 0
                && session.head.order(&status.local_head).is_eq()
                && session.settled.order(&leader.settled_head).is_eq(),
        }
    }

    /// Waits until the status has changed since it was last looked at by [`StatusChanges::changed`], and returns it;
    /// `None` when the store is shut down. Works on any executor.
    pub async fn changed(&mut self) -> Option<SyncStatus> {
        let (leader, session) = (&mut self.leader, &mut self.session);
        let changed = tokio::select! {
            changed = leader.changed() => changed,
            changed = session.changed() => changed,
        };
        changed.ok().map(|()| self.current())
    }

    /// Waits until the status is such; `None` when the store is shut down first. Works on any executor.
    pub async fn wait_for(&mut self, mut condition: impl FnMut(&SyncStatus) -> bool) -> Option<SyncStatus> {
        loop {
            self.leader.borrow_and_update();
            self.session.borrow_and_update();
            let status = self.current();
            if condition(&status) {
                return Some(status);
            }
            self.changed().await?;
        }
    }

    /// Like [`StatusChanges::wait_for`], for code that is not async; `None` also when the time is up.
    pub fn wait_until(&mut self, timeout: Duration, condition: impl FnMut(&SyncStatus) -> bool) -> Option<SyncStatus> {
        crate::blocking::wait(self.wait_for(condition), timeout).flatten()
    }
}
