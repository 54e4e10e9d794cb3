//! A client: what is on its disk, its leader and its sessions while its process lives.

use headwater_core::leader::{Identity, Input, Leader, SyncOptions};
use headwater_core::{Claim, SessionId};

use crate::session::Session;
use crate::store::{Fate, SharedStore, Store};

pub(crate) struct Client {
    pub(crate) name: char,
    pub(crate) disk: SharedStore,
    pub(crate) leader: Option<Leader<SharedStore>>,
    pub(crate) sessions: Vec<Session>,
    /// The sessions of processes that died.
    pub(crate) ended: Vec<Session>,
    /// How often its leader started: what was meant for one before is void.
    pub(crate) life: u64,
    pub(crate) cut_off: bool,
    pub(crate) online: bool,
    /// A state of the disk to which a power loss takes it back, and how many sessions had ended then.
    pub(crate) backup: Option<Store>,
    /// So many of its settled events were compared with the backend's log.
    pub(crate) compared: usize,
    /// When it asked to be woken.
    pub(crate) alarm: Option<u64>,
    claim: Claim,
    options: SyncOptions,
    session_count: usize,
}

impl Client {
    pub(crate) fn new(name: char, store: Store, claim: Claim, options: SyncOptions, session_count: usize) -> Self {
        Self {
            name,
            disk: SharedStore::new(store),
            leader: None,
            sessions: Vec::new(),
            ended: Vec::new(),
            life: 0,
            cut_off: false,
            online: true,
            backup: None,
            compared: 0,
            alarm: None,
            claim,
            options,
            session_count,
        }
    }

    /// Another client over a copy of this one's disk.
    pub(crate) fn copy(&self, name: char) -> Self {
        let store = self.disk.store.borrow().clone();
        Self::new(name, store, self.claim, self.options, self.session_count)
    }

    /// A leader starts over what is on the disk, with sessions of its own unless there are some.
    pub(crate) fn start(&mut self, seed: u64, now: u64) {
        *self.disk.fate.borrow_mut() = Fate::Writes;
        self.life += 1;
        self.alarm = None;
        let store = self.disk.store.borrow().clone();
        let identity = Identity { client_id: store.client_id.clone(), claim: self.claim, seed };
        let mut leader = Leader::new(self.disk.clone(), identity, store.recover(), Some(self.options));
        let head = leader.sync_state().local_head();
        if self.sessions.is_empty() {
            let id = |number| SessionId::new(format!("s{number}")).expect("valid");
            self.sessions = (0..self.session_count).map(|number| Session::new(id(number), &store, head)).collect();
        } else {
            self.sessions.iter_mut().for_each(|session| session.change_leader(&store, head));
        }
        for session in &self.sessions {
            leader.handle(Input::Attach { session: session.id.clone() }, now);
        }
        self.leader = Some(leader);
    }

    /// The process dies, or only its leader.
    pub(crate) fn die(&mut self, with_sessions: bool) {
        self.leader = None;
        self.life += 1;
        if with_sessions {
            self.ended.append(&mut self.sessions);
        }
    }
}
