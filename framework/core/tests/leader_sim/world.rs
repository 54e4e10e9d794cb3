//! Clients, a backend and the network between them, in virtual time.

mod network;
mod sessions;
mod troubles;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use headwater_core::leader::{Effect, Input, Leader, SyncOptions};
use headwater_core::protocol::{PullRequest, PushRequest};
use headwater_core::{Claim, ClientId, EventId};

use crate::backend::Backend;
use crate::client::Client;
use crate::faults::{Faults, Trouble};
use crate::rng::Rng;
use crate::store::{Fate, Store};

/// Something that is due at a time.
pub(crate) enum Action {
    Start { client: usize },
    Commit { client: usize, session: usize },
    Trouble { client: usize, trouble: Trouble },
    Over { client: usize, trouble: Trouble },
    Input { client: usize, life: u64, input: Input },
    Ask { client: usize, life: u64, request: u64, ask: Ask },
    PollOver { poll: u64 },
    TakePush { client: usize, life: u64, session: usize },
    Receive { client: usize, life: u64, session: usize },
}

/// What a client asks the backend.
#[derive(Clone)]
pub(crate) enum Ask {
    Pull(PullRequest),
    Push(Box<PushRequest>),
}

/// What really happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    pub(crate) events: u64,
    pub(crate) counts: BTreeMap<&'static str, u64>,
}

pub(crate) struct World {
    pub(crate) rng: Rng,
    pub(crate) faults: Faults,
    pub(crate) now: u64,
    pub(crate) clients: Vec<Client>,
    pub(crate) backend: Backend,
    pub(crate) counters: Counters,
    /// Events that a power loss may have taken along.
    pub(crate) excused: BTreeSet<EventId>,
    /// Filled if it is asked for.
    pub(crate) trace: Option<String>,
    agenda: BTreeMap<(u64, u64), Action>,
    ties: u64,
    held: BTreeMap<u64, (usize, u64, u64, PullRequest)>,
    backend_down: bool,
    next_id: u64,
}

