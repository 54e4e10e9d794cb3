//! The checks of a batch by itself.

use std::collections::BTreeSet;

use crate::event::Facts;
use crate::limits;
use crate::protocol::{PushRequest, WireEvent};

/// Checks a batch by itself: every event, and the batch as a whole. It says nothing about the log.
///
/// # Errors
/// A sentence about the first thing that is wrong. It quotes no arguments.
pub fn check_batch(request: &PushRequest) -> Result<(), String> {
    let mut ids = BTreeSet::new();
    let mut before = request.parent;
    let mut rest = 0;
    for (index, event) in request.events.iter().enumerate() {
        let place = |reason: String| format!("event {index} of the batch: {reason}");
        check_numbers(before, event).map_err(place)?;
        check_group(rest, event).map_err(place)?;
        check_event(event).map_err(place)?;
        if event.client_id != request.client_id {
            return Err(place(format!("it is of client {}, the batch is of {}", event.client_id, request.client_id)));
        }
        if !ids.insert(event.id) {
            return Err(place(format!("its id {} is in the batch twice", event.id)));
        }
        before = event.seq_num;
        rest = event.group;
    }
    if rest != 0 {
        return Err(format!("the batch ends {rest} events before the end of a group"));
    }
    check_size(request)
}

fn check_numbers(before: u64, event: &WireEvent) -> Result<(), String> {
    if event.parent_seq_num != before {
        return Err(format!("its parent is {}, expected {before}", event.parent_seq_num));
    }
    if before.checked_add(1) != Some(event.seq_num) {
        return Err(format!("its number is {}, expected the one after {before}", event.seq_num));
    }
    Ok(())
}

/// Inside a group each event counts one less than the one before.
fn check_group(rest: u32, event: &WireEvent) -> Result<(), String> {
    if rest > 0 && event.group != rest - 1 {
        return Err(format!("its group goes on for {}, expected {}", event.group, rest - 1));
    }
    if event.group as usize >= limits::MAX_GROUP_EVENTS {
        return Err(format!("its group is longer than {} events", limits::MAX_GROUP_EVENTS));
    }
    Ok(())
}

fn check_event(event: &WireEvent) -> Result<(), String> {
    let name = &*event.name;
    if name.is_empty() || name.len() > limits::MAX_EVENT_NAME_BYTES {
        return Err(format!("its name has {} bytes, allowed are 1 to {}", name.len(), limits::MAX_EVENT_NAME_BYTES));
    }
    if name.chars().any(char::is_control) {
        return Err("its name has a control character".into());
    }
    if event.ver == 0 {
        return Err("its version is 0, versions count from 1".into());
    }
    check_args(event.args.json())?;
    check_facts(&event.facts)
}

fn check_args(json: &str) -> Result<(), String> {
    if json.len() > limits::MAX_ARGS_BYTES {
        return Err(format!("its arguments have {} bytes, allowed are {}", json.len(), limits::MAX_ARGS_BYTES));
    }
    let depth = depth(json);
    if depth > limits::MAX_ARGS_DEPTH {
        return Err(format!("its arguments are nested {depth} deep, allowed are {}", limits::MAX_ARGS_DEPTH));
    }
    Ok(())
}

fn check_facts(facts: &Facts) -> Result<(), String> {
    if facts.len() > limits::MAX_FACTS {
        return Err(format!("it has {} facts, allowed are {}", facts.len(), limits::MAX_FACTS));
    }
    let all = [&facts.writes, &facts.requires, &facts.reads];
    let longest = all.into_iter().flatten().map(String::len).max().unwrap_or(0);
    if longest > limits::MAX_FACT_BYTES {
        return Err(format!("a fact of it has {longest} bytes, allowed are {}", limits::MAX_FACT_BYTES));
    }
    Ok(())
}

/// A batch keeps to the bounds of a push, or it is one single group that keeps to the bounds of a group.
fn check_size(request: &PushRequest) -> Result<(), String> {
    let count = request.events.len();
    let bytes: usize = request.events.iter().map(wire_bytes).sum();
    let one_group = request.events.iter().rev().skip(1).all(|event| event.group > 0);
    let (max_events, max_bytes, what) = if one_group {
        (limits::MAX_GROUP_EVENTS, limits::MAX_GROUP_BYTES, "one group")
    } else {
        (limits::MAX_PUSH_EVENTS, limits::MAX_PUSH_BYTES, "a batch of several groups")
    };
    if count > max_events {
        return Err(format!("the batch has {count} events, allowed in {what} are {max_events}"));
    }
    if bytes > max_bytes {
        return Err(format!("the batch has about {bytes} bytes, allowed in {what} are {max_bytes}"));
    }
    Ok(())
}

/// The same estimate as [`EventBody::wire_bytes`](crate::EventBody::wire_bytes), so that client and backend agree.
pub(super) fn wire_bytes(event: &WireEvent) -> usize {
    let facts = [&event.facts.writes, &event.facts.requires, &event.facts.reads];
    let facts: usize = facts.into_iter().flatten().map(|fact| fact.len() + 3).sum();
    200 + event.name.len() + event.args.json().len() + facts
}

/// How deep the arrays and objects of a valid JSON text are nested. Not recursive, so that no text can exhaust a stack.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}
