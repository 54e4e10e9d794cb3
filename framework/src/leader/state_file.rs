//! The state on disk: confirmed events, materialized in batches, never ahead of the log.

use headwater_core::SeqNum;

use crate::db::Touched;
use crate::error::{Error, Result};
use crate::eventlog::{Eventlog, check_value};
use crate::schema::Schema;
use crate::state::StateDb;
use crate::storage::DataFolder;

/// Events in one transaction of the state.
const BATCH: usize = 500;

/// The state that a leader keeps for sessions to start from.
pub(super) struct StateFile {
    state: StateDb,
    head: SeqNum,
}

/// How far a catch-up is.
pub(super) struct Progress {
    /// Events applied by it so far.
    pub(super) applied: usize,
    /// The state had to be built from nothing.
    pub(super) rebuilds: bool,
}

impl StateFile {
    /// Opens the state of a folder and brings it to the settled head of the log. A state that can't be used, for
    /// whatever reason, is built anew and swapped in when it is complete.
    pub(super) fn open(
        folder: Option<&DataFolder>,
        schema: &Schema,
        log: &Eventlog,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self> {
        let Some(folder) = folder else {
            let mut state = Self { state: StateDb::in_memory(schema)?, head: SeqNum::ROOT };
            state.catch_up(log, |applied| progress(Progress { applied, rebuilds: false }))?;
            return Ok(state);
        };
        match Self::open_current(folder, schema, log) {
            Ok(Some(mut state)) => match state.catch_up(log, |applied| progress(Progress { applied, rebuilds: false }))
            {
                Ok(()) => return Ok(state),
                Err(error @ (Error::Damaged { .. } | Error::Schema(_))) => return Err(error),
                Err(error) => tracing::warn!(%error, "the state can't be continued and is rebuilt"),
            },
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "the state can't be used and is rebuilt"),
        }
        Self::rebuild(folder, schema, log, progress)
    }

    /// The state on disk, if it belongs to this schema and to this log.
    fn open_current(folder: &DataFolder, schema: &Schema, log: &Eventlog) -> Result<Option<Self>> {
        let path = folder.state_path();
        if !path.exists() {
            return Ok(None);
        }
        let Some(state) = StateDb::open_file(&path, schema)? else {
            return Ok(None);
        };
        state.quick_check()?;
        let (head, check) = state.head()?;
        // After a loss of power the state may be ahead of the log; after a restored backup it may be of another one.
        let is_of_log = head == SeqNum::ROOT || log.check_at(&head)? == Some(check);
        Ok(is_of_log.then_some(Self { state, head }))
    }

    fn rebuild(
        folder: &DataFolder,
        schema: &Schema,
        log: &Eventlog,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self> {
        let mut built = Self { state: StateDb::create_file(&folder.new_state_path()?, schema)?, head: SeqNum::ROOT };
        progress(Progress { applied: 0, rebuilds: true });
        built.catch_up(log, |applied| progress(Progress { applied, rebuilds: true }))?;
        let head = built.head;
        built.state.close()?;
        folder.swap_in_state()?;
        let state = StateDb::open_file(&folder.state_path(), schema)?;
        let state =
            state.ok_or_else(|| Error::Schema("a state that was just built has another fingerprint".to_owned()))?;
        Ok(Self { state, head })
    }

    /// Applies all settled events that it does not have.
    pub(super) fn catch_up(&mut self, log: &Eventlog, mut progress: impl FnMut(usize)) -> Result<()> {
        let mut applied = 0;
        loop {
            let count = self.step(log)?;
            if count == 0 {
                return Ok(());
            }
            applied += count;
            progress(applied);
        }
    }

    /// Applies one batch, and says how many events it had.
    pub(super) fn step(&mut self, log: &Eventlog) -> Result<usize> {
        let page = log.read(self.head, BATCH)?;
        let Some(last) = page.last() else { return Ok(0) };
        let check = check_value(last);
        let mut touched = Touched::default();
        self.state.transaction(|state| {
            for settled in &page {
                // What fails here fails on every client alike, so that all skip the same event.
                if let Err(error) = state.apply(&settled.event, &mut touched) {
                    error.check_storage()?;
                    tracing::warn!(event = ?settled.event.seq, name = &*settled.event.body.name, %error, "event not applied");
                }
            }
            state.set_head(&last.event.seq, &check)
        })?;
        self.head = last.event.seq;
        Ok(page.len())
    }

    pub(super) fn head(&self) -> SeqNum {
        self.head
    }

    /// A copy in memory for a session.
    pub(super) fn copy(&self) -> Result<StateDb> {
        self.state.copy_to_memory()
    }
}
