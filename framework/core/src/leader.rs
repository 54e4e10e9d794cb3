//! The leader: it owns the eventlog of a client and exchanges events with the backend.
//!
//! A state machine without I/O: [`Leader::handle`] takes an input and the time, writes to its [`Log`], and leaves
//! effects for the world to carry out. It decides nothing by the clock; only waiting uses it.

mod lane;
mod link;
mod log;
mod message;
mod pull;
mod push;
mod session;
mod status;
#[cfg(test)]
mod tests;

use std::collections::{HashSet, VecDeque};

pub use log::{Change, Durability, InFlight, Log, Mark, Recovered, Rejection, Settled};
pub use message::{Effect, Input, PushError, ToSession, TransportError, Update};
pub use status::{Health, LeaderStatus};

use crate::event::EventRecord;
use crate::ids::{Claim, ClientId};
use crate::protocol::LogPosition;
use crate::sync_state::{MergeResult, Payload, SyncState, Upstream};
use crate::{Chain, SeqNum};
use link::Link;
use pull::CatchUp;
use session::SessionSlot;

/// How a leader talks to its backend.
#[derive(Clone, Copy, Debug)]
pub struct SyncOptions {
    /// The backend can hold a pull until there is news. If not, it is asked again after `poll_interval_ms`.
    pub live_pull: bool,
    /// How long to wait between pulls that can't be held, in milliseconds.
    pub poll_interval_ms: u64,
    /// How long a request may take beyond the time that it is held, in milliseconds.
    pub timeout_ms: u64,
    /// Most events of one push.
    pub push_events: usize,
    /// Length of a client id that is drawn anew, in characters.
    pub client_id_chars: usize,
}

impl Default for SyncOptions {
    fn default() -> Self {
        Self {
            live_pull: true,
            poll_interval_ms: 5_000,
            timeout_ms: 15_000,
            push_events: crate::limits::MAX_PUSH_EVENTS,
            client_id_chars: 6,
        }
    }
}

/// Who a leader is.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The client's id.
    pub client_id: ClientId,
    /// Proof that it is its own.
    pub claim: Claim,
    /// The seed of all that is random in the leader's decisions: backoff and new client ids.
    pub seed: u64,
}

/// The leader of a client. See the [module](self).
pub struct Leader<L> {
    log: L,
    identity: Identity,
    sync: SyncState,
    mark: Mark,
    catch_up: CatchUp,
    sessions: Vec<SessionSlot>,
    link: Option<Link>,
    effects: VecDeque<Effect>,
    backend_head: Option<u64>,
    caught_up: bool,
    /// The backend has an event of this client's id that this client did not make.
    id_is_shared: bool,
}

impl<L: Log> Leader<L> {
    /// A leader over a log as it was found. Without `options` it has no backend: every event is settled at once.
    ///
    /// # Panics
    /// If the log contradicts itself: pending events before its settled head.
    #[must_use]
    pub fn new(log: L, identity: Identity, recovered: Recovered, options: Option<SyncOptions>) -> Self {
        let Recovered { mut mark, settled_head, pending } = recovered;
        let synced = pending.iter().filter(|body| !body.is_client_only()).count();
        // To forget a batch is harmless, because events are recognised by their ids. To send part of one is not.
        mark.in_flight = mark.in_flight.filter(|in_flight| (1..=synced).contains(&in_flight.count));
        let local_head = settled_head.with_generation(mark.generation);
        let mut sync = SyncState::new(Upstream::Backend, SeqNum::global(mark.upstream_head), local_head);
        let mut events = Vec::with_capacity(pending.len());
        let mut head = local_head;
        for body in pending {
            let event = EventRecord::after(&head, body);
            head = event.seq;
            events.push(event);
        }
        let pushed = sync.merge(Payload::LocalPush { events });
        assert!(matches!(pushed, Ok(MergeResult::Advance { .. })), "the pending events of the log are out of order");
        let link = options.map(|options| Link::new(options, identity.seed));
        Self {
            log,
            identity,
            sync,
            mark,
            catch_up: CatchUp::default(),
            sessions: Vec::new(),
            link,
            effects: VecDeque::new(),
            backend_head: None,
            caught_up: false,
            id_is_shared: false,
        }
    }

    /// Takes an input. `now` is in milliseconds, of any clock that does not go back.
    pub fn handle(&mut self, input: Input, now: u64) {
        match input {
            Input::Attach { session } => self.attach(session),
            Input::Detach { session } => self.detach(&session),
            Input::Push { session, push, events, durability } => self.session_push(&session, push, events, durability),
            Input::Drained { session, events } => self.drained(&session, events),
            Input::Pulled { request, result } => self.pulled(request, result, now),
            Input::Pushed { request, result } => self.pushed(request, result, now),
            Input::SetOnline(online) => self.set_online(online),
            Input::Tick => self.expire(now),
        }
        self.drive(now);
    }

    /// Starts talking to the backend.
    pub fn start(&mut self, now: u64) {
        self.drive(now);
    }

    /// The next effect to carry out, in order.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When to hand in [`Input::Tick`], in milliseconds, unless something else comes first.
    #[must_use]
    pub fn next_deadline(&self) -> Option<u64> {
        self.link.as_ref().and_then(Link::next_deadline)
    }

