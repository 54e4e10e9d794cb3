//! Starting over: what a session does when it can't follow its leader, whatever the reason.
//!
//! The log is the truth, so a session that lost track takes a new snapshot of it. What the leader does not have yet is
//! applied on top and pushed again; nothing that was accepted is given up.

use std::mem;

use headwater_core::sync_state::Payload;
use headwater_core::{EventRecord, SyncState};

use super::Session;
use super::core::SessionCore;
use crate::error::{Error, Result};
use crate::leader::Snapshot;

impl Session {
    /// Starts over if the session has lost track of its leader.
    pub(super) fn catch_track(&self, core: &mut SessionCore) -> Result<()> {
        if !core.lost_track {
            return Ok(());
        }
        let snapshot = self.leader.attach(self.id.clone(), self.mailbox.clone())?;
        let mut unknown = Vec::new();
        for event in core.sync.pending() {
            match self.leader.whereabouts(event.id())? {
                Some(_) => core.news.persisted.push(event.id()),
                None => unknown.push(event.clone()),
            }
        }
        core.start_over(snapshot, unknown)?;
        core.push(core.durability, &self.leader)
    }
}

impl SessionCore {
    /// Takes the leader's log as it is now, and `own` events on top of it.
    fn start_over(&mut self, snapshot: Snapshot, own: Vec<EventRecord>) -> Result<()> {
        let mut fresh = Self::new(self.id.clone(), snapshot)?;
        fresh.next_push = self.next_push;
        fresh.durability = self.in_flight.map_or(self.durability, |(.., durability)| durability.max(self.durability));
        fresh.waiting = mem::take(&mut self.waiting);
        fresh.news = mem::take(&mut self.news);
        fresh.status = self.status.take();
        fresh.started_over = true;
        fresh.apply_own(own)?;
        *self = fresh;
        Ok(())
    }

    fn apply_own(&mut self, own: Vec<EventRecord>) -> Result<()> {
        let events = numbered(&self.sync, own);
        for event in &events {
            self.open_savepoint()?;
            self.apply(event, true)?;
        }
        self.sync.merge(Payload::LocalPush { events }).map(drop).map_err(Error::app)
    }
}

/// Numbers events behind the local head.
fn numbered(sync: &SyncState, events: Vec<EventRecord>) -> Vec<EventRecord> {
    let mut head = sync.local_head();
    let after = |event: EventRecord| {
        let event = EventRecord::after(&head, event.body);
        head = event.seq;
        event
    };
    events.into_iter().map(after).collect()
}

#[cfg(test)]
impl Session {
    /// Lets a message arrive that contradicts all that came before, and breaks the rows.
    pub(crate) fn mislead(&self) {
        use headwater_core::leader::{ToSession, Update};
        let core = self.lock();
        core.state().db().run("DELETE FROM notes").expect("the test's table");
        let payload = Payload::UpstreamRebase {
            rollback: Vec::new(),
            events: Vec::new(),
            head: headwater_core::SeqNum::global(99),
        };
        let update = Update { payload, settled: core.settled, confirmed: Vec::new(), rejected: Vec::new() };
        self.mailbox.push(ToSession::Update(update));
    }
}
