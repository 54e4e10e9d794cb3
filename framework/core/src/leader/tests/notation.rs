//! Scenarios as text, and their traces.
//!
//! A scenario is a list of steps between `|`. Clients are called `A`, `B` …; a step without a name is of `A`. Each has
//! the sessions `s1` and `s2`. An event is called by its client and the number that it got first: `a2`, and `a2.1` if
//! it is client-only; `x1` is of a client without a leader here. `a2→3r1` stands at another number.
//!
//! - `s1: a1 a1.1`: a session pushes. `a2→7` numbers an event otherwise than after the local head; `a1+` is in one group
//!   with what follows; `a1=k` writes the fact `k`, `a2<k` requires it; `a1@b` says that it is of client `b`;
//! - `others: x1 x2`: others push to the backend;
//! - `pull`, `pull 2`: the backend answers the pull that waits, with at most so many events. It holds it as long as
//!   there is nothing new, unless `pull idle` says that the time is over;
//! - `push`: the backend answers the push that waits. `push lost`: it hears it and the answer is lost. `push late`,
//!   `pull late`: the answer is under way until `late`;
//! - `no pull`, `no push`: the request breaks off;
//! - `pulled page 4 x2 x3`, `pushed page 4 x2`: a reply of a hostile backend: its head, and what it sends;
//! - `refuse a2`: the backend refuses this event for good; `claim a`: the client id is somebody else's; `wipe`, `epoch`,
//!   `rewrite`: the log is another one, of another epoch, or has another history;
//! - `wait`: time passes until the deadline; `offline`, `online`; `disk full`, `disk free`; `crash`: the leader starts
//!   anew over what is in its log; `s1 floods`, `s2 drains`, `s2 ends`: a session pushes more than another can have
//!   waiting, which works through most of it, or ends; `unplug`, `plug`: the same, without or with a backend.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::rc::Rc;
use std::sync::Arc;

use expect_test::Expect;

use super::disk::{Disk, SharedDisk};
use crate::backend::{ChainedEvent, PageBounds, PageCut, PageStep, PushDecision, PushView, judge_pull, judge_push};
use crate::leader::{Durability, Effect, Health, Identity, Input, Leader, SyncOptions, ToSession, TransportError};
use crate::protocol::{LogPosition, PullAnswer, PullReply, PullRequest, PushAnswer, PushRequest, WireEvent};
use crate::sync_state::Payload;
use crate::{
    Args, BackendId, Chain, Claim, ClientId, EventBody, EventId, EventRecord, EventScope, Facts, SeqNum, SessionId,
    limits,
};

/// Runs a scenario and compares its trace: what each step made the leaders do, and where they stand at the end.
#[track_caller]
pub(super) fn check(scenario: &str, trace: Expect) {
    check_with(SyncOptions::default(), scenario, trace);
}

/// The same with options.
#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "`expect!` is written in place")]
pub(super) fn check_with(options: SyncOptions, scenario: &str, trace: Expect) {
    let mut world = World::new(Some(options));
    scenario.split('|').for_each(|step| world.step(step.trim()));
    trace.assert_eq(&world.finish());
}

/// The same without a backend.
#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "`expect!` is written in place")]
pub(super) fn check_local(scenario: &str, trace: Expect) {
    let mut world = World::new(None);
    scenario.split('|').for_each(|step| world.step(step.trim()));
    trace.assert_eq(&world.finish());
}

struct Side {
    name: char,
    disk: Rc<RefCell<Disk>>,
    leader: Leader<SharedDisk>,
    pull: Option<(u64, PullRequest)>,
    push: Option<(u64, PushRequest)>,
    late: Option<Input>,
    health: Health,
}

struct World {
    options: Option<SyncOptions>,
    sides: BTreeMap<char, Side>,
    log: Vec<ChainedEvent>,
    backend: (u8, u64),
    claims: BTreeMap<ClientId, Claim>,
    refused: BTreeSet<EventId>,
    now: u64,
    trace: String,
}

