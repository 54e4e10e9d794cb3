//! A client's eventlog in memory, which checks every change, and outlives the leader that writes it.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use headwater_core::leader::{Change, Log, Mark, Recovered, Rejection, Settled};
use headwater_core::{Chain, ClientId, EventBody, EventId, EventRecord, SeqNum};

/// What is on the disk of a client.
#[derive(Clone)]
pub(crate) struct Store {
    pub(crate) client_id: ClientId,
    pub(crate) settled: Vec<Settled>,
    pub(crate) pending: Vec<Arc<EventBody>>,
    pub(crate) rejected: Vec<Rejection>,
    pub(crate) mark: Mark,
    ids: BTreeSet<EventId>,
}

impl Store {
    pub(crate) fn new(client_id: ClientId) -> Self {
        let mark = Mark { upstream_head: 0, chain: Chain::ROOT, generation: 0, backend: None, in_flight: None };
        Self { client_id, settled: Vec::new(), pending: Vec::new(), rejected: Vec::new(), mark, ids: BTreeSet::new() }
    }

    pub(crate) fn recover(&self) -> Recovered {
        Recovered { mark: self.mark.clone(), settled_head: self.settled_head(), pending: self.pending.clone() }
    }

    fn settled_head(&self) -> SeqNum {
        self.settled.last().map_or(SeqNum::ROOT, |settled| settled.event.seq)
    }

    /// All events with their places, those that are pending included.
    pub(crate) fn events(&self) -> Vec<EventRecord> {
        let mut events: Vec<_> = self.settled.iter().map(|settled| settled.event.clone()).collect();
        let mut head = self.settled_head();
        for body in &self.pending {
            let event = EventRecord::after(&head, body.clone());
            head = event.seq;
            events.push(event);
        }
        events
    }

    pub(crate) fn has(&self, id: EventId) -> bool {
        self.ids.contains(&id) || self.pending.iter().any(|body| body.id == id)
    }

    fn apply(&mut self, change: &Change<'_>) {
        for event in change.appended {
            assert!(!self.has(event.id()), "{event:?} is appended twice");
            self.pending.push(event.body.clone());
        }
        change.settled.iter().for_each(|settled| self.settle(settled));
        for rejection in change.rejected {
            let at = self.pending.iter().position(|body| body.id == rejection.event.id());
            self.pending.remove(at.expect("only what is pending can be rejected"));
            self.rejected.push(rejection.clone());
        }
        if let Some(client_id) = change.client_id {
            self.client_id = client_id.clone();
            self.pending.iter_mut().for_each(|body| Arc::make_mut(body).client_id = client_id.clone());
        }
        self.check_mark(change.mark);
        self.mark = change.mark.clone();
    }

    /// Events are settled one after the other, each once, with a chain that holds.
    fn settle(&mut self, settled: &Settled) {
        let event = &settled.event;
        let head = self.settled_head();
        let due = EventRecord::after(&head, event.body.clone());
        assert!(due.seq.order(&event.seq).is_eq(), "{} is settled after {head}", event.seq);
        assert!(due.parent.order(&event.parent).is_eq(), "{} has parent {} after {head}", event.seq, event.parent);
        assert!(self.ids.insert(event.id()), "{event:?} is settled twice");
        let before = self.settled.last().map_or(Chain::ROOT, |settled| settled.chain);
        let chain =
            if event.body.is_client_only() { before } else { before.next(event.seq.global, &event.body.digest()) };
        assert_eq!(chain, settled.chain, "the chain breaks at {}", event.seq);
        self.pending.retain(|body| body.id != event.id());
        self.settled.push(settled.clone());
    }

    /// The scalars say what the events say.
    fn check_mark(&self, mark: &Mark) {
        assert!(mark.upstream_head >= self.mark.upstream_head, "the upstream head moved back");
        assert!(mark.generation >= self.mark.generation, "the generation fell");
        assert!(self.mark.backend.is_none() || mark.backend == self.mark.backend, "the backend changed");
        assert_eq!(mark.upstream_head, self.settled_head().global, "the upstream head is not the last event's");
        let chain = self.settled.last().map_or(Chain::ROOT, |settled| settled.chain);
        assert_eq!(mark.chain, chain, "the chain is not the last event's");
        let synced = self.pending.iter().filter(|body| !body.is_client_only()).count();
        assert!(mark.in_flight.is_none_or(|batch| (1..=synced).contains(&batch.count)), "more in flight than pending");
        let first = self.pending.first();
        assert!(first.is_none_or(|body| !body.is_client_only()), "a client-only event waits for nothing");
    }
}

/// How a store fares at its next writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Writes,
    /// The next write fails.
    Fails,
    /// A write failed.
    Failed,
    /// The next write is not done, nor any after it: the process is dying.
    Dies,
    Dead,
}

/// The store as its leader has it.
#[derive(Clone)]
pub(crate) struct SharedStore {
    pub(crate) store: Rc<RefCell<Store>>,
    pub(crate) fate: Rc<RefCell<Fate>>,
}

impl SharedStore {
    pub(crate) fn new(store: Store) -> Self {
        Self { store: Rc::new(RefCell::new(store)), fate: Rc::new(RefCell::new(Fate::Writes)) }
    }
}

impl Log for SharedStore {
    type Error = String;

    fn write(&mut self, change: &Change<'_>) -> Result<(), String> {
        let mut fate = self.fate.borrow_mut();
        let is = *fate;
        match is {
            Fate::Writes | Fate::Failed => {
                self.store.borrow_mut().apply(change);
                return Ok(());
            }
            Fate::Fails => *fate = Fate::Failed,
            Fate::Dies | Fate::Dead => *fate = Fate::Dead,
        }
        Err("the disk is full".to_owned())
    }
}
