//! Laws of the core, on random input.

mod boundary;
mod codecs;
mod network;
mod reference;
mod replica;

use std::sync::Arc;

use headwater_core::{Args, ClientId, EventBody, EventId, EventScope, Facts, SessionId};

/// The event number `id`: nothing but the number and the scope distinguishes one from another.
fn body(id: u32, scope: EventScope) -> Arc<EventBody> {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&id.to_be_bytes());
    Arc::new(EventBody {
        id: EventId::from_bytes(bytes),
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