impl World {
    fn new(options: Option<SyncOptions>) -> Self {
        Self {
            options,
            sides: BTreeMap::new(),
            log: Vec::new(),
            backend: (1, 1),
            claims: BTreeMap::new(),
            refused: BTreeSet::new(),
            now: 0,
            trace: String::new(),
        }
    }

    fn step(&mut self, step: &str) {
        let named = step.split_once(' ').filter(|(name, _)| matches!(name.as_bytes(), [b'A'..=b'Z']));
        let (name, verb) = named.map_or(('A', step), |(name, verb)| (char::from(name.as_bytes()[0]), verb));
        writeln!(self.trace, "{step}").expect("a string takes it");
        if !self.sides.contains_key(&name) {
            self.start(name, Disk::new(name));
        }
        if let Some((who, events)) = verb.split_once(':') {
            if who == "others" { self.others(events) } else { self.session_push(name, who, events) }
        } else if !self.happens_to_backend(verb) {
            self.happens_to_client(name, verb);
        }
    }

    fn start(&mut self, name: char, disk: Disk) {
        let identity =
            Identity { client_id: disk.client_id.clone(), claim: Claim::from_bytes([name as u8; 32]), seed: 1 };
        let recovered = disk.recover();
        let disk = Rc::new(RefCell::new(disk));
        let leader = Leader::new(SharedDisk(disk.clone()), identity, recovered, self.options);
        let health = leader.status().health;
        let side = Side { name, disk, leader, pull: None, push: None, late: None, health };
        self.sides.insert(name, side);
        for session in ["s1", "s2"] {
            self.handle(name, Input::Attach { session: SessionId::new(session).expect("valid") });
        }
    }

    fn side(&mut self, name: char) -> &mut Side {
        self.sides.get_mut(&name).expect("a client starts with its first step")
    }

    fn handle(&mut self, name: char, input: Input) {
        let now = self.now;
        let side = self.side(name);
        side.leader.handle(input, now);
        let mut lines = Vec::new();
        while let Some(effect) = side.leader.poll_effect() {
            lines.push(describe(&effect));
            match effect {
                Effect::Pull { request, pull } => side.pull = Some((request, pull)),
                Effect::Push { request, push } => side.push = Some((request, *push)),
                Effect::Cancel => (side.pull, side.push) = (None, None),
                Effect::ToSession { .. } => {}
            }
        }
        let health = side.leader.status().health;
        if health != side.health {
            lines.push(format!("{health:?}"));
            side.health = health;
        }
        for line in lines {
            writeln!(self.trace, "    {name} {line}").expect("a string takes it");
        }
    }

    fn session_push(&mut self, name: char, session: &str, events: &str) {
        let mut head = self.side(name).leader.sync_state().local_head();
        let mut records = Vec::new();
        for token in events.split_whitespace() {
            let (token, number) = token.split_once('→').map_or((token, None), |(token, number)| (token, Some(number)));
            let mut event = EventRecord::after(&head, body(token));
            if let Some(number) = number {
                event.seq = format!("e{number}").parse().expect("the notation of sequence numbers");
                event.parent = SeqNum { global: event.seq.global - 1, ..event.seq };
            }
            head = event.seq;
            records.push(event);
        }
        let session = SessionId::new(session).expect("valid");
        self.handle(name, Input::Push { session, push: 1, events: records, durability: Durability::Process });
    }