/// How long things go wrong, in milliseconds.
const TROUBLED_MS: u64 = 30_000;

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let faults = Faults::draw(&mut rng);
        let (page, tail) = (rng.between(1, 20) as usize, rng.between(1, 20) as usize);
        let mut world = Self {
            rng,
            faults,
            now: 0,
            clients: Vec::new(),
            backend: Backend::new(page, tail),
            counters: Counters::default(),
            excused: BTreeSet::new(),
            trace: None,
            agenda: BTreeMap::new(),
            ties: 0,
            held: BTreeMap::new(),
            backend_down: false,
            next_id: 0,
        };
        world.populate();
        world
    }

    fn populate(&mut self) {
        let collide = self.rng.per_mille(300);
        let options = SyncOptions {
            live_pull: self.rng.per_mille(800),
            poll_interval_ms: self.rng.between(100, 5_000),
            push_events: self.rng.between(1, 50) as usize,
            client_id_chars: if collide { 1 } else { 6 },
            ..SyncOptions::default()
        };
        for (name, number) in ('A'..='D').take(self.rng.between(2, 4) as usize).zip(0_u8..) {
            let id = if collide { "x".to_owned() } else { name.to_string().repeat(6) };
            let store = Store::new(ClientId::new(id).expect("valid"));
            let sessions = self.rng.between(1, 2) as usize;
            let client = Client::new(name, store, Claim::from_bytes([number; 32]), options, sessions);
            self.clients.push(client);
            self.plan_client(number.into());
        }
    }

    /// Plans what a client does, and what happens to it.
    fn plan_client(&mut self, client: usize) {
        let first = self.now + self.rng.between(0, 2_000);
        self.due(first, Action::Start { client });
        let bursts = self.rng.between(0, 12);
        for _ in 0..bursts {
            let at = self.now + self.rng.between(0, TROUBLED_MS);
            for _ in 0..self.rng.between(1, 4) {
                let session = self.rng.index(2);
                let within = self.rng.between(0, 200);
                self.due(at + within, Action::Commit { client, session });
            }
        }
        for (trouble, times) in self.faults.troubles.clone() {
            for _ in 0..times {
                let at = self.now + self.rng.between(0, TROUBLED_MS);
                self.due(at, Action::Trouble { client, trouble });
            }
        }
    }

    fn due(&mut self, at: u64, action: Action) {
        self.ties += 1;
        self.agenda.insert((at, self.ties), action);
    }

    fn after(&mut self, most_ms: u64, action: Action) {
        let delay = self.rng.between(1, most_ms.max(1));
        self.due(self.now + delay, action);
    }

    pub(crate) fn count(&mut self, what: &'static str) {
        *self.counters.counts.entry(what).or_default() += 1;
    }

    pub(crate) fn note(&mut self, text: impl FnOnce(&Self) -> String) {
        if let Some(mut trace) = self.trace.take() {
            writeln!(trace, "{:>6} {}", self.now, text(self)).expect("a string takes it");
            self.trace = Some(trace);
        }
    }

    /// Both phases: first with faults, then without, until all is settled.
    pub(crate) fn run(&mut self) {
        self.run_until(TROUBLED_MS);
        self.heal();
        let end = self.now + 60_000;
        while self.unsettled().is_some() && self.now < end {
            self.run_until(self.now + 250);
        }
        self.check_end();
    }

    fn run_until(&mut self, end: u64) {
        while let Some(entry) = self.agenda.first_entry().filter(|entry| entry.key().0 <= end) {
            let ((at, _), action) = entry.remove_entry();
            self.now = self.now.max(at);
            self.counters.events += 1;
            self.act(action);
        }
        self.now = end;
    }

    /// All that went wrong is over. Connections that are broken are found to be.
    fn heal(&mut self) {
        self.note(|_| "--- all faults are over".to_owned());
        self.faults = Faults::none();
        self.backend_down = false;
        for client in 0..self.clients.len() {
            self.clients[client].cut_off = false;
            if *self.clients[client].disk.fate.borrow() == Fate::Fails {
                *self.clients[client].disk.fate.borrow_mut() = Fate::Writes;
            }
            if self.clients[client].leader.is_none() {
                self.start(client);
            }
            self.clients[client].online = true;
            self.handle(client, Input::SetOnline(true));
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Start { client } => self.start(client),
            Action::Commit { client, session } => self.commit(client, session),
            Action::Trouble { client, trouble } => self.trouble(client, trouble),
            Action::Over { client, trouble } => self.over(client, trouble),
            Action::Input { client, life, input } if self.clients[client].life == life => {
                if matches!(input, Input::Tick) && self.clients[client].alarm != Some(self.now) {
                    return;
                }
                self.handle(client, input);
            }
            Action::Ask { client, life, request, ask } => self.ask(client, life, request, &ask),
            Action::PollOver { poll } => self.poll_over(poll, true),
            Action::TakePush { client, life, session } if self.clients[client].life == life => {
                self.take_push(client, session);
            }
            Action::Receive { client, life, session } if self.clients[client].life == life => {
                self.receive(client, session);
            }
            Action::Input { .. } | Action::TakePush { .. } | Action::Receive { .. } => {}
        }
    }

    fn start(&mut self, client: usize) {
        if self.clients[client].leader.is_some() {
            return;
        }
        let (seed, now) = (self.rng.next(), self.now);
        self.clients[client].start(seed, now);
        self.note(|world| format!("{} starts: {}", world.clients[client].name, world.place(client)));
        if !self.clients[client].online {
            self.handle(client, Input::SetOnline(false));
        }
        self.after_input(client);
        for session in 0..self.clients[client].sessions.len() {
            self.push(client, session);
        }
    }

    /// Hands an input to a leader, which may die at it, and carries out what it asks for.
    pub(crate) fn handle(&mut self, client: usize, input: Input) {
        if self.clients[client].leader.is_none() {
            return;
        }
        self.draw_fate(client);
        self.note(|world| format!("{} <- {}", world.clients[client].name, crate::trace::input(&input)));
        let now = self.now;
        let leader = self.clients[client].leader.as_mut().expect("just seen");
        leader.handle(input, now);
        self.after_input(client);
    }

    fn draw_fate(&mut self, client: usize) {
        let fate = match self.rng.between(0, 999) {
            draw if draw < self.faults.dies_in_write => Fate::Dies,
            draw if draw < self.faults.dies_in_write + self.faults.write_fails => Fate::Fails,
            _ => return,
        };
        *self.clients[client].disk.fate.borrow_mut() = fate;
    }

    fn after_input(&mut self, client: usize) {
        if *self.clients[client].disk.fate.borrow() == Fate::Dead {
            self.count("deaths in a write");
            return self.die(client, true);
        }
        let fate = self.clients[client].disk.fate.replace(Fate::Writes);
        if fate == Fate::Failed {
            self.count("failed writes");
        }
        let dies = self.rng.per_mille(self.faults.dies);
        while let Some(effect) = self.clients[client].leader.as_mut().and_then(Leader::poll_effect) {
            if dies && self.rng.per_mille(500) {
                self.count("deaths between effects");
                return self.die(client, true);
            }
            self.carry_out(client, effect);
        }
        self.check_client(client);
        let life = self.clients[client].life;
        let Some(deadline) = self.clients[client].leader.as_ref().and_then(Leader::next_deadline) else {
            return;
        };
        let at = deadline.max(self.now + 1);
        if self.clients[client].alarm != Some(at) {
            self.clients[client].alarm = Some(at);
            self.due(at, Action::Input { client, life, input: Input::Tick });
        }
    }

    fn carry_out(&mut self, client: usize, effect: Effect) {
        self.note(|world| format!("{} -> {}", world.clients[client].name, crate::trace::effect(&effect)));
        let life = self.clients[client].life;
        match effect {
            Effect::ToSession { session, message } => self.post(client, &session, message),
            Effect::Pull { request, pull } => self.send(client, life, request, &Ask::Pull(pull)),
            Effect::Push { request, push } => {
                let in_flight = self.clients[client].disk.store.borrow().mark.in_flight;
                let noted = in_flight.map(|batch| (batch.parent, batch.count));
                assert_eq!(noted, Some((push.parent, push.events.len())), "a batch is sent and not noted");
                self.send(client, life, request, &Ask::Push(push));
            }
            Effect::Cancel => {}
        }
    }
}
