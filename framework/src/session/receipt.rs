//! Receipts: what becomes of committed events.

use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use headwater_core::{EventId, EventRecord, SeqNum};
use tokio::sync::watch;

use super::Session;
use super::commit::Committed;
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
    /// Why the events were taken back.
    lost: Option<String>,
    /// The store was shut down.
    closed: bool,
    fate: Option<Fate>,
}

impl Progress {
    /// Why nothing more is to be waited for.
    fn end(&self) -> Result<()> {
        match &self.lost {
            Some(reason) => Err(Error::NotSaved(reason.clone())),
            None if self.closed => Err(Error::Closed),
            None => Ok(()),
        }
    }
}

/// What is known of one commit, shared by its receipts.
#[derive(Default)]
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
    never: Option<&'static str>,
}

const NO_BACKEND: &str = "the store has none, so that nothing is ever confirmed: add `.sync(…)`";
const CLIENT_ONLY: &str = "client-only events never leave the client, so that nothing confirms them";

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
        let known =
            progress.wait_for(|progress| progress.persisted || progress.fate.is_some() || progress.end().is_err());
        let known = known.await.map_err(|_| Error::Closed)?;
        if known.persisted || known.fate.is_some() { Ok(()) } else { known.end() }
    }

    /// Waits for the fate of the events. [`Fate::Confirmed`] means that they are in the backend's log exactly once.
    ///
    /// Works on any executor. Offline it waits until there is a connection again: it has no timeout of its own.
    ///
    /// # Errors
    /// [`Error::Provider`] in a store without a sync provider and for client-only events; [`Error::NotSaved`] if the
    /// events were taken back; [`Error::Closed`] if the store was shut down before they had a fate.
    pub async fn confirmed(&self) -> Result<Fate> {
        let mut progress = self.cell.progress.subscribe();
        let known =
            progress.wait_for(|progress| progress.fate.is_some() || self.never.is_some() || progress.end().is_err());
        let known = known.await.map_err(|_| Error::Closed)?;
        if let Some(fate) = &known.fate {
            return Ok(fate.clone());
        }
        known.end()?;
        Err(Error::Provider(self.never.unwrap_or_default().to_owned()))
    }

    /// Like [`Receipt::confirmed`], for code that is not async. Not for subscribers: what they wait for may have to be
    /// taken in by the very thread that runs them.
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
    pub(super) fn receipt(&self, committed: &Committed) -> Receipt {
        let Committed { ids, last_synced } = committed;
        let key = last_synced.or(ids.last().copied());
        let cell = key.map_or_else(Arc::default, |key| self.cell(key));
        let never = if self.leader.has_backend() { CLIENT_ONLY } else { NO_BACKEND };
        let never = (last_synced.is_none() || !self.leader.has_backend()).then_some(never);
        Receipt { ids: ids.clone().into(), cell, never }
    }

    /// What is known of an event, shared by all its receipts.
    fn cell(&self, id: EventId) -> Arc<FateCell> {
        let mut fates = self.fates.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cell) = fates.get(&id).and_then(Weak::upgrade) {
            return cell;
        }
        if fates.len() >= fates.capacity() {
            fates.retain(|_, cell| cell.strong_count() > 0);
        }
        let cell = Arc::new(FateCell::default());
        fates.insert(id, Arc::downgrade(&cell));
        cell
    }

    /// The receipt of an event that was committed at any time.
    pub(crate) fn receipt_of(&self, id: EventId) -> Result<Option<Receipt>> {
        let core = self.lock();
        if core.is_closed() {
            return Err(Error::Closed);
        }
        let unpersisted = core.sync.pending().iter().find(|event| event.id() == id).cloned();
        drop(core);
        let cell = self.cell(id);
        let Some(whereabouts) = self.leader.whereabouts(id)? else {
            let client_only = |event: EventRecord| event.body.is_client_only();
            return Ok(unpersisted.map(|event| self.receipt_at(id, cell, client_only(event))));
        };
        let (client_only, fate) = match whereabouts {
            Whereabouts::Pending { client_only } => (client_only, None),
            Whereabouts::Settled(seq) => (seq.client > 0, Some(Fate::Confirmed { seq })),
            Whereabouts::Dead { code, reason } => (false, Some(Fate::Rejected { code, reason })),
        };
        let receipt = self.receipt_at(id, cell, client_only);
        receipt.cell.progress.send_modify(|progress| {
            progress.persisted = true;
            if receipt.never.is_none() && progress.fate.is_none() {
                progress.fate = fate;
            }
        });
        Ok(Some(receipt))
    }

    fn receipt_at(&self, id: EventId, cell: Arc<FateCell>, client_only: bool) -> Receipt {
        let never = (!self.leader.has_backend()).then_some(NO_BACKEND).or(client_only.then_some(CLIENT_ONLY));
        Receipt { ids: [id].into(), cell, never }
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
        for (id, reason) in lost {
            tell(&cells, id, |progress| progress.lost = Some(reason));
            cells.remove(&id);
        }
        for (id, fate) in fates {
            // Whatever has a fate was in the log. The word of that may come later, from a thread that was overtaken.
            tell(&cells, id, |progress| (progress.fate, progress.persisted) = (Some(fate), true));
            cells.remove(&id);
        }
    }

    /// Tells those who wait that nothing more will come.
    pub(super) fn end_receipts(&self) {
        let mut cells = self.fates.lock().unwrap_or_else(PoisonError::into_inner);
        for cell in std::mem::take(&mut *cells).into_values().filter_map(|cell| cell.upgrade()) {
            cell.progress.send_modify(|progress| progress.closed = true);
        }
    }
}

fn tell(cells: &std::collections::HashMap<EventId, Weak<FateCell>>, id: EventId, change: impl FnOnce(&mut Progress)) {
    if let Some(cell) = cells.get(&id).and_then(Weak::upgrade) {
        cell.progress.send_modify(change);
    }
}