    fn happens_to_client(&mut self, name: char, verb: &str) {
        match verb {
            "offline" => self.handle(name, Input::SetOnline(false)),
            "online" => self.handle(name, Input::SetOnline(true)),
            "wait" => {
                self.now = self.side(name).leader.next_deadline().expect("something is waited for");
                self.handle(name, Input::Tick);
            }
            "disk full" => self.side(name).disk.borrow_mut().full = true,
            "disk free" => self.side(name).disk.borrow_mut().full = false,
            "crash" | "unplug" | "plug" => {
                match verb {
                    "unplug" => self.options = None,
                    "plug" => self.options = Some(SyncOptions::default()),
                    _ => {}
                }
                let disk = self.side(name).disk.borrow().clone();
                self.start(name, disk);
            }
            "no pull" => {
                let (request, _) = self.side(name).pull.take().expect("a pull waits");
                self.handle(name, Input::Pulled { request, result: Err(broken()) });
            }
            "no push" => {
                let (request, _) = self.side(name).push.take().expect("a push waits");
                self.handle(name, Input::Pushed { request, result: Err(broken()) });
            }
            "s1 floods" => {
                let events: Vec<_> = (1..=limits::MAX_SESSION_BACKLOG_EVENTS + 1).map(|n| format!("a0.{n}")).collect();
                self.session_push(name, "s1", &events.join(" "));
            }
            "s2 drains" => {
                let session = SessionId::new("s2").expect("valid");
                self.handle(name, Input::Drained { session, events: limits::MAX_SESSION_BACKLOG_EVENTS });
            }
            "s2 ends" => self.handle(name, Input::Detach { session: SessionId::new("s2").expect("valid") }),
            "late" => {
                let input = self.side(name).late.take().expect("an answer is late");
                self.handle(name, input);
            }
            _ => self.answer(name, verb),
        }
    }

    /// The backend answers a request.
    fn answer(&mut self, name: char, verb: &str) {
        let (what, how) = verb.split_once(' ').unwrap_or((verb, ""));
        match what {
            "pull" => {
                let (request, pull) = self.side(name).pull.take().expect("a pull waits");
                let limit = how.parse().ok();
                match self.judge_pull(&pull, limit, how == "idle") {
                    Some(answer) if how == "late" => {
                        self.side(name).late = Some(Input::Pulled { request, result: Ok(answer) });
                    }
                    Some(answer) => self.handle(name, Input::Pulled { request, result: Ok(answer) }),
                    None => self.side(name).pull = Some((request, pull)),
                }
            }
            "push" => {
                let (request, push) = self.side(name).push.take().expect("a push waits");
                let input = Input::Pushed { request, result: Ok(self.judge_push(&push)) };
                match how {
                    "lost" => {}
                    "late" => self.side(name).late = Some(input),
                    _ => self.handle(name, input),
                }
            }
            "pulled" => {
                let (request, _) = self.side(name).pull.take().expect("a pull waits");
                let (log, events, remaining) = self.hostile(how);
                let answer = PullAnswer::Page(PullReply { log, events, remaining });
                self.handle(name, Input::Pulled { request, result: Ok(answer) });
            }
            "pushed" => {
                let (request, _) = self.side(name).push.take().expect("a push waits");
                let (log, tail, rest) = self.hostile(how);
                let answer = PushAnswer::Behind { log, tail, more: rest > 0 };
                self.handle(name, Input::Pushed { request, result: Ok(answer) });
            }
            _ => panic!("no such step: {verb}"),
        }
    }

    /// `page 4 x2 x3`: a head and events, whatever the log says.
    fn hostile(&self, text: &str) -> (LogPosition, Vec<WireEvent>, u64) {
        let mut words = text.split_whitespace().skip(1);
        let head: u64 = words.next().expect("a head").parse().expect("a number");
        let mut events = Vec::new();
        for token in words {
            let (name, number) = token.split_once('→').unwrap_or((token, &token[1..]));
            let before = SeqNum::global(number.parse::<u64>().expect("a position") - 1);
            events.push(WireEvent::from(&EventRecord::after(&before, body(name))));
        }
        let last = events.last().map_or(head, |event| event.seq_num);
        (LogPosition { head, ..self.position() }, events, head.saturating_sub(last))
    }

    fn finish(mut self) -> String {
        for side in self.sides.values() {
            let state = side.leader.sync_state();
            let disk = side.disk.borrow();
            let pending: Vec<_> = state.pending().iter().cloned().collect();
            let synced = if side.leader.status().is_synced() { ", synced" } else { "" };
            writeln!(
                self.trace,
                "{}: log [{}] pending [{}] rejected [{}] upstream {} local {}{synced}",
                side.name,
                list(&disk.settled),
                list(&pending),
                list(&disk.rejected),
                state.upstream_head(),
                state.local_head(),
            )
            .expect("a string takes it");
            let waiting: Vec<_> = pending.iter().map(EventRecord::id).collect();
            let there: Vec<_> = disk.pending.iter().map(|body| body.id).collect();
            assert_eq!(waiting, there, "the log and the leader differ");
        }
        self.trace
    }
}

