//! The leader thread: the pure machine of [`headwater_core::leader`] with its eventlog, its state on disk and its
//! sync provider.
//!
//! **Invariant:** it knows nothing of live queries.

mod inbox;
mod net;
mod state_file;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use headwater_core::leader::{
    Effect, Identity, Input, Leader as Machine, LeaderStatus, Settled, SyncOptions, ToSession,
};
use headwater_core::{ClientId, EventId, EventRecord, SeqNum, SessionId, StoreId};
use tokio::sync::{oneshot, watch};

use crate::error::{Error, Result};
use crate::eventlog::{Eventlog, Whereabouts};
use crate::mailbox::Mailbox;
use crate::schema::Schema;
use crate::state::StateDb;
use crate::storage::{DataFolder, Storage};
use crate::sync_provider::SyncProvider;
use inbox::{Inbox, Requests};
use net::Net;
use state_file::StateFile;

/// How many settled events the state on disk may lack before it is written although there is other work.
const STATE_LAG: u64 = 2_000;
/// How long the leader's thread rests before it writes the state on disk.
const STATE_IDLE: Duration = Duration::from_millis(200);

/// What a leader needs to start.
pub(crate) struct LeaderConfig {
    pub(crate) schema: Schema,
    pub(crate) store_id: StoreId,
    pub(crate) storage: Storage,
    pub(crate) provider: Option<Arc<dyn SyncProvider>>,
    pub(crate) client_id: ClientId,
    pub(crate) sync_options: SyncOptions,
    pub(crate) online: bool,
}

/// How far the boot of a leader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeaderBoot {
    Loading,
    Rebuilding { applied: usize },
}

/// What a session starts from: everything at one moment of the log.
pub(crate) struct Snapshot {
    /// The state at `settled`.
    pub(crate) state: StateDb,
    pub(crate) settled: SeqNum,
    /// Accepted, not settled, in order; to be applied.
    pub(crate) pending: Vec<EventRecord>,
    pub(crate) local_head: SeqNum,
    pub(crate) client_id: ClientId,
}

pub(crate) enum Request {
    Input(Input),
    Attach {
        session: SessionId,
        mailbox: Arc<Mailbox>,
        reply: SyncSender<Result<Snapshot>>,
    },
    Read {
        after: SeqNum,
        limit: usize,
        reply: oneshot::Sender<Result<Vec<Settled>>>,
    },
    Whereabouts {
        id: EventId,
        reply: SyncSender<Result<Option<Whereabouts>>>,
    },
    DeadLetters {
        reply: SyncSender<Result<Vec<DeadLetter>>>,
    },
    /// There may be something to do sooner than was thought.
    Wake,
    Shutdown {
        reply: SyncSender<()>,
    },
}

/// An event that the backend refused, kept for the app to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadLetter {
    /// Who it is.
    pub id: EventId,
    /// Its type.
    pub name: String,
    /// Its arguments as JSON.
    pub args: String,
    /// The backend's code.
    pub code: String,
    /// The backend's reason, for people.
    pub reason: String,
}

/// What is published of a leader.
#[derive(Clone, Debug)]
pub(crate) struct Published {
    pub(crate) status: LeaderStatus,
    pub(crate) settled_head: SeqNum,
    /// Microseconds since 1970.
    pub(crate) oldest_pending: Option<i64>,
}

/// A session, for the leader's handle to end it.
pub(crate) trait Follower: Send + Sync {
    fn close(&self);
}

/// The way to a leader.
pub(crate) struct LeaderHandle {
    inbox: Inbox,
    leader: Arc<Shared>,
    followers: Mutex<Vec<Weak<dyn Follower>>>,
    published: watch::Receiver<Published>,
    folder: Option<PathBuf>,
    has_backend: bool,
}

