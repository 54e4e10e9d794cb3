//! What must hold: after every input, and once all is settled.

use std::collections::{BTreeMap, BTreeSet};

use headwater_core::leader::Health;
use headwater_core::{EventId, EventRecord};

use crate::backend::BAD;
use crate::client::Client;
use crate::session::Session;
use crate::world::World;

impl World {
    /// A client's confirmed log is a prefix of the backend's, and the backend is never accused of what it didn't do.
    pub(crate) fn check_client(&mut self, client: usize) {
        let Self { clients, backend, .. } = self;
        let client = &mut clients[client];
        let store = client.disk.store.borrow();
        for settled in &store.settled[client.compared..] {
            let event = &settled.event;
            if event.body.is_client_only() {
                continue;
            }
            let there = backend.log.get(event.seq.global as usize - 1);
            let there = there.unwrap_or_else(|| panic!("{} confirmed {event:?}, which is not there", client.name));
            assert_eq!(there.event.body, event.body, "{} has another event at {}", client.name, event.seq);
            assert_eq!(there.chain, settled.chain, "{} has another chain at {}", client.name, event.seq);
        }
        client.compared = store.settled.len();
        let Some(leader) = &client.leader else { return };
        // Whoever starts from the disk stands where this leader stands.
        let state = leader.sync_state();
        let pending = state.pending().iter().map(EventRecord::id);
        assert!(pending.eq(store.pending.iter().map(|body| body.id)), "{} has other events than its disk", client.name);
        let on_disk = store.recover();
        assert!(on_disk.settled_head.order(&state.settled_head()).is_eq(), "{} settled more or less", client.name);
        assert_eq!(on_disk.mark.upstream_head, state.upstream_head().global, "the upstream head of {}", client.name);
        assert_eq!(on_disk.mark.generation, state.local_head().generation, "the generation of {}", client.name);
        let synced = state.pending().iter().filter(|event| !event.body.is_client_only()).count();
        assert_eq!(leader.status().pending, synced, "how many events of {} are pending", client.name);
        // One character makes few ids: several that are taken in a row are a loop indeed.
        let taken = self.counters.counts.get("client ids taken").is_some_and(|count| *count >= 3);
        match leader.status().health {
            Health::BackendChanged { reason } => panic!("{} accuses the backend: {reason}", client.name),
            Health::Fault { reason } if reason.contains("the backend") && !taken => {
                panic!("{} is at odds with the backend: {reason}", client.name)
            }
            _ => {}
        }
    }

    /// What is not settled yet.
    pub(crate) fn unsettled(&self) -> Option<String> {
        self.clients.iter().find_map(|client| {
            let Some(leader) = &client.leader else { return Some(format!("{} has no leader", client.name)) };
            let status = leader.status();
            if !status.is_synced() || status.upstream_head.global != self.backend.log.len() as u64 {
                return Some(format!("{} is not synced: {status:?}", client.name));
            }
            let waits = |session: &Session| session.unanswered.is_some() || !session.mailbox.is_empty();
            let busy = client.sessions.iter().find(|session| waits(session) || !session.state.pending().is_empty());
            busy.map(|session| format!("{}.{} waits", client.name, session.id))
        })
    }

    pub(crate) fn check_end(&mut self) {
        if let Some(reason) = self.unsettled() {
            panic!("not settled after a minute without faults: {reason}");
        }
        for client in &self.clients {
            self.check_log(client);
            self.check_sessions(client);
            self.check_fates(client);
        }
        self.check_groups();
    }

    fn check_log(&self, client: &Client) {
        let store = client.disk.store.borrow();
        let synced = store.settled.iter().filter(|settled| !settled.event.body.is_client_only());
        let here: Vec<_> = synced.map(|settled| settled.event.id()).collect();
        let there: Vec<_> = self.backend.log.iter().map(|chained| chained.event.id()).collect();
        assert_eq!(here, there, "the log of {} is not the backend's", client.name);
        assert_eq!(store.mark.chain, self.backend.position().chain, "the chain of {}", client.name);
        assert!(store.pending.is_empty() && store.mark.in_flight.is_none(), "{} has pending events", client.name);
    }

    fn check_sessions(&self, client: &Client) {
        let place = |event: &EventRecord| (event.seq.global, event.seq.client, event.body.clone());
        let due: Vec<_> = client.disk.store.borrow().events().iter().map(place).collect();
        for session in &client.sessions {
            let applied: Vec<_> = session.applied.iter().map(place).collect();
            assert_eq!(applied, due, "{}.{} has another log than its leader", client.name, session.id);
        }
    }

    /// Each event that a session was told to be in the log is in it once, or was rejected for a reason.
    fn check_fates(&self, client: &Client) {
        let store = client.disk.store.borrow();
        let mut places: BTreeMap<EventId, usize> = BTreeMap::new();
        for (place, settled) in store.settled.iter().enumerate() {
            assert_eq!(places.insert(settled.event.id(), place), None, "{:?} is there twice", settled.event);
        }
        let rejected: BTreeSet<_> = store.rejected.iter().map(|rejection| rejection.event.id()).collect();
        // A copy of a client, or one that a power loss took back, may get an event through that this client has given up
        // or still waits to send. Where a client-only event stands, and what depended on what was refused, may differ.
        let twins = ["copies", "power losses"].iter().any(|what| self.counters.counts.contains_key(what));
        let refusals = self.counters.counts.contains_key("events rejected");
        for rejection in &store.rejected {
            let is_bad =
                |id| store.rejected.iter().any(|other| other.event.id() == id && &*other.event.body.name == BAD);
            assert!(is_bad(rejection.cause), "{:?} was rejected for no reason", rejection.event);
            let confirmed = self.backend.has(rejection.event.id());
            assert!(twins || !confirmed, "{:?} is rejected and confirmed", rejection.event);
        }
        for session in client.sessions.iter().chain(&client.ended) {
            let mut last = None;
            for body in session.acknowledged.iter().filter(|body| !self.excused.contains(&body.id)) {
                let place = places.get(&body.id);
                let fates = usize::from(place.is_some()) + usize::from(rejected.contains(&body.id));
                let fine = fates == 1 || twins && fates == 2;
                assert!(fine, "event {:?} of {}.{} has {fates} fates", body.args, client.name, session.id);
                if twins && (body.is_client_only() || refusals) {
                    continue;
                }
                assert!(place.is_none() || place > last, "the events of {}.{} changed order", client.name, session.id);
                last = place.or(last);
            }
            for (id, seq) in &session.confirmed {
                let there = self.backend.log.get(seq.global as usize - 1);
                assert!(there.is_some_and(|chained| chained.event.id() == *id), "{id} is not at {seq}");
            }
        }
    }

    /// No group is torn, in the backend's log or by a rejection.
    fn check_groups(&self) {
        let mut rest = 0;
        for chained in &self.backend.log {
            let group = chained.event.body.group_rest;
            assert!(rest == 0 || group == rest - 1, "a group is torn at {}", chained.event.seq);
            rest = group;
        }
        assert_eq!(rest, 0, "the log ends inside a group");
    }
}