/// The backend.
impl World {
    fn happens_to_backend(&mut self, verb: &str) -> bool {
        match verb.split_once(' ').unwrap_or((verb, "")) {
            ("refuse", name) => drop(self.refused.insert(body(name).id)),
            ("claim", name) => {
                let id = ClientId::new(name).expect("valid");
                self.claims.insert(id, Claim::from_bytes([0; 32]));
            }
            ("wipe", _) => (self.backend, self.log) = ((2, 1), Vec::new()),
            ("epoch", _) => self.backend.1 += 1,
            ("rewrite", _) => {
                let count = self.log.len();
                self.log.clear();
                let others: Vec<_> = (1..=count).map(|number| format!("y{number}")).collect();
                self.others(&others.join(" "));
            }
            _ => return false,
        }
        true
    }

    fn position(&self) -> LogPosition {
        LogPosition {
            backend_id: BackendId::from_bytes([self.backend.0; 16]),
            epoch: self.backend.1,
            head: self.log.len() as u64,
            chain: self.log.last().map_or(Chain::ROOT, |last| last.chain),
        }
    }

    fn others(&mut self, events: &str) {
        for name in events.split_whitespace() {
            let LogPosition { head, chain, .. } = self.position();
            let event = EventRecord::after(&SeqNum::global(head), body(name));
            let chain = chain.next(event.seq.global, &event.body.digest());
            self.log.push(ChainedEvent { event, chain });
        }
    }

    fn judge_pull(&self, pull: &PullRequest, limit: Option<usize>, over: bool) -> Option<PullAnswer> {
        let log = self.position();
        let here = match pull.after {
            0 => Some(Chain::ROOT),
            after => self.log.get(after as usize - 1).map(|chained| chained.chain),
        };
        if let Err(common_seq_num) = judge_pull(&log, pull.after, here, pull.chain) {
            return Some(PullAnswer::Diverged { log, common_seq_num });
        }
        let (events, remaining) = self.page(pull.after, PageBounds::pull(limit));
        let waits = events.is_empty() && pull.wait_ms > 0 && !over;
        (!waits).then_some(PullAnswer::Page(PullReply { log, events, remaining }))
    }

    fn judge_push(&mut self, request: &PushRequest) -> PushAnswer {
        let log = self.position();
        let place = |event: &WireEvent| self.log.iter().find(|chained| chained.event.id() == event.id);
        let known: Vec<_> =
            request.events.iter().map(|event| place(event).map(|there| there.event.seq.global)).collect();
        let claim = self.claims.get(&request.client_id).copied();
        match judge_push(&PushView { log, claim, known: &known }, request) {
            PushDecision::Append(append) => {
                match request.events.iter().find(|event| self.refused.contains(&event.id)) {
                    Some(bad) => {
                        PushAnswer::Rejected { id: bad.id, code: "no".to_owned(), reason: "not here".to_owned() }
                    }
                    None => {
                        let reply = append.reply();
                        self.log.extend(append.events);
                        self.claims.entry(request.client_id.clone()).or_insert(request.claim);
                        PushAnswer::Accepted(reply)
                    }
                }
            }
            PushDecision::Duplicate(reply) => PushAnswer::Accepted(reply),
            PushDecision::Behind => {
                let (tail, rest) = self.page(request.parent, PageBounds { events: 3, bytes: 1 << 20 });
                PushAnswer::Behind { log, tail, more: rest > 0 }
            }
            PushDecision::BackendMismatch => PushAnswer::BackendMismatch { log },
            PushDecision::ClientIdTaken => PushAnswer::ClientIdTaken,
            PushDecision::Malformed { reason } => PushAnswer::Malformed { reason },
        }
    }

