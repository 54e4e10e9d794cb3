//! Rows of the eventlog as events, checked.

use std::sync::Arc;

use headwater_core::leader::{InFlight, Mark, Settled};
use headwater_core::{
    Args, BackendId, Chain, ClientId, Digest, EventBody, EventId, EventRecord, EventScope, Facts, SeqNum, SessionId,
};

use super::recent::parent;
use crate::error::{Error, Result};
use crate::schema::Row;

/// What every event table has, in the order of [`BodyRow::read`].
pub(super) const COLUMNS: &str = "id, name, ver, args, client_id, session_id, group_rest, facts, check_value";

/// The body of an event as it is stored.
pub(super) struct BodyRow {
    id: Vec<u8>,
    name: String,
    ver: u32,
    args: String,
    client_id: String,
    session_id: String,
    group_rest: u32,
    facts: String,
    check: Vec<u8>,
    client_only: bool,
}

impl BodyRow {
    pub(super) fn read(row: &Row<'_>, client_only: bool) -> Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            name: row.get(1)?,
            ver: row.get(2)?,
            args: row.get(3)?,
            client_id: row.get(4)?,
            session_id: row.get(5)?,
            group_rest: row.get(6)?,
            facts: row.get(7)?,
            check: row.get(8)?,
            client_only,
        })
    }

    /// The body, if its digest is the one that was stored with it.
    pub(super) fn body(self) -> Result<EventBody, String> {
        let check = self.check.clone();
        let body = self.unchecked()?;
        if body.digest().as_bytes().as_slice() == check {
            Ok(body)
        } else {
            Err("its check value does not fit".to_owned())
        }
    }

    fn unchecked(self) -> Result<EventBody, String> {
        let id = self.id.try_into().map_err(|_| "its id is not 16 bytes".to_owned())?;
        Ok(EventBody {
            id: EventId::from_bytes(id),
            name: self.name.into(),
            ver: self.ver,
            args: Args::from_json(self.args).map_err(|error| error.to_string())?,
            client_id: ClientId::new(self.client_id).map_err(|error| error.to_string())?,
            session_id: SessionId::new(self.session_id).map_err(|error| error.to_string())?,
            scope: if self.client_only { EventScope::ClientOnly } else { EventScope::Synced },
            group_rest: self.group_rest,
            facts: facts(&self.facts)?,
        })
    }
}

/// A settled event as it is stored.
pub(super) struct SettledRow {
    global: u64,
    client: u32,
    body: BodyRow,
}

impl SettledRow {
    pub(super) fn read(row: &Row<'_>) -> Result<Self> {
        let (global, client) = (row.get(9)?, row.get(10)?);
        Ok(Self { global, client, body: BodyRow::read(row, client > 0)? })
    }

    /// The event, if its chain value follows from the one before.
    pub(super) fn settled(self, before: &Chain) -> Result<Settled, String> {
        let seq = SeqNum { global: self.global, client: self.client, generation: 0 };
        let stored = self.body.check.clone();
        let body = self.body.unchecked().map_err(|reason| format!("event {seq}: {reason}"))?;
        let digest: Digest = body.digest();
        let (chain, check) = if body.is_client_only() {
            (*before, *digest.as_bytes())
        } else {
            let chain = before.next(seq.global, &digest);
            (chain, *chain.as_bytes())
        };
        if check.as_slice() != stored {
            return Err(format!("the hash chain breaks at event {seq}"));
        }
        Ok(Settled { event: EventRecord { seq, parent: parent(seq), body: Arc::new(body) }, chain })
    }
}

/// Id, name, arguments, code and reason of an event that was refused.
pub(crate) type DeadLetterRow = (Vec<u8>, String, String, String, String);

pub(super) type MarkRow = (u32, Option<Vec<u8>>, Option<u64>, Option<u64>, Option<Vec<u8>>, Option<usize>);

/// The scalars of a log that ends at a position; `None` if they don't have the sizes that they should have.
pub(super) fn mark(row: MarkRow, upstream_head: u64, head_chain: Chain) -> Option<Mark> {
    let (generation, backend_id, epoch, parent, parent_chain, count) = row;
    let chain = |bytes: Vec<u8>| bytes.try_into().ok().map(Chain::from_bytes);
    let backend = match (backend_id, epoch) {
        (Some(id), Some(epoch)) => Some((BackendId::from_bytes(id.try_into().ok()?), epoch)),
        _ => None,
    };
    let in_flight = match (parent, parent_chain, count) {
        (Some(parent), Some(bytes), Some(count)) => Some(InFlight { parent, parent_chain: chain(bytes)?, count }),
        _ => None,
    };
    Some(Mark { upstream_head, chain: head_chain, generation, backend, in_flight })
}

/// Facts as text; empty for none, which is common.
pub(super) fn facts_text(facts: &Facts) -> Result<String> {
    if facts.is_empty() {
        return Ok(String::new());
    }
    serde_json::to_string(facts).map_err(Error::app)
}

fn facts(text: &str) -> Result<Facts, String> {
    if text.is_empty() {
        return Ok(Facts::default());
    }
    serde_json::from_str(text).map_err(|error| error.to_string())
}
