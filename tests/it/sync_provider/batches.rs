//! Batches as clients send them.

use headwater_core::protocol::{LogPosition, PushRequest, VERSION, WireEvent};
use headwater_core::{Args, Chain, Claim, ClientId, EventId, Facts, SessionId, StoreId};

pub(super) fn store() -> StoreId {
    StoreId::new("team-7").expect("a valid name")
}

pub(super) fn client(name: &str) -> ClientId {
    ClientId::new(name).expect("a valid name")
}

/// Where a log begins, as far as batches go.
pub(super) const ROOT: (u64, Chain) = (0, Chain::ROOT);

pub(super) fn head(log: &LogPosition) -> (u64, Chain) {
    (log.head, log.chain)
}

/// Events of one client, numbered behind a position, with ids of their own.
pub(super) fn batch(client_name: &str, (parent, parent_chain): (u64, Chain), ids: &[&str]) -> PushRequest {
    let client_id = client(client_name);
    let event = |(index, id): (usize, &&str)| {
        let parent_seq_num = parent + index as u64;
        WireEvent {
            seq_num: parent_seq_num + 1,
            parent_seq_num,
            name: "v1.TodoCreated".into(),
            args: args(format!(r#"{{ "id": "{id}" }}"#)),
            client_id: client_id.clone(),
            session_id: SessionId::new("s1").expect("a valid name"),
            id: id_of(id),
            ver: 1,
            group: 0,
            facts: Facts::default(),
        }
    };
    PushRequest {
        protocol: VERSION,
        backend_id: None,
        epoch: None,
        claim: Claim::of_secret(&hashed(client_name)),
        client_id: client_id.clone(),
        parent,
        parent_chain,
        events: ids.iter().enumerate().map(event).collect(),
    }
}

/// The same events as one group.
pub(super) fn as_group(mut batch: PushRequest) -> PushRequest {
    let count = batch.events.len();
    for (index, event) in batch.events.iter_mut().enumerate() {
        event.group = u32::try_from(count - index - 1).expect("a group is short");
    }
    batch
}

pub(super) fn args(json: impl Into<String>) -> Args {
    Args::from_json(json.into()).expect("valid JSON")
}

pub(super) fn id_of(name: &str) -> EventId {
    let bytes = hashed(name);
    EventId::from_bytes(bytes[..16].try_into().expect("16 bytes"))
}

/// Other bytes for each name.
fn hashed(name: &str) -> [u8; 32] {
    *Claim::of_secret(&std::array::from_fn(|index| name.as_bytes().get(index).copied().unwrap_or(0))).as_bytes()
}
