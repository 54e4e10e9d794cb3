//! Receipts: what becomes of committed events.

use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use headwater_core::{EventId, SeqNum};
use tokio::sync::watch;

use super::Session;
use super::core::News;
use crate::error::{Error, Result};
use crate::eventlog::Whereabouts;

/// What finally became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// It is in the backend's log, exactly once.
    Confirmed {
        /// Where.
        seq: SeqNum,
    },
    /// The backend refused it, or something that it depends on. It is kept as a dead letter.
    Rejected {
        /// The backend's code.
        code: String,
        /// The backend's reason, for people.
        reason: String,
    },
    /// It was given up by a rule of the app.
    Dropped,
    /// Another event took its place.
    Superseded,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Progress {
    persisted: bool,
    lost: bool,
    fate: Option<Fate>,
}

/// What is known of one commit, shared by its receipts.
pub(super) struct FateCell {
    progress: watch::Sender<Progress>,
}

/// The receipt of a commit: await it, poll it, or ignore it.
///
/// It is kept only as long as somebody holds it. After a restart, `Store::receipt` gives it anew.
#[derive(Clone)]
pub struct Receipt {
    ids: Arc<[EventId]>,
    cell: Arc<FateCell>,
    /// Why there will never be a fate, if so.
    no_backend: bool,
}

impl Receipt {
    /// The identities of the committed events, in order.
    #[must_use]
    pub fn event_ids(&self) -> &[EventId] {
        &self.ids
    }

    /// Whether the events are in the eventlog on disk, with the durability that was asked for. True as soon as `commit`
    /// returns, except with `Durability::Deferred`.
    #[must_use]
    pub fn is_persisted(&self) -> bool {
        self.cell.progress.borrow().persisted
    }

    /// What became of the events, if that is known. A commit is one group: its events share their fate; for a group
    /// that is confirmed, it is the fate of its last event.
    #[must_use]
    pub fn fate(&self) -> Option<Fate> {
        self.cell.progress.borrow().fate.clone()
    }

    /// Waits until the events are in the eventlog on disk.
    ///
    /// # Errors
    /// [`Error::NotSaved`] if they could not be written and were taken back; [`Error::Closed`].
    pub async fn persisted(&self) -> Result<()> {
        let mut progress = self.cell.progress.subscribe();
        let known = progress.wait_for(|progress| progress.persisted || progress.lost || progress.fate.is_some()).await;
        let lost = known.map_err(|_| Error::Closed)?.lost;
        if lost { Err(Error::NotSaved("the eventlog could not be written".to_owned())) } else { Ok(()) }
    }

    /// Waits for the fate of the events. [`Fate::Confirmed`] means that they are in the backend's log exactly once.
    ///
    /// Works on any executor. Offline it waits until there is a connection again: it has no timeout of its own.
    ///
    /// # Errors
    /// [`Error::Provider`] in a store without a sync provider; [`Error::NotSaved`] if the events were taken back;
    /// [`Error::Closed`].
    pub async fn confirmed(&self) -> Result<Fate> {
        if self.no_backend {
            return Err(Error::Provider(
                "the store has none, so that nothing is ever confirmed: add `.sync(…)`".to_owned(),
            ));
        }
        let mut progress = self.cell.progress.subscribe();
        let known = progress.wait_for(|progress| progress.lost || progress.fate.is_some()).await;
        let known = known.map_err(|_| Error::Closed)?;
        known.fate.clone().ok_or_else(|| Error::NotSaved("the eventlog could not be written".to_owned()))
    }

    /// Like [`Receipt::confirmed`], for code that is not async.
    ///
    /// # Errors
    /// As [`Receipt::confirmed`], and [`Error::Timeout`].
    pub fn wait_confirmed(&self, timeout: Duration) -> Result<Fate> {
        crate::blocking::wait(self.confirmed(), timeout).ok_or(Error::Timeout("the backend to confirm"))?
    }
}

impl std::fmt::Debug for Receipt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receipt").field("ids", &self.ids).field("fate", &self.fate()).finish()
    }
}

impl Session {
    /// A receipt for events that were just committed.
    pub(super) fn receipt(&self, ids: Vec<EventId>, persisted: bool) -> Receipt {
        let progress = Progress { persisted, ..Progress::default() };
        let cell = Arc::new(FateCell { progress: watch::channel(progress).0 });
        let mut fates = self.fates.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = ids.last() {
            if fates.len() >= fates.capacity() {
                fates.retain(|_, cell| cell.strong_count() > 0);
            }
            fates.insert(*last, Arc::downgrade(&cell));
        }
        let no_backend = !self.leader.has_backend();
        Receipt { ids: ids.into(), cell, no_backend }
    }

    /// The receipt of an event that was committed at any time.
    pub(crate) fn receipt_of(&self, id: EventId) -> Result<Option<Receipt>> {
        let receipt = self.receipt(vec![id], true);
        let fate = match self.leader.whereabouts(id)? {
            None => return Ok(None),
            Some(Whereabouts::Pending) => None,
            Some(Whereabouts::Settled(seq)) => Some(Fate::Confirmed { seq }),
            Some(Whereabouts::Dead { code, reason }) => Some(Fate::Rejected { code, reason }),
        };
        if fate.is_some() && !receipt.no_backend {
            receipt.cell.progress.send_modify(|progress| progress.fate = fate);
        }
        Ok(Some(receipt))
    }

    pub(super) fn tell_fates(&self, news: News) {
        let News { persisted, lost, fates } = news;
        if persisted.is_empty() && lost.is_empty() && fates.is_empty() {
            return;
        }
        let mut cells = self.fates.lock().unwrap_or_else(PoisonError::into_inner);
        for id in persisted {
            tell(&cells, id, |progress| progress.persisted = true);
        }
        for id in lost {
            tell(&cells, id, |progress| progress.lost = true);
            cells.remove(&id);
        }
        for (id, fate) in fates {
            tell(&cells, id, |progress| progress.fate = Some(fate.clone()));
            cells.remove(&id);
        }
    }
}

fn tell(cells: &std::collections::HashMap<EventId, Weak<FateCell>>, id: EventId, change: impl FnOnce(&mut Progress)) {
    if let Some(cell) = cells.get(&id).and_then(Weak::upgrade) {
        cell.progress.send_modify(change);
    }
}
