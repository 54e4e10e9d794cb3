use std::sync::Arc;

use super::*;
use crate::{Args, ClientId, EventBody, EventScope, Facts, SessionId};

fn body(id: u8, scope: EventScope) -> Arc<EventBody> {
    Arc::new(EventBody {
        id: EventId::from_bytes([id; 16]),
        name: "v1.Tested".into(),
        ver: 1,
        args: Args::encode(&id).expect("a number is JSON"),
        client_id: ClientId::new("A").expect("valid"),
        session_id: SessionId::new("s").expect("valid"),
        scope,
        group_rest: 0,
        facts: Facts::default(),
    })
}

fn synced(id: u8, seq: &str) -> EventRecord {
    let seq: SeqNum = seq.parse().expect("notation");
    EventRecord { seq, parent: SeqNum { global: seq.global - 1, client: 0, ..seq }, body: body(id, EventScope::Synced) }
}

/// The defect B0-1 of the reference system: a client-only event before a synced one, whose echo comes in one page
/// with somebody else's event.
#[test]
fn an_echo_behind_a_client_only_event_is_confirmed_and_not_numbered_again() {
    let mut state = SyncState::new(Upstream::Backend, SeqNum::global(1), SeqNum::global(1));
    let client_only = EventRecord::after(&state.local_head(), body(10, EventScope::ClientOnly));
    state.merge(Payload::LocalPush { events: vec![client_only.clone()] }).expect("in order");
    let mine = EventRecord::after(&state.local_head(), body(11, EventScope::Synced));
    state.merge(Payload::LocalPush { events: vec![mine.clone()] }).expect("in order");

    let page = vec![mine.clone(), synced(20, "e3")];
    let result = state.merge(Payload::UpstreamAdvance { events: page }).expect("in order");

    assert_eq!(result, MergeResult::Advance { new_events: vec![synced(20, "e3")], confirmed: vec![mine] });
    assert!(state.pending().is_empty());
}
