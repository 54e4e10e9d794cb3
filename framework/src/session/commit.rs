//! Committing.

use std::sync::Arc;

use headwater_core::sync_state::{MergeResult, Payload};
use headwater_core::{Args, EventBody, EventId, EventRecord, EventScope, Facts, limits};

use super::Session;
use super::core::SessionCore;
use super::receipt::Receipt;
use crate::Durability;
use crate::db::Touched;
use crate::error::{Error, Result};
use crate::mailbox::CommitGuard;
use crate::schema::{Event, EventDef};
use crate::state::StateTx;

/// Most events that wait for the leader before a deferred commit waits too.
const MAX_UNPERSISTED: usize = 10_000;

/// A commit in the making: one group of events, all or nothing.
///
/// ```
/// # use headwater::{Args, Commit, Durability, Event, EventScope, Materialize, Result, StateTx, schema::EventDef};
/// # struct Ping;
/// # impl Materialize for Ping { fn materialize(&self, _: &mut StateTx<'_>) -> Result<()> { Ok(()) } }
/// # impl Event for Ping {
/// #     const DEFS: &'static [EventDef] = &[EventDef { name: "Ping", ver: 1, scope: EventScope::Synced, shape: "",
/// #         materializer: "", statements: &[], upcasts: &[] }];
/// #     fn def(&self) -> &'static EventDef { &Self::DEFS[0] }
/// #     fn encode(&self) -> Result<Args, serde_json::Error> { Args::encode(&()) }
/// #     fn decode(_: usize, _: &Args) -> Result<Self, serde_json::Error> { Ok(Self) }
/// # }
/// let commit = Commit::new().with(Ping)?.with(Ping)?.durability(Durability::Disk);
/// assert_eq!(commit.len(), 2);
/// # Ok::<(), headwater::Error>(())
/// ```
#[derive(Default)]
pub struct Commit {
    events: Vec<Prepared>,
    durability: Option<Durability>,
}

