//! What happened, in a notation for people; and the counting of what matters.

use headwater_core::leader::{Effect, Input, ToSession};
use headwater_core::protocol::{PullAnswer, PullRequest, PushAnswer, PushRequest, WireEvent};
use headwater_core::sync_state::Payload;
use headwater_core::{EventId, EventRecord};

use crate::world::World;

fn id(id: EventId) -> String {
    let bytes = id.as_bytes();
    u64::from_be_bytes(bytes[..8].try_into().expect("eight bytes")).to_string()
}

fn wire(events: &[WireEvent]) -> String {
    let texts: Vec<_> = events.iter().map(|event| format!("e{}={}", event.seq_num, id(event.id))).collect();
    texts.join(" ")
}

fn records(events: &[EventRecord]) -> String {
    let texts: Vec<_> = events.iter().map(|event| format!("{}={}", event.seq, id(event.id()))).collect();
    texts.join(" ")
}

pub(crate) fn push_answer(answer: &PushAnswer) -> String {
    match answer {
        PushAnswer::Accepted(reply) => {
            format!("accepted at {:?} duplicate {} head {}", reply.positions, reply.duplicate, reply.log.head)
        }
        PushAnswer::Behind { log, tail, more } => format!("behind {} [{}] more {more}", log.head, wire(tail)),
        PushAnswer::Rejected { id: bad, .. } => format!("rejected {}", id(*bad)),
        other => format!("{other:?}"),
    }
}

fn pull_answer(answer: &PullAnswer) -> String {
    match answer {
        PullAnswer::Page(reply) => {
            format!("page [{}] head {} remaining {}", wire(&reply.events), reply.log.head, reply.remaining)
        }
        other => format!("{other:?}"),
    }
}

pub(crate) fn input(input: &Input) -> String {
    match input {
        Input::Push { session, push, events, .. } => format!("{session} push {push} [{}]", records(events)),
        Input::Pulled { request, result } => match result {
            Ok(answer) => format!("pulled {request} {}", pull_answer(answer)),
            Err(error) => format!("pulled {request} {error}"),
        },
        Input::Pushed { request, result } => match result {
            Ok(answer) => format!("pushed {request} {}", push_answer(answer)),
            Err(error) => format!("pushed {request} {error}"),
        },
        other => format!("{other:?}"),
    }
}

fn pull_request(pull: &PullRequest) -> String {
    format!("after {} wait {}", pull.after, pull.wait_ms)
}

fn push_request(push: &PushRequest) -> String {
    format!("{} after {} [{}]", push.client_id, push.parent, wire(&push.events))
}

pub(crate) fn effect(effect: &Effect) -> String {
    match effect {
        Effect::ToSession { session, message } => format!("{session}: {}", to_session(message)),
        Effect::Pull { request, pull } => format!("pull {request} {}", pull_request(pull)),
        Effect::Push { request, push } => format!("push {request} {}", push_request(push)),
        Effect::Cancel => "cancel".to_owned(),
    }
}

pub(crate) fn to_session(message: &ToSession) -> String {
    let ToSession::Update(update) = message else { return format!("{message:?}") };
    let payload = match &update.payload {
        Payload::LocalPush { events } => format!("push [{}]", records(events)),
        Payload::UpstreamAdvance { events } => format!("advance [{}]", records(events)),
        Payload::UpstreamRebase { rollback, events, head } => {
            format!("rebase [{}] to [{}] head {head}", records(rollback), records(events))
        }
    };
    format!("{payload} settled {} confirmed {:?}", update.settled, update.confirmed.len())
}

pub(crate) fn count_push(world: &mut World, answer: &PushAnswer) {
    world.count(match answer {
        PushAnswer::Accepted(reply) if reply.duplicate => "resends recognised",
        PushAnswer::Accepted(_) => "batches appended",
        PushAnswer::Behind { more: true, .. } => "behind with more",
        PushAnswer::Behind { .. } => "behind",
        PushAnswer::ClientIdTaken => "client ids taken",
        PushAnswer::Rejected { .. } => "events rejected",
        _ => "other answers",
    });
}

impl World {
    /// Where a client stands.
    pub(crate) fn place(&self, client: usize) -> String {
        let store = self.clients[client].disk.store.borrow();
        let pending: Vec<_> = store.pending.iter().map(|body| id(body.id)).collect();
        let mark = &store.mark;
        format!("head {} generation {} pending {pending:?} {:?}", mark.upstream_head, mark.generation, mark.in_flight)
    }
}
