//! An event on the wire.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Args, ClientId, EventBody, EventId, EventRecord, EventScope, Facts, SeqNum, SessionId};

/// A synced event on the wire. The first six fields are LiveStore's; the rest is optional for a reader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireEvent {
    /// Its position in the backend's order.
    pub seq_num: u64,
    /// The position that it was numbered after.
    pub parent_seq_num: u64,
    /// Its type.
    pub name: Arc<str>,
    /// Its arguments: opaque to the backend, kept and returned as the bytes that came.
    pub args: Args,
    /// The client that committed it, as that client says.
    pub client_id: ClientId,
    /// The session that committed it, as that client says.
    pub session_id: SessionId,
    /// Who it is.
    pub id: EventId,
    /// The version of its arguments.
    #[serde(default = "first_version")]
    pub ver: u32,
    /// How many events of its group follow it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub group: u32,
    /// What it touches.
    #[serde(default, skip_serializing_if = "Facts::is_empty")]
    pub facts: Facts,
}

fn first_version() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl From<&EventRecord> for WireEvent {
    fn from(event: &EventRecord) -> Self {
        let body = &event.body;
        debug_assert!(!body.is_client_only(), "a client-only event must not leave its client");
        Self {
            seq_num: event.seq.global,
            parent_seq_num: event.parent.global,
            name: body.name.clone(),
            args: body.args.clone(),
            client_id: body.client_id.clone(),
            session_id: body.session_id.clone(),
            id: body.id,
            ver: body.ver,
            group: body.group_rest,
            facts: body.facts.clone(),
        }
    }
}

impl From<WireEvent> for EventRecord {
    fn from(event: WireEvent) -> Self {
        let body = EventBody {
            id: event.id,
            name: event.name,
            ver: event.ver,
            args: event.args,
            client_id: event.client_id,
            session_id: event.session_id,
            scope: EventScope::Synced,
            group_rest: event.group,
            facts: event.facts,
        };
        Self { seq: SeqNum::global(event.seq_num), parent: SeqNum::global(event.parent_seq_num), body: Arc::new(body) }
    }
}
