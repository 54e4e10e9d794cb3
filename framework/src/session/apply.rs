//! Applying, undoing and applying again: the open savepoint.

use std::collections::HashSet;

use headwater_core::sync_state::MergeResult;
use headwater_core::{EventId, EventRecord, limits};

use super::core::SessionCore;
use crate::db::Touched;
use crate::error::{Error, Result};

impl SessionCore {
    /// Opens the savepoint that holds everything unsettled, unless it is open.
    pub(super) fn open_savepoint(&mut self) -> Result<()> {
        if !self.savepoint {
            self.state.db().step("SAVEPOINT headwater_pending")?;
            self.savepoint = true;
        }
        Ok(())
    }

    /// Applies events that the leader has accepted, on top of all others.
    pub(super) fn apply_accepted(&mut self, events: Vec<EventRecord>) -> Result<()> {
        for event in events {
            if self.savepoint || event.seq.is_after(&self.settled) {
                self.open_savepoint()?;
                self.apply(&event, true)?;
                self.inside.push_back(event);
            } else {
                self.apply(&event, false)?;
            }
        }
        Ok(())
    }

    /// Applies one event. If its materializer fails it is skipped, as on every other client: the same event on the same
    /// rows fails alike.
    pub(super) fn apply(&mut self, event: &EventRecord, inside: bool) -> Result<()> {
        let mut touched = Touched::default();
        let applied = self.state.apply(event, &mut touched);
        self.note_touched(&touched, inside);
        let Err(error) = applied else {
            self.skipped.remove(&event.id());
            return Ok(());
        };
        error.check_storage()?;
        let name = &*event.body.name;
        if let Some(index) = self.waiting.iter().position(|id| *id == event.id()) {
            let misfit = Error::Materialize { name: name.to_owned(), index, source: Box::new(error) };
            self.misfit.get_or_insert(misfit);
        } else if self.skipped.insert(event.id()) {
            tracing::warn!(event = %event.seq, name, %error, "event not applied");
        }
        Ok(())
    }

    pub(super) fn note_touched(&mut self, touched: &Touched, inside: bool) {
        self.touched.extend(touched);
        if inside {
            self.touched_inside.extend(touched);
        }
    }

    /// Undoes all that is not settled, and applies what has its place now.
    ///
    /// `rollback` is the tail of what is applied; `new_events` are upstream's, then the pending ones with new numbers.
    pub(super) fn rebase(&mut self, rollback: &[EventRecord], new_events: Vec<EventRecord>) -> Result<()> {
        let undone: HashSet<EventId> = rollback.iter().map(EventRecord::id).collect();
        let kept = std::mem::take(&mut self.inside).into_iter().filter(|event| !undone.contains(&event.id()));
        let sequence = kept.chain(new_events).collect();
        self.replay(sequence)
    }

    /// Undoes all that is inside the savepoint and applies `sequence` instead, which ends with the pending events.
    fn replay(&mut self, sequence: Vec<EventRecord>) -> Result<()> {
        self.roll_back()?;
        self.misfit = None;
        let pending: HashSet<EventId> = self.sync.pending().iter().map(EventRecord::id).collect();
        for event in sequence {
            if !event.seq.is_after(&self.settled) && !self.savepoint {
                self.apply(&event, false)?;
                continue;
            }
            self.open_savepoint()?;
            self.apply(&event, true)?;
            if !pending.contains(&event.id()) {
                self.inside.push_back(event);
            }
        }
        Ok(())
    }

    /// Undoes all that is inside the savepoint, and closes it.
    fn roll_back(&mut self) -> Result<()> {
        if self.savepoint {
            self.state.db().step("ROLLBACK TO headwater_pending")?;
            self.state.db().step("RELEASE headwater_pending")?;
            self.savepoint = false;
        }
        let undone = std::mem::take(&mut self.touched_inside);
        self.touched.extend(&undone);
        Ok(())
    }

    /// Takes own pending events back, and says whether any was pending.
    pub(super) fn take_back(&mut self, ids: &[EventId]) -> Result<bool> {
        let ids: HashSet<_> = ids.iter().copied().collect();
        let Some(MergeResult::Rebase { .. }) = self.sync.remove(&ids) else {
            return Ok(false);
        };
        self.apply_again().map(|()| true)
    }

    /// Undoes all that is inside the savepoint and applies it again, from the settled events on.
    pub(super) fn apply_again(&mut self) -> Result<()> {
        let sequence = std::mem::take(&mut self.inside).into_iter().chain(self.sync.pending().iter().cloned());
        let sequence = sequence.collect();
        self.replay(sequence)
    }

    /// Takes settled events out of the savepoint: at once when nothing else is in it, by applying again when they are
    /// too many.
    pub(super) fn move_boundary(&mut self) -> Result<()> {
        if !self.savepoint {
            return Ok(());
        }
        let settled = self.settled;
        let unsettled = self.inside.back().is_some_and(|last| last.seq.is_after(&settled));
        if !unsettled && self.sync.pending().is_empty() {
            self.state.db().step("RELEASE headwater_pending")?;
            self.savepoint = false;
            self.inside.clear();
            self.touched_inside.clear();
            return Ok(());
        }
        let count = self.inside.partition_point(|event| !event.seq.is_after(&settled));
        if count > limits::MAX_SETTLED_IN_SAVEPOINT {
            return self.apply_again();
        }
        Ok(())
    }
}