impl LeaderHandle {
    /// Starts a leader: locks the folder, opens the log, brings the state up to date. Returns when that is done.
    pub(crate) fn start(config: LeaderConfig, boot: &mut dyn FnMut(LeaderBoot)) -> Result<Arc<Self>> {
        boot(LeaderBoot::Loading);
        let folder = config.storage.lock()?;
        let log = match &folder {
            Some(folder) => folder.open_eventlog(&config.store_id, &config.client_id),
            None => Eventlog::in_memory(&config.store_id, &config.client_id),
        };
        let mut log = log?;
        let client = log.client()?;
        let recovered = log.recover(config.provider.is_some())?;
        let mut progress = |progress: state_file::Progress| {
            if progress.rebuilds {
                boot(LeaderBoot::Rebuilding { applied: progress.applied });
            }
        };
        let state = StateFile::open(folder.as_ref(), &config.schema, &log, &mut progress)?;
        let options = config.provider.as_ref().map(|provider| SyncOptions {
            live_pull: provider.capabilities().live_pull,
            poll_interval_ms: provider.capabilities().poll_interval_ms,
            ..config.sync_options
        });
        let identity = Identity { client_id: client.client_id, claim: client.claim, seed: seed()? };
        let machine = Machine::new(log, identity, recovered, options);
        let (inbox, requests) = inbox::channel();
        let has_backend = config.provider.is_some();
        let net = config.provider.map(|provider| Net::start(provider, config.store_id, inbox.clone())).transpose()?;
        let path = config.storage.path().map(|path| path.canonicalize().unwrap_or_else(|_| path.to_owned()));
        let mut leader = Leader::new(machine, state, folder, net);
        let published = leader.published.subscribe();
        if !config.online {
            leader.handle(Input::SetOnline(false));
        }
        let leader = Arc::new(Shared(Mutex::new(Some(leader))));
        let shared = leader.clone();
        let spawned =
            std::thread::Builder::new().name("headwater-leader".to_owned()).spawn(move || shared.run(&requests));
        spawned.map_err(|source| Error::Io { path: "headwater-leader".into(), source })?;
        Ok(Arc::new(Self { inbox, leader, followers: Mutex::default(), published, folder: path, has_backend }))
    }

    /// Hands in a push that its session waits for.
    ///
    /// If nothing else waits for the leader, it is carried out on this thread, and the answer is in the session's mailbox
    /// when this returns: to wake another thread and to be woken by it takes longer than the work.
    pub(crate) fn push(&self, push: Input) -> Result<()> {
        if !self.inbox.is_empty() {
            return self.send(push);
        }
        let Ok(mut leader) = self.leader.0.try_lock() else { return self.send(push) };
        let outcome = catch_unwind(AssertUnwindSafe(|| leader.as_mut().map(|leader| leader.handle_here(push))));
        if outcome.is_err() {
            *leader = None;
        }
        drop(leader);
        if !matches!(outcome, Ok(Some(false))) {
            // A thread that is gone need not be woken.
            let _ = self.request(Request::Wake);
        }
        outcome.ok().flatten().map(drop).ok_or(Error::Closed)
    }

    pub(crate) fn send(&self, input: Input) -> Result<()> {
        self.request(Request::Input(input))
    }

    /// The data folder, unless it is in memory.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Whether the thread is there to answer.
    pub(crate) fn is_running(&self) -> bool {
        self.published.has_changed().is_ok()
    }

    pub(crate) fn has_backend(&self) -> bool {
        self.has_backend
    }

    fn request(&self, request: Request) -> Result<()> {
        self.inbox.send(request).map_err(|_| Error::Closed)
    }

    fn ask<T>(&self, request: impl FnOnce(SyncSender<T>) -> Request) -> Result<T> {
        let (reply, answer) = sync_channel(1);
        self.request(request(reply))?;
        answer.recv().map_err(|_| Error::Closed)
    }

    pub(crate) fn attach(&self, session: SessionId, mailbox: Arc<Mailbox>) -> Result<Snapshot> {
        self.ask(|reply| Request::Attach { session, mailbox, reply })?
    }

    pub(crate) fn detach(&self, session: &SessionId) {
        // A leader that is gone has no sessions left.
        let _ = self.send(Input::Detach { session: session.clone() });
    }

    /// Notes a session that [`Self::close_sessions`] is to end.
    pub(crate) fn follow(&self, follower: Weak<dyn Follower>) {
        let mut followers = self.followers.lock().unwrap_or_else(PoisonError::into_inner);
        followers.retain(|follower| follower.strong_count() > 0);
        followers.push(follower);
    }

    pub(crate) fn close_sessions(&self) {
        let followers = std::mem::take(&mut *self.followers.lock().unwrap_or_else(PoisonError::into_inner));
        followers.iter().filter_map(Weak::upgrade).for_each(|follower| follower.close());
    }

    pub(crate) fn whereabouts(&self, id: EventId) -> Result<Option<Whereabouts>> {
        self.ask(|reply| Request::Whereabouts { id, reply })?
    }

    pub(crate) fn dead_letters(&self) -> Result<Vec<DeadLetter>> {
        self.ask(|reply| Request::DeadLetters { reply })?
    }

    /// A way to the log that does not keep the leader alive.
    pub(crate) fn reader(&self) -> LogReader {
        LogReader { inbox: self.inbox.clone(), published: self.published.clone() }
    }

    /// Writes what is left and ends the thread.
    pub(crate) fn shutdown(&self) -> Result<()> {
        self.ask(|reply| Request::Shutdown { reply })
    }

    pub(crate) fn published(&self) -> watch::Receiver<Published> {
        self.published.clone()
    }
}

/// The thread ends with its last handle, after it has written everything and released the folder.
impl Drop for LeaderHandle {
    fn drop(&mut self) {
        // It fails only if the thread has ended already.
        let _ = self.shutdown();
    }
}

