//! What sessions do: they commit, push and hear.

use std::sync::Arc;

use headwater_core::leader::{Durability, Input, ToSession};
use headwater_core::{Args, ClientId, EventBody, EventId, EventScope, Facts, SessionId};

use super::{Action, World};
use crate::backend::BAD;
use crate::rng::Rng;

impl World {
    pub(super) fn commit(&mut self, client: usize, session: usize) {
        let sessions = self.clients[client].sessions.len();
        if sessions == 0 || self.clients[client].leader.is_none() {
            return;
        }
        let session = session % sessions;
        let bodies = self.bodies(session);
        self.clients[client].sessions[session].commit(bodies);
        self.note(|world| {
            let session = &world.clients[client].sessions[session];
            format!("{}.{} commits; pending {:?}", world.clients[client].name, session.id, session.state.pending())
        });
        self.push(client, session);
    }

    /// The events of one commit: a group, with client-only events in it.
    fn bodies(&mut self, session: usize) -> Vec<Arc<EventBody>> {
        let count = if self.rng.per_mille(200) { self.rng.between(2, 4) } else { 1 };
        let client_only: Vec<_> = (0..count).map(|_| self.rng.per_mille(250)).collect();
        let mut bodies = Vec::new();
        for (index, scope) in client_only.iter().enumerate() {
            let rest = client_only[index + 1..].iter().filter(|other| *other == scope).count();
            bodies.push(Arc::new(self.body(session, *scope, rest as u32)));
        }
        bodies
    }

    fn body(&mut self, session: usize, client_only: bool, rest: u32) -> EventBody {
        self.next_id += 1;
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.next_id.to_be_bytes());
        let fact = |rng: &mut Rng| {
            let some = rng.per_mille(300);
            if some { vec![format!("k/{}", rng.between(0, 3))] } else { Vec::new() }
        };
        let facts = Facts { writes: fact(&mut self.rng), requires: fact(&mut self.rng), reads: Vec::new() };
        let bad = !client_only && self.rng.per_mille(self.faults.bad_events);
        EventBody {
            id: EventId::from_bytes(id),
            name: if bad { BAD } else { "v1.Made" }.into(),
            ver: 1,
            args: Args::encode(&self.next_id).expect("a number is JSON"),
            client_id: ClientId::new("none").expect("valid"),
            session_id: SessionId::new(format!("s{session}")).expect("valid"),
            scope: if client_only { EventScope::ClientOnly } else { EventScope::Synced },
            group_rest: rest,
            facts,
        }
    }

    /// A session sends what is pending, if nothing that it sent is unanswered.
    pub(super) fn push(&mut self, client: usize, session: usize) {
        let life = self.clients[client].life;
        if self.clients[client].sessions[session].start_push().is_some() {
            self.after(self.faults.session_ms, Action::TakePush { client, life, session });
        }
    }

    pub(super) fn take_push(&mut self, client: usize, session: usize) {
        let session = &self.clients[client].sessions[session];
        let Some((push, events)) = session.unanswered.clone() else { return };
        let (session, durability) = (session.id.clone(), Durability::Process);
        self.handle(client, Input::Push { session, push, events, durability });
    }

    pub(super) fn receive(&mut self, client: usize, session: usize) {
        let Some(message) = self.clients[client].sessions[session].mailbox.pop_front() else { return };
        self.note(|world| {
            format!("{}.s{session} hears {}", world.clients[client].name, crate::trace::to_session(&message))
        });
        let reaction = self.clients[client].sessions[session].receive(message);
        if reaction.stale {
            self.count("stale pushes");
        }
        if reaction.rebased {
            self.count("rebases of a session");
        }
        if reaction.drained > 0 {
            let id = self.clients[client].sessions[session].id.clone();
            self.handle(client, Input::Drained { session: id, events: reaction.drained });
        }
        if session < self.clients[client].sessions.len() {
            self.push(client, session);
        }
    }

    pub(super) fn post(&mut self, client: usize, session: &SessionId, message: ToSession) {
        if matches!(&message, ToSession::Update(update) if update.rejected.len() > 1) {
            self.count("dependents rejected");
        }
        let Some(index) = self.clients[client].sessions.iter().position(|slot| slot.id == *session) else { return };
        self.clients[client].sessions[index].mailbox.push_back(message);
        let life = self.clients[client].life;
        self.after(self.faults.session_ms, Action::Receive { client, life, session: index });
    }
}
