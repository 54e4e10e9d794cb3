//! Checking that the state is what the log amounts to.

use std::time::Duration;

use headwater_core::SeqNum;

use super::Session;
use crate::error::{Error, Result};
use crate::leader::LogReader;
use crate::state::StateDb;

/// Events read at once.
const PAGE: usize = 500;

impl Session {
    /// Replays the log and what is not settled into an empty state, and compares it with the session's. See
    /// `Store::verify`.
    pub(crate) fn verify(&self) -> Result<()> {
        let core = self.lock();
        if core.is_closed() {
            return Err(Error::Closed);
        }
        let fresh = StateDb::in_memory(core.state().schema())?;
        replay_log(&self.leader().reader(), core.settled, &fresh)?;
        core.unsettled().try_for_each(|event| fresh.replay(event))?;
        core.state().compare(&fresh)
    }
}

/// Applies the settled events up to a position.
fn replay_log(log: &LogReader, up_to: SeqNum, state: &StateDb) -> Result<()> {
    let mut after = SeqNum::ROOT;
    while up_to.is_after(&after) {
        let page = crate::blocking::wait(log.read(after, PAGE), Duration::MAX).unwrap_or(Err(Error::Closed))?;
        let Some(last) = page.last() else { break };
        after = last.event.seq;
        let events = page.iter().map(|settled| &settled.event);
        events.take_while(|event| !event.seq.is_after(&up_to)).try_for_each(|event| state.replay(event))?;
    }
    Ok(())
}