    /// Where it stands.
    #[must_use]
    pub fn status(&self) -> LeaderStatus {
        let (health, since_ms, failures) = match &self.link {
            Some(link) => link.health(),
            None => (Health::LocalOnly, 0, 0),
        };
        LeaderStatus {
            local_head: self.sync.local_head(),
            upstream_head: self.sync.upstream_head(),
            backend_head: self.backend_head,
            // Synced events are numbered without gaps, so that nothing has to be counted.
            pending: usize::try_from(self.sync.local_head().global - self.sync.settled_head().global)
                .unwrap_or(usize::MAX),
            health,
            since_ms,
            failures,
            caught_up: self.caught_up,
        }
    }

    /// The pending events and the heads.
    #[must_use]
    pub fn sync_state(&self) -> &SyncState {
        &self.sync
    }

    /// The log.
    #[must_use]
    pub fn log(&self) -> &L {
        &self.log
    }

    /// The log, to read from it.
    pub fn log_mut(&mut self) -> &mut L {
        &mut self.log
    }

    /// Who it is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    fn synced_pending(&self) -> impl Iterator<Item = &EventRecord> {
        self.sync.pending().iter().filter(|event| !event.body.is_client_only())
    }

    /// Takes upstream events over: merges, writes, and tells the sessions. On an error nothing is changed.
    ///
    /// `at_head`: where the backend's log stands, if these events reach up to its head.
    fn advance(
        &mut self,
        events: Vec<EventRecord>,
        mut mark: Mark,
        at_head: Option<&LogPosition>,
    ) -> Result<(), Trouble> {
        if events.is_empty() {
            return self.write_mark(mark, at_head);
        }
        let is_shared = self.has_stranger(&events);
        let mut sync = self.sync.clone();
        let incoming = events.clone();
        let merged = sync.merge(Payload::UpstreamAdvance { events });
        let result = merged.map_err(|error| Trouble::Backend(error.to_string()))?;
        let settled = self.settle(&incoming, &result);
        mark.chain = settled.last().map_or(self.mark.chain, |last| last.chain);
        mark.upstream_head = sync.upstream_head().global;
        check_chain(&mark, at_head)?;
        self.take_over(sync, result, &settled, mark, Vec::new())?;
        self.id_is_shared |= is_shared;
        Ok(())
    }

    /// Whether upstream has an event of this client's id that this client never made: the id is somebody else's too, or
    /// this is a copy of a client, or the restored backup of one.
    fn has_stranger(&self, events: &[EventRecord]) -> bool {
        let mut of_my_id = events.iter().filter(|event| event.body.client_id == self.identity.client_id).peekable();
        if of_my_id.peek().is_none() {
            return false;
        }
        let mine: HashSet<_> = self.synced_pending().map(EventRecord::id).collect();
        of_my_id.any(|event| !mine.contains(&event.id()))
    }

    /// Writes what a merge decided, and then makes it so.
    fn take_over(
        &mut self,
        sync: SyncState,
        result: MergeResult,
        settled: &[Settled],
        mut mark: Mark,
        rejected: Vec<Rejection>,
    ) -> Result<(), Trouble> {
        mark.generation = sync.local_head().generation;
        let change = Change {
            appended: &[],
            settled,
            rejected: &rejected,
            client_id: None,
            mark: &mark,
            durability: Durability::Process,
        };
        self.log.write(&change).map_err(|error| Trouble::Fault(error.to_string()))?;
        self.sync = sync;
        self.mark = mark;
        self.tell_sessions(result, rejected);
        Ok(())
    }

    /// All that now has its final place, in order, each with its chain value: what came from upstream, and the
    /// client-only events that nothing is pending before any more.
    fn settle(&self, incoming: &[EventRecord], result: &MergeResult) -> Vec<Settled> {
        let confirmed: &[_] = match result {
            MergeResult::Advance { confirmed, .. } | MergeResult::Rebase { confirmed, .. } => confirmed,
            MergeResult::Reject { .. } => &[],
        };
        let client_only = confirmed.iter().filter(|event| event.body.is_client_only());
        let mut events: Vec<_> = incoming.iter().chain(client_only).cloned().collect();
        events.sort_by(|a, b| a.seq.order(&b.seq));
        let mut chain = self.mark.chain;
        let with_chain = events.into_iter().map(|event| {
            chain = next_chain(&chain, &event);
            Settled { event, chain }
        });
        with_chain.collect()
    }
}

/// Why events of the backend were not taken over. Nothing changed.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    /// The backend contradicts what it said before.
    #[error("{0}")]
    Backend(String),
    /// The log was not written.
    #[error("{0}")]
    Fault(String),
}

/// Whether the history here is the backend's, where both are at the same head.
fn check_chain(mark: &Mark, at_head: Option<&LogPosition>) -> Result<(), Trouble> {
    match at_head {
        Some(log) if log.head == mark.upstream_head && log.chain != mark.chain => {
            Err(Trouble::Backend(format!("its history up to position {} is another one", log.head)))
        }
        _ => Ok(()),
    }
}

/// The chain value after an event. Client-only events are not part of the chain.
fn next_chain(chain: &Chain, event: &EventRecord) -> Chain {
    if event.body.is_client_only() { *chain } else { chain.next(event.seq.global, &event.body.digest()) }
}

/// Whether a reply is about the log that this client knows.
fn check_backend(mark: &Mark, log: &LogPosition) -> Result<(), String> {
    match mark.backend {
        Some((id, _)) if id != log.backend_id => {
            Err(format!("it has the log {}, this client knows the log {id}", log.backend_id))
        }
        Some((_, epoch)) if epoch != log.epoch => {
            Err(format!("its log is of epoch {}, this client knows epoch {epoch}: it was restored or reset", log.epoch))
        }
        _ => Ok(()),
    }
}
