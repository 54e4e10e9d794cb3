//! Scenarios as text, and their traces.
//!
//! A scenario is a list of steps between `|`:
//!
//! - `backend e5` or `leader e5.1r2`: a boundary with that upstream, nothing pending;
//! - `push e2 e2.1 e3`: one local push. The events are called by these numbers from then on;
//! - `advance e2 x3 e3→4`: upstream has more. `x` marks somebody else's event; `e3→4` is ours, at another number;
//! - `rebase e2 x3 ; x2 e2→3`: upstream took back the events before `;` and has those behind it.
//!   `; head e1` stands for nothing, with the head there;
//! - `remove e2`: a rejection.
//!
//! A number with `.` is a client-only event. The quote that marks a pending event is for the reader.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::Arc;

use expect_test::Expect;

use crate::sync_state::{MergeResult, Payload, SyncState, Upstream};
use crate::{Args, ClientId, EventBody, EventId, EventRecord, EventScope, Facts, SeqNum, SessionId};

/// Runs a scenario and compares its trace: what each step returned, and the state at the end.
#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "`expect!` is written in place")]
pub(super) fn check(scenario: &str, trace: Expect) {
    let mut run = Run::default();
    for step in scenario.split('|') {
        run.step(step.trim());
    }
    trace.assert_eq(&run.finish());
}

#[derive(Default)]
struct Run {
    state: Option<SyncState>,
    /// What each event was called first.
    names: HashMap<EventId, String>,
    trace: String,
}

impl Run {
    fn step(&mut self, step: &str) {
        let (verb, rest) = step.split_once(' ').unwrap_or((step, ""));
        match verb {
            "backend" => self.state = Some(SyncState::new(Upstream::Backend, seq(rest), seq(rest))),
            "leader" => self.state = Some(SyncState::new(Upstream::Leader, seq(rest), seq(rest))),
            "remove" => self.remove(rest),
            _ => {
                let payload = self.payload(verb, rest);
                let before = self.state().clone();
                match self.state().merge(payload) {
                    Ok(result) => self.note(verb, &result),
                    Err(error) => {
                        assert_eq!(*self.state(), before, "an error changed the state");
                        writeln!(self.trace, "{verb}: error: {error}").expect("a string takes it");
                    }
                }
            }
        }
    }

    fn payload(&mut self, verb: &str, rest: &str) -> Payload {
        match verb {
            "push" => Payload::LocalPush { events: self.events(rest) },
            "advance" => Payload::UpstreamAdvance { events: self.events(rest) },
            "rebase" => {
                let (rollback, new) = rest.split_once(';').expect("a semicolon");
                let rollback = self.events(rollback);
                if let Some(head) = new.trim().strip_prefix("head ") {
                    return Payload::UpstreamRebase { rollback, events: Vec::new(), head: seq(head) };
                }
                let events = self.events(new);
                let head = events.last().expect("events or a head").seq;
                Payload::UpstreamRebase { rollback, events, head }
            }
            _ => panic!("no such step: {verb}"),
        }
    }

    fn remove(&mut self, names: &str) {
        let ids: HashSet<_> = self.events(names).iter().map(EventRecord::id).collect();
        match self.state().remove(&ids) {
            Some(result) => self.note("remove", &result),
            None => self.trace.push_str("remove: nothing\n"),
        }
    }

    fn state(&mut self) -> &mut SyncState {
        self.state.as_mut().expect("a scenario begins with its boundary")
    }

    fn events(&mut self, text: &str) -> Vec<EventRecord> {
        text.split_whitespace().map(|token| self.event(token)).collect()
    }

    fn event(&mut self, token: &str) -> EventRecord {
        let token = token.trim_end_matches('\'');
        let (name, number) = token.split_once('→').unwrap_or((token, &token[1..]));
        let seq = seq(&format!("e{number}"));
        let body = body(name);
        self.names.insert(body.id, name.to_owned());
        let parent = match (body.scope, seq.client) {
            (EventScope::ClientOnly, client) => SeqNum { client: client - 1, ..seq },
            (EventScope::Synced, _) => SeqNum { global: seq.global - 1, client: 0, ..seq },
        };
        EventRecord { seq, parent, body }
    }

    fn note(&mut self, verb: &str, result: &MergeResult) {
        let line = match result {
            MergeResult::Advance { new_events, confirmed } => {
                format!("advance new [{}] confirmed [{}]", self.list(new_events), self.list(confirmed))
            }
            MergeResult::Rebase { rollback, new_events, confirmed } => format!(
                "rebase rollback [{}] new [{}] confirmed [{}]",
                self.list(rollback),
                self.list(new_events),
                self.list(confirmed)
            ),
            MergeResult::Reject { expected_minimum } => format!("reject, at least {expected_minimum}"),
        };
        writeln!(self.trace, "{verb}: {line}").expect("a string takes it");
    }

    fn list<'a>(&self, events: impl IntoIterator<Item = &'a EventRecord>) -> String {
        let texts: Vec<_> = events.into_iter().map(|event| self.name(event)).collect();
        texts.join(" ")
    }

    /// `e2` or, under another number than its first, `e2→3r1`.
    fn name(&self, event: &EventRecord) -> String {
        let name = &self.names[&event.id()];
        let number = event.seq.to_string();
        if name[1..] == number[1..] { name.clone() } else { format!("{name}→{}", &number[1..]) }
    }

    fn finish(self) -> String {
        let state = self.state.as_ref().expect("a scenario begins with its boundary");
        format!(
            "{}pending [{}] upstream {} settled {} local {}\n",
            self.trace,
            self.list(state.pending()),
            state.upstream_head(),
            state.settled_head(),
            state.local_head()
        )
    }
}

fn seq(text: &str) -> SeqNum {
    text.parse().expect("the notation of sequence numbers")
}

/// The event of that name: the same name is the same event. A `.` in it makes it client-only.
pub(super) fn body(name: &str) -> Arc<EventBody> {
    let mut id = [0; 16];
    id[..name.len()].copy_from_slice(name.as_bytes());
    Arc::new(EventBody {
        id: EventId::from_bytes(id),
        name: "v1.Tested".into(),
        ver: 1,
        args: Args::encode(name).expect("a text is JSON"),
        client_id: ClientId::new("A").expect("valid"),
        session_id: SessionId::new("s").expect("valid"),
        scope: if name.contains('.') { EventScope::ClientOnly } else { EventScope::Synced },
        group_rest: 0,
        facts: Facts::default(),
    })
}