    fn page(&self, after: u64, bounds: PageBounds) -> (Vec<WireEvent>, u64) {
        let mut cut = PageCut::new(bounds);
        let after = self.log.len().min(after as usize);
        let mut events = self.log[after..].iter().map(|chained| WireEvent::from(&chained.event));
        while let Some(PageStep::More) = events.next().map(|event| cut.add(event)) {}
        let page = cut.finish();
        let rest = self.log.len() - after - page.len();
        (page, rest as u64)
    }
}

fn broken() -> TransportError {
    TransportError::Offline("broken".to_owned())
}

fn describe(effect: &Effect) -> String {
    match effect {
        Effect::Pull { pull, .. } if pull.wait_ms > 0 => format!("→ pull after {}, held", pull.after),
        Effect::Pull { pull, .. } => format!("→ pull after {}", pull.after),
        Effect::Push { push, .. } => {
            let events: Vec<_> = push.events.iter().cloned().map(EventRecord::from).collect();
            format!("→ push of {} after {} [{}]", push.client_id, push.parent, list(&events))
        }
        Effect::Cancel => "→ cancel".to_owned(),
        Effect::ToSession { session, message } => format!("→ {session} {}", tell(message)),
    }
}

fn tell(message: &ToSession) -> String {
    let update = match message {
        ToSession::Pushed { result: Ok(()), settled, .. } => return format!("pushed, settled {settled}"),
        ToSession::Pushed { result: Err(error), .. } => return format!("not pushed: {error}"),
        ToSession::ClientId(client_id) => return format!("is of {client_id}"),
        ToSession::Update(update) => update,
    };
    let payload = match &update.payload {
        Payload::LocalPush { events } => format!("push [{}]", list(events)),
        Payload::UpstreamAdvance { events } => format!("advance [{}]", list(events)),
        Payload::UpstreamRebase { rollback, events, .. } => {
            format!("rebase [{}] to [{}]", list(rollback), list(events))
        }
    };
    let mut text = format!("{payload} settled {}", update.settled);
    for (id, seq) in &update.confirmed {
        write!(text, ", {} confirmed at {seq}", name_of(*id)).expect("a string takes it");
    }
    for rejection in &update.rejected {
        let (event, cause) = (name_of(rejection.event.id()), name_of(rejection.cause));
        write!(text, ", {event} rejected for {cause}").expect("a string takes it");
    }
    text
}

fn list(events: &[EventRecord]) -> String {
    if let [first, .., last] = events
        && events.len() > 20
    {
        return format!("{} … {}", name(first), name(last));
    }
    let texts: Vec<_> = events.iter().map(name).collect();
    texts.join(" ")
}

/// `a2` or, under another number than its first, `a2→3r1`.
fn name(event: &EventRecord) -> String {
    let name = name_of(event.id());
    let number = event.seq.to_string();
    if name[1..] == number[1..] { name } else { format!("{name}→{}", &number[1..]) }
}

fn name_of(id: EventId) -> String {
    String::from_utf8_lossy(id.as_bytes()).trim_end_matches('\0').to_owned()
}

/// The event of that name: the same name is the same event.
fn body(token: &str) -> Arc<EventBody> {
    let (token, author) = token.split_once('@').unwrap_or((token, &token[..1]));
    let (token, group_rest) = token.strip_suffix('+').map_or((token, 0), |token| (token, 1));
    let mut facts = Facts::default();
    let name = match token.find(['=', '<']) {
        None => token,
        Some(at) => {
            let fact = token[at + 1..].to_owned();
            if token[at..].starts_with('=') {
                facts.writes.push(fact);
            } else {
                facts.requires.push(fact);
            }
            &token[..at]
        }
    };
    let mut id = [0; 16];
    id[..name.len()].copy_from_slice(name.as_bytes());
    Arc::new(EventBody {
        id: EventId::from_bytes(id),
        name: "v1.Tested".into(),
        ver: 1,
        args: Args::encode(name).expect("a text is JSON"),
        client_id: ClientId::new(author).expect("valid"),
        session_id: SessionId::new("s").expect("valid"),
        scope: if name.contains('.') { EventScope::ClientOnly } else { EventScope::Synced },
        group_rest,
        facts,
    })
}