type Materializer = Box<dyn FnOnce(&mut StateTx<'_>) -> Result<()> + Send>;

/// An encoded event with its materializer at hand.
pub(crate) struct Prepared {
    def: &'static EventDef,
    args: Args,
    facts: Facts,
    materialize: Materializer,
}

/// What was committed.
pub(super) struct Committed {
    pub(super) ids: Vec<EventId>,
    /// The one by which the backend's answer is recognised; `None` if all are client-only.
    pub(super) last_synced: Option<EventId>,
}

/// An event at its place, with its materializer at hand.
struct Numbered {
    event: EventRecord,
    materialize: Materializer,
}

impl Commit {
    /// A commit without events.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an event at the end.
    ///
    /// # Errors
    /// [`Error::Encode`] if its arguments can't be written as JSON, [`Error::TooLarge`].
    pub fn with<E: Event>(mut self, event: E) -> Result<Self> {
        self.add(event)?;
        Ok(self)
    }

    /// Adds an event at the end.
    ///
    /// # Errors
    /// As [`Commit::with`].
    pub fn add<E: Event>(&mut self, event: E) -> Result<()> {
        let def = event.def();
        let args = event.encode().map_err(|source| Error::Encode { name: def.name.to_owned(), source })?;
        let facts = event.facts();
        check_event(def, &args, &facts)?;
        self.events.push(Prepared { def, args, facts, materialize: Box::new(move |tx| event.materialize(tx)) });
        Ok(())
    }

    /// How long it must last, instead of what the store was opened with.
    #[must_use]
    pub fn durability(self, durability: Durability) -> Self {
        Self { durability: Some(durability), ..self }
    }

    /// How many events it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether it has no events.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}

/// What can be committed: an event, an array or `Vec` of events, a tuple of events of different types, a [`Commit`].
pub trait IntoCommit {
    /// The commit.
    ///
    /// # Errors
    /// As [`Commit::with`].
    fn into_commit(self) -> Result<Commit>;
}

impl IntoCommit for Commit {
    fn into_commit(self) -> Result<Commit> {
        Ok(self)
    }
}

impl<E: Event> IntoCommit for E {
    fn into_commit(self) -> Result<Commit> {
        Commit::new().with(self)
    }
}

impl<E: Event> IntoCommit for Vec<E> {
    fn into_commit(self) -> Result<Commit> {
        self.into_iter().try_fold(Commit::new(), Commit::with)
    }
}

impl<E: Event, const N: usize> IntoCommit for [E; N] {
    fn into_commit(self) -> Result<Commit> {
        self.into_iter().try_fold(Commit::new(), Commit::with)
    }
}

impl<A: Event, B: Event> IntoCommit for (A, B) {
    fn into_commit(self) -> Result<Commit> {
        Commit::new().with(self.0)?.with(self.1)
    }
}

impl<A: Event, B: Event, C: Event> IntoCommit for (A, B, C) {
    fn into_commit(self) -> Result<Commit> {
        Commit::new().with(self.0)?.with(self.1)?.with(self.2)
    }
}

fn check_event(def: &EventDef, args: &Args, facts: &Facts) -> Result<()> {
    let longest = [&facts.writes, &facts.requires, &facts.reads].into_iter().flatten().map(String::len).max();
    let checks = [
        ("the name of an event, in bytes,", def.name.len(), limits::MAX_EVENT_NAME_BYTES),
        ("the arguments of an event, in bytes of JSON,", args.json().len(), limits::MAX_ARGS_BYTES),
        ("the nesting of an event's arguments", depth(args.json()), limits::MAX_ARGS_DEPTH),
        ("the number of an event's facts", facts.len(), limits::MAX_FACTS),
        ("a fact of an event, in bytes,", longest.unwrap_or(0), limits::MAX_FACT_BYTES),
    ];
    checks.into_iter().try_for_each(|(what, found, limit)| check_limit(what, found, limit))
}

fn check_limit(what: &'static str, found: usize, limit: usize) -> Result<()> {
    if found > limit { Err(Error::TooLarge { what, found, limit }) } else { Ok(()) }
}

/// How deep a JSON text nests. It is one valid value.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut string, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if string => escaped = true,
            b'"' => string = !string,
            b'{' | b'[' if !string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !string => depth -= 1,
            _ => {}
        }
    }
    deepest
}

impl Session {
    /// Commits a group of events. See `Store::commit`.
    pub(crate) fn commit(&self, commit: Commit, default: Durability) -> Result<Receipt> {
        let durability = commit.durability.unwrap_or(default);
        check_limit("a commit, in events,", commit.len(), limits::MAX_GROUP_EVENTS)?;
        if commit.is_empty() {
            return Err(Error::EmptyCommit);
        }
        let mut core = self.lock();
        if core.is_closed() {
            return Err(Error::Closed);
        }
        self.catch_track(&mut core)?;
        let committed = core.apply_commit(commit.events)?;
        let receipt = self.receipt(&committed);
        core.waiting = committed.ids;
        let outcome = self.hand_over(&mut core, durability);
        (core.waiting, core.misfit) = (Vec::new(), None);
        self.settle(core);
        self.graph.deliver();
        outcome.map(|()| receipt)
    }

    /// Gives the waiting commit to the leader, and waits until it has it, if that was asked for.
    fn hand_over(&self, core: &mut SessionCore, durability: Durability) -> Result<()> {
        let messages = self.mailbox.commit();
        if let Err(error) = core.push(durability, &self.leader) {
            core.take_back_waiting()?;
            return Err(error);
        }
        let unpersisted = core.sync.pending().len();
        if durability == Durability::Deferred && unpersisted <= MAX_UNPERSISTED {
            return Ok(());
        }
        while core.is_waiting() {
            if let Err(error) = self.take_next(core, &messages) {
                core.take_back_waiting()?;
                return Err(error);
            }
        }
        core.taken_back.take().map_or(Ok(()), Err)
    }

    /// Waits until the leader has all that was committed, or is gone.
    pub(super) fn flush(&self, core: &mut SessionCore) {
        let messages = self.mailbox.commit();
        while core.in_flight.is_some() && self.take_next(core, &messages).is_ok() {}
    }

