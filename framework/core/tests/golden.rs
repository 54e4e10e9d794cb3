//! The encoding of the protocol, pinned by the files in `golden/`: what is written has exactly these bytes, these
//! bytes are read, and fields that this version doesn't know are ignored.
//!
//! After a deliberate change, `UPDATE_EXPECT=1 cargo test -p headwater-core --test golden` writes the files anew. A
//! change of an existing file breaks the clients and servers that are out there.

use std::fmt::Debug;
use std::sync::Arc;

use expect_test::{expect, expect_file};
use headwater_core::protocol::{
    LogPosition, Problem, ProblemCode, PullReply, PullRequest, PushReply, PushRequest, VERSION, WireEvent,
};
use headwater_core::{
    Args, BackendId, Chain, Claim, ClientId, EventBody, EventId, EventRecord, EventScope, Facts, SeqNum, SessionId,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Compares a value with its file, in both directions.
#[track_caller]
fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(name: &str, value: &T) {
    let mut json = serde_json::to_string_pretty(value).expect("it can be written");
    json.push('\n');
    expect_file![format!("golden/{name}.json")].assert_eq(&json);
    check_reads(&json, value);
    check_reads(
        &json.replacen('{', r#"{"unknownToThisVersion": [{"a": 123456789012345678901234567890, "b": null}],"#, 1),
        value,
    );
    check_reads(&json.replacen("\"seqNum\"", "\"unknown\": \"to this version\", \"seqNum\"", 1), value);
}

#[track_caller]
fn check_reads<T: DeserializeOwned + PartialEq + Debug>(json: &str, value: &T) {
    let read: T = serde_json::from_str(json).expect("it can be read");
    assert_eq!(&read, value, "{json}");
}

fn event(head: u64, id: u8, args: &str) -> EventRecord {
    let body = EventBody {
        id: EventId::from_bytes([id; 16]),
        name: "v1.TodoCreated".into(),
        ver: 1,
        args: Args::from_json(args.to_owned()).expect("JSON"),
        client_id: ClientId::new("x8K2pQ").expect("valid"),
        session_id: SessionId::new("s1").expect("valid"),
        scope: EventScope::Synced,
        group_rest: 0,
        facts: Facts::default(),
    };
    EventRecord::after(&SeqNum::global(head), Arc::new(body))
}

fn wire_event(head: u64, id: u8, args: &str) -> WireEvent {
    WireEvent::from(&event(head, id, args))
}

/// An event with every optional field, and arguments as no encoder of ours would write them.
fn full_event() -> WireEvent {
    let facts = Facts {
        writes: vec!["todos/a".to_owned()],
        requires: vec!["lists/inbox".to_owned()],
        reads: vec!["settings".to_owned()],
    };
    WireEvent { ver: 2, group: 1, facts, ..wire_event(41, 0xA5, r#"{ "b":1.00,  "a":"\u00e9", "b":1e400 }"#) }
}

fn log() -> LogPosition {
    LogPosition {
        backend_id: BackendId::from_bytes([0xB0; 16]),
        epoch: 2,
        head: 42,
        chain: Chain::from_bytes([0xC4; 32]),
    }
}

fn push_request() -> PushRequest {
    PushRequest {
        protocol: VERSION,
        backend_id: Some(log().backend_id),
        epoch: Some(log().epoch),
        client_id: ClientId::new("x8K2pQ").expect("valid"),
        claim: Claim::from_bytes([0xC1; 32]),
        parent: 41,
        parent_chain: Chain::ROOT,
        events: vec![full_event(), wire_event(42, 1, "null")],
    }
}

#[test]
fn events() {
    check("event", &wire_event(0, 1, r#"{"id":"a"}"#));
    check("event-full", &full_event());
    check("log-position", &log());
}

#[test]
fn pushes() {
    check("push-request", &push_request());
    check("push-request-first-contact", &PushRequest { backend_id: None, epoch: None, ..push_request() });
    check("push-reply", &PushReply { log: log(), positions: vec![41, 42], duplicate: false });
    check("push-reply-duplicate", &PushReply { log: log(), positions: vec![7, 8], duplicate: true });
}

#[test]
fn pulls() {
    check("pull-request", &PullRequest { after: 41, chain: Some(Chain::ROOT), wait_ms: 25_000, limit: Some(100) });
    check("pull-request-first-contact", &PullRequest::default());
    check("pull-reply", &PullReply { log: log(), events: vec![full_event(), wire_event(42, 1, "[]")], remaining: 3 });
    check("pull-reply-empty", &PullReply { log: log(), events: Vec::new(), remaining: 0 });
}

#[test]
fn problems() {
    let problem = |code, detail: &str| Problem::new(code, detail);
    check("problem", &problem(ProblemCode::Unavailable, "shutting down"));
    check("problem-backend-mismatch", &problem(ProblemCode::BackendMismatch, "another log").at(log()));
    check("problem-client-id-taken", &problem(ProblemCode::ClientIdTaken, "draw another").at(log()));
    check("problem-truncated", &problem(ProblemCode::Truncated, "gone").at(log()));
    let behind = problem(ProblemCode::Behind, "pull first").at(log());
    check("problem-behind", &Problem { tail: vec![full_event()], more: true, ..behind });
    let diverged = problem(ProblemCode::Diverged, "the histories differ").at(log());
    check("problem-diverged", &Problem { common_seq_num: Some(40), ..diverged });
    let rejected = problem(ProblemCode::Rejected, "not your list").at(log());
    let (id, code) = (EventId::from_bytes([1; 16]), "not_owner".to_owned());
    check("problem-rejected", &Problem { id: Some(id), reason_code: Some(code), ..rejected });
    let unsupported = problem(ProblemCode::UnsupportedProtocol, "upgrade");
    check("problem-unsupported-protocol", &Problem { versions: vec![VERSION], ..unsupported });
}

#[test]
fn a_first_version_event_without_the_optional_fields_is_read() {
    let json = r#"{"seqNum":1,"parentSeqNum":0,"name":"v1.TodoCreated","args":{"id":"a"},"clientId":"x8K2pQ",
        "sessionId":"s1","id":"AQEBAQEBAQEBAQEBAQEBAQ"}"#;
    check_reads(json, &wire_event(0, 1, r#"{"id":"a"}"#));
}

#[test]
fn what_is_not_of_the_protocol_is_not_read() {
    let json = serde_json::to_string(&wire_event(0, 1, "1")).expect("it can be written");
    for (good, bad) in [
        ("\"seqNum\":1", "\"seqNum\":-1"),
        ("\"seqNum\":1", "\"seqNum\":1.5"),
        ("\"seqNum\":1", "\"seqNum\":\"1\""),
        ("\"seqNum\":1,", ""),
        ("\"seqNum\":1,", "\"seqNum\":1,\"seqNum\":1,"),
        ("\"x8K2pQ\"", "\"../x\""),
        ("\"AQEBAQEBAQEBAQEBAQEBAQ\"", "\"AQEBAQEBAQEBAQEBAQEBAR\""),
        ("\"args\":1", "\"args\":01"),
    ] {
        let changed = json.replacen(good, bad, 1);
        assert_ne!(changed, json, "{good} is not in it");
        assert!(serde_json::from_str::<WireEvent>(&changed).is_err(), "{changed} was read");
    }
}

/// A change here makes every log that was ever written look corrupt.
#[test]
fn digests_and_chain_values_stay_what_they_are() {
    let events = [event(0, 1, r#"{"id":"a"}"#), EventRecord::from(full_event()), event(2, 3, "null")];
    let mut chain = Chain::ROOT;
    let mut lines = Vec::new();
    for (global, event) in (1..).zip(&events) {
        chain = chain.next(global, &event.body.digest());
        lines.push(format!("{} {chain}", event.body.digest()));
    }
    let client_only = EventBody { scope: EventScope::ClientOnly, ..(*events[0].body).clone() };
    lines.push(format!("{}\n", client_only.digest()));
    expect![[r#"
        u0Abg-ZE9WOMlL61FizCL9MgTKP-OHGuQOFPmM-mzNo 63aE8N9meLHW264-27r56rgB-JG3D8cX853xuKyBhMA
        juG9i_zzw3UbbGByviJEa8R3A5-Wvsp5O09ESPgCiZc LK6f0gXCOx6_N7tPz_b9JXo3kDxmXgXF7Gs4nAqyXlo
        wR64DhPjTpIm2RfCiQ9Bjlz9XX5S0xPaPF0YawiExw4 bmHpTcacgsUZyyKAPIPT4TrIlFV8OeVOGzd_BlLai9Q
        YoCQ-b8KXhWdDtHxsnEU2cAhx6piF-gAGK3siJPOlXU
    "#]]
    .assert_eq(&lines.join("\n"));
    assert_eq!(Claim::of_secret(&[7; 32]).to_string(), "66-FtGWgneIbOY-xEsFQDyy-ZYxC83ngwPGNJLgZ9jc");
}