/// Reads the log as long as the leader is there.
pub(crate) struct LogReader {
    inbox: Inbox,
    published: watch::Receiver<Published>,
}

impl LogReader {
    /// Settled events after a position.
    ///
    /// # Errors
    /// [`Error::Closed`] when the leader has ended, [`Error::Damaged`].
    pub(crate) async fn read(&self, after: SeqNum, limit: usize) -> Result<Vec<Settled>> {
        let (reply, answer) = oneshot::channel();
        self.inbox.send(Request::Read { after, limit, reply }).map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    pub(crate) fn published(&self) -> watch::Receiver<Published> {
        self.published.clone()
    }
}

fn seed() -> Result<u64> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(Error::app)?;
    Ok(u64::from_le_bytes(bytes))
}

/// A leader under its lock: its own thread takes it for each request, and so does a session's for a push; `None` when it
/// has ended.
struct Shared(Mutex<Option<Leader>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Option<Leader>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works until the leader has ended, in whatever way.
    fn run(&self, requests: &Requests) {
        let _ending = Ending(self);
        let mut rest = self.work(Leader::start);
        while let Some(wait) = rest {
            rest = match requests.next(wait) {
                Ok(Request::Shutdown { reply }) => {
                    self.end();
                    // Whoever asked may have given up waiting; the work is done either way.
                    let _ = reply.send(());
                    return;
                }
                Ok(request) => {
                    let rest = self.work(|leader| leader.serve(request));
                    requests.done();
                    rest
                }
                Err(RecvTimeoutError::Timeout) => self.work(Leader::idle),
                Err(RecvTimeoutError::Disconnected) => return self.end(),
            };
        }
    }

    /// Lets the leader do something, and says how long its thread may rest then; `None` if it has ended.
    fn work(&self, work: impl FnOnce(&mut Leader)) -> Option<Duration> {
        self.lock().as_mut().map(|leader| {
            work(leader);
            leader.rest()
        })
    }

    /// Writes what is left, and tells the sessions.
    fn end(&self) {
        let leader = self.lock().take();
        if let Some(mut leader) = leader {
            leader.finish();
        }
    }
}

/// Drops the leader with its thread, also when that panics.
struct Ending<'a>(&'a Shared);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let leader = self.0.lock().take();
        drop(leader);
    }
}

struct Leader {
    machine: Machine<Eventlog>,
    state: StateFile,
    mailboxes: Vec<(SessionId, Arc<Mailbox>)>,
    net: Option<Net>,
    started: Instant,
    /// When its thread looks after it next, unless a request comes before.
    awake_at: Instant,
    /// The id of the oldest pending event when its time was last looked up.
    oldest: Option<EventId>,
    /// Held until the thread ends.
    _folder: Option<DataFolder>,
    /// The last to be dropped: when it is gone, the folder is free.
    published: watch::Sender<Published>,
}

impl Leader {
    fn new(machine: Machine<Eventlog>, state: StateFile, folder: Option<DataFolder>, net: Option<Net>) -> Self {
        let status = machine.status();
        let settled_head = machine.sync_state().settled_head();
        let oldest_pending = machine.log().oldest_pending().ok().flatten();
        let oldest = machine.sync_state().pending().front().map(EventRecord::id);
        let (published, _) = watch::channel(Published { status, settled_head, oldest_pending });
        Self {
            machine,
            state,
            mailboxes: Vec::new(),
            net,
            started: Instant::now(),
            awake_at: Instant::now(),
            oldest,
            _folder: folder,
            published,
        }
    }

    fn start(&mut self) {
        let now = self.now();
        self.machine.start(now);
        self.carry_out();
    }

    /// How long its thread may rest.
    fn rest(&mut self) -> Duration {
        let wait = self.wait();
        self.awake_at = Instant::now() + wait;
        wait
    }