    /// Waits for the leader's next message and takes it as a whole.
    fn take_next(&self, core: &mut SessionCore, messages: &CommitGuard<'_>) -> Result<()> {
        let mut message = Some(messages.next().ok_or(Error::Closed)?);
        while let Some(part) = message {
            message = core.take_message(part, &self.leader);
        }
        self.catch_track(core)
    }
}

impl SessionCore {
    /// Applies a commit on top of everything, whole or not at all, and makes it pending.
    fn apply_commit(&mut self, events: Vec<Prepared>) -> Result<Committed> {
        let numbered = self.number(events)?;
        self.open_savepoint()?;
        self.state.db().step("SAVEPOINT headwater_commit")?;
        let mut touched = Touched::default();
        let applied = self.apply_each(numbered, &mut touched);
        if applied.is_err() {
            self.state.db().step("ROLLBACK TO headwater_commit")?;
        }
        self.state.db().step("RELEASE headwater_commit")?;
        let events = match applied {
            Ok(events) => events,
            Err(error) => return self.move_boundary().and(Err(error)),
        };
        self.note_touched(&touched, true);
        let last_synced = events.iter().rfind(|event| !event.body.is_client_only()).map(EventRecord::id);
        let committed = Committed { ids: events.iter().map(EventRecord::id).collect(), last_synced };
        let pushed = self.sync.merge(Payload::LocalPush { events }).map_err(Error::app)?;
        assert!(matches!(pushed, MergeResult::Advance { .. }), "events that follow the local head were refused");
        Ok(committed)
    }

    fn apply_each(&self, numbered: Vec<Numbered>, touched: &mut Touched) -> Result<Vec<EventRecord>> {
        let mut applied = Vec::with_capacity(numbered.len());
        for (index, Numbered { event, materialize }) in numbered.into_iter().enumerate() {
            self.state.run(&event, touched, materialize).map_err(|source| Error::Materialize {
                name: event.body.name.to_string(),
                index,
                source: Box::new(source),
            })?;
            applied.push(event);
        }
        Ok(applied)
    }

    /// Gives events their identities and their numbers behind the local head.
    fn number(&self, events: Vec<Prepared>) -> Result<Vec<Numbered>> {
        let mut random = vec![0; events.len() * 16];
        getrandom::fill(&mut random).map_err(Error::app)?;
        let is_client_only = |event: &Prepared| event.def.scope == EventScope::ClientOnly;
        let client_only = events.iter().filter(|event| is_client_only(event)).count();
        let mut rest = [events.len() - client_only, client_only];
        let mut head = self.sync.local_head();
        let (mut bytes, mut numbered) = (0, Vec::with_capacity(events.len()));
        for (event, id) in events.into_iter().zip(random.as_chunks().0) {
            if !self.state.schema().knows(event.def) {
                return Err(Error::UnknownEvent { name: event.def.name.to_owned() });
            }
            let rest = &mut rest[usize::from(is_client_only(&event))];
            *rest -= 1;
            let body = EventBody {
                id: EventId::from_bytes(*id),
                name: event.def.name.into(),
                ver: event.def.ver,
                args: event.args,
                client_id: self.client_id.clone(),
                session_id: self.id.clone(),
                scope: event.def.scope,
                group_rest: u32::try_from(*rest).unwrap_or(u32::MAX),
                facts: event.facts,
            };
            bytes += body.wire_bytes();
            let record = EventRecord::after(&head, Arc::new(body));
            head = record.seq;
            numbered.push(Numbered { event: record, materialize: event.materialize });
        }
        check_limit("a commit, in bytes,", bytes, limits::MAX_GROUP_BYTES)?;
        Ok(numbered)
    }

    /// Whether the leader has yet to answer for the waiting commit.
    fn is_waiting(&self) -> bool {
        let Some(last) = self.waiting.last() else { return false };
        self.sync.pending().iter().rev().any(|event| event.id() == *last)
    }

    fn take_back_waiting(&mut self) -> Result<()> {
        let waiting = self.waiting.clone();
        self.take_back(&waiting).map(drop)
    }
}