    /// Takes an input on another thread. `true` if its own thread has something to do sooner than it knows.
    fn handle_here(&mut self, input: Input) -> bool {
        self.handle(input);
        let now = Instant::now();
        let sooner = now + self.wait() < self.awake_at || self.state_lag() > STATE_LAG;
        if sooner {
            self.awake_at = now;
        }
        sooner
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Until the machine's deadline, or until the state on disk should be written.
    fn wait(&self) -> Duration {
        let deadline = self.machine.next_deadline().map(|at| Duration::from_millis(at.saturating_sub(self.now())));
        let lagging = self.state_lag() > 0;
        let wait = deadline.unwrap_or(Duration::from_secs(3_600));
        if lagging { wait.min(STATE_IDLE) } else { wait }
    }

    fn state_lag(&self) -> u64 {
        let (settled, head) = (self.machine.sync_state().settled_head(), self.state.head());
        let client_only = u64::from(settled.is_after(&head));
        (settled.global - head.global.min(settled.global)).max(client_only)
    }

    fn serve(&mut self, request: Request) {
        // A reply that nobody waits for any more is not an error.
        match request {
            Request::Input(input) => {
                if let Input::Detach { session } = &input {
                    self.mailboxes.retain(|(id, _)| id != session);
                }
                self.handle(input);
            }
            Request::Attach { session, mailbox, reply } => drop(reply.send(self.attach(session, mailbox))),
            Request::Read { after, limit, reply } => drop(reply.send(self.machine.log().read(after, limit))),
            Request::Whereabouts { id, reply } => drop(reply.send(self.machine.log().whereabouts(id))),
            Request::DeadLetters { reply } => drop(reply.send(self.dead_letters())),
            Request::Wake | Request::Shutdown { .. } => {}
        }
        self.tick();
        if self.state_lag() > STATE_LAG {
            self.write_state();
        }
    }

    fn idle(&mut self) {
        if !self.tick() && self.state_lag() > 0 {
            self.write_state();
        }
    }

    /// Tells the machine that its deadline has come, if so. Also while requests keep coming.
    fn tick(&mut self) -> bool {
        let now = self.now();
        let due = self.machine.next_deadline().is_some_and(|deadline| deadline <= now);
        if due {
            self.handle(Input::Tick);
        }
        due
    }

    fn write_state(&mut self) {
        if let Err(error) = self.state.step(self.machine.log()) {
            tracing::warn!(%error, "the state on disk was not written; it is a cache and will be tried again");
        }
    }

    fn handle(&mut self, input: Input) {
        let now = self.now();
        self.machine.handle(input, now);
        self.carry_out();
    }

    /// Publishes first, so that whoever hears of an answer finds the status that goes with it.
    fn carry_out(&mut self) {
        self.publish();
        while let Some(effect) = self.machine.poll_effect() {
            match effect {
                Effect::ToSession { session, message } => self.tell(&session, message),
                Effect::Pull { request, pull } => self.with_net(|net| net.pull(request, pull)),
                Effect::Push { request, push } => self.with_net(|net| net.push(request, *push)),
                Effect::Cancel => self.with_net(Net::cancel),
            }
        }
    }

    fn with_net(&self, act: impl FnOnce(&Net)) {
        if let Some(net) = &self.net {
            act(net);
        }
    }

    fn tell(&self, session: &SessionId, message: ToSession) {
        if let Some((_, mailbox)) = self.mailboxes.iter().find(|(id, _)| id == session) {
            mailbox.push(message);
        }
    }

    fn publish(&mut self) {
        let status = self.machine.status();
        let settled_head = self.machine.sync_state().settled_head();
        let oldest = self.machine.sync_state().pending().front().map(EventRecord::id);
        let same_oldest = oldest == self.oldest;
        let log = self.machine.log();
        self.oldest = oldest;
        self.published.send_if_modified(|published| {
            let modified = published.status != status || published.settled_head != settled_head;
            if !same_oldest {
                published.oldest_pending = log.oldest_pending().ok().flatten();
            }
            published.status = status;
            published.settled_head = settled_head;
            modified
        });
    }

    fn attach(&mut self, session: SessionId, mailbox: Arc<Mailbox>) -> Result<Snapshot> {
        self.state.catch_up(self.machine.log(), |_| ())?;
        let state = self.state.copy()?;
        let sync = self.machine.sync_state();
        let snapshot = Snapshot {
            state,
            settled: sync.settled_head(),
            pending: sync.pending().iter().cloned().collect(),
            local_head: sync.local_head(),
            client_id: self.machine.identity().client_id.clone(),
        };
        // What is in it belongs to the log before the snapshot.
        mailbox.clear();
        self.mailboxes.retain(|(id, _)| *id != session);
        self.mailboxes.push((session.clone(), mailbox));
        self.handle(Input::Attach { session });
        Ok(snapshot)
    }

    fn dead_letters(&self) -> Result<Vec<DeadLetter>> {
        let rows = self.machine.log().dead_letters()?;
        let letter = |(id, name, args, code, reason): (Vec<u8>, String, String, String, String)| {
            let id: [u8; 16] = id.try_into().ok()?;
            Some(DeadLetter { id: EventId::from_bytes(id), name, args, code, reason })
        };
        Ok(rows.into_iter().filter_map(letter).collect())
    }

    fn finish(&mut self) {
        self.net = None;
        if let Err(error) = self.state.catch_up(self.machine.log(), |_| ()) {
            tracing::warn!(%error, "the state on disk was not completed; the next start does it");
        }
    }
}

/// Sessions must not wait for a leader that is gone, however it went.
impl Drop for Leader {
    fn drop(&mut self) {
        for (_, mailbox) in &self.mailboxes {
            mailbox.close();
        }
    }
}
