//! What the client makes of what servers say, and of what other things say in their place.

mod canned;
mod faults;

use expect_test::{Expect, expect};
use headwater_core::protocol::{LogPosition, PROBLEM_JSON, PullReply, PushReply, VERSION, WireEvent};
use headwater_core::{Args, BackendId, Chain, Claim, ClientId, EventId, Facts, SessionId};

use super::*;
use canned::{Canned, reply, reply_with};

const JSON: &str = "application/json";

fn store() -> StoreId {
    StoreId::new("team-7").unwrap()
}

fn log() -> LogPosition {
    LogPosition { backend_id: BackendId::from_bytes([1; 16]), epoch: 2, head: 1, chain: Chain::from_bytes([3; 32]) }
}

fn event() -> WireEvent {
    WireEvent {
        seq_num: 1,
        parent_seq_num: 0,
        name: "v1.TodoCreated".into(),
        args: Args::from_json(r#"{ "text": "private" }"#.into()).unwrap(),
        client_id: ClientId::new("A").unwrap(),
        session_id: SessionId::new("s").unwrap(),
        id: EventId::from_bytes([9; 16]),
        ver: 1,
        group: 0,
        facts: Facts::default(),
    }
}

fn batch() -> PushRequest {
    PushRequest {
        protocol: VERSION,
        backend_id: None,
        epoch: None,
        client_id: ClientId::new("A").unwrap(),
        claim: Claim::from_bytes([7; 32]),
        parent: 0,
        parent_chain: Chain::ROOT,
        events: vec![event()],
    }
}

fn position_json() -> String {
    serde_json::to_string(&log()).unwrap()
}

/// The position's fields, to be put into a problem.
fn position_fields() -> String {
    position_json().trim_matches(['{', '}']).to_owned()
}

fn accepted() -> PushReply {
    PushReply { log: log(), positions: vec![1], duplicate: false }
}

fn page() -> PullReply {
    PullReply { log: log(), events: vec![event()], remaining: 3 }
}

fn accepted_json() -> String {
    serde_json::to_string(&accepted()).unwrap()
}

fn page_json() -> String {
    serde_json::to_string(&page()).unwrap()
}

fn problem_json(status: u16, code: &str, more: &str) -> String {
    format!(r#"{{"code":"{code}","status":{status},"detail":"said why"{more}}}"#)
}

fn problem(status: u16, code: &str, more: &str) -> String {
    reply(status, PROBLEM_JSON, &problem_json(status, code, more))
}

async fn push_to(reply: impl Into<Vec<u8>>) -> Result<PushAnswer, TransportError> {
    Canned::new(reply).sync().push(&store(), batch()).await
}

async fn pull_from(reply: impl Into<Vec<u8>>) -> Result<PullAnswer, TransportError> {
    Canned::new(reply).sync().pull(&store(), PullRequest::default()).await
}

fn brief<T: fmt::Debug>(result: Result<T, TransportError>) -> String {
    match result {
        Ok(answer) => format!("{answer:?}").split([' ', '(']).next().unwrap().to_owned(),
        Err(error) => format!("{error:?}"),
    }
}

/// What a push and a pull make of a problem, one line each.
async fn check(status: u16, code: &str, more: &str, expected: Expect) {
    let reply = problem(status, code, more);
    let push = brief(push_to(reply.clone()).await);
    let pull = brief(pull_from(reply).await);
    expected.assert_eq(&format!("push: {push}\npull: {pull}\n"));
}

#[tokio::test]
async fn a_200_is_an_answer() {
    let push = push_to(reply(200, JSON, &accepted_json())).await;
    assert_eq!(push, Ok(PushAnswer::Accepted(accepted())));
    let pull = pull_from(reply(200, "Application/JSON; charset=utf-8", &page_json())).await;
    assert_eq!(pull, Ok(PullAnswer::Page(page())));
    let ping = Canned::new(reply(200, JSON, &position_json())).sync().ping(&store()).await;
    assert_eq!(ping, Ok(log()));
}

#[tokio::test]
async fn a_body_in_chunks_is_put_together() {
    let body = page_json();
    let (first, second) = body.split_at(40);
    let mut reply = format!("HTTP/1.1 200 OK\r\ncontent-type: {JSON}\r\ntransfer-encoding: chunked\r\n\r\n");
    for chunk in [first, second, ""] {
        reply.push_str(&format!("{:x}\r\n{chunk}\r\n", chunk.len()));
    }
    assert_eq!(pull_from(reply).await, Ok(PullAnswer::Page(page())));
}

#[tokio::test]
async fn unknown_fields_are_ignored() {
    let body = accepted_json().replacen('{', r#"{"later":[{"x":1}],"#, 1);
    assert_eq!(push_to(reply(200, JSON, &body)).await, Ok(PushAnswer::Accepted(accepted())));
    let behind = format!(r#","later":{{}},"tail":[],{}"#, position_fields());
    let answer = push_to(problem(409, "behind", &behind)).await;
    assert_eq!(answer, Ok(PushAnswer::Behind { log: log(), tail: vec![], more: false }));
}

#[tokio::test]
async fn a_push_that_is_behind_gets_the_missing_events() {
    let event = serde_json::to_string(&event()).unwrap();
    let more = format!(r#","tail":[{event}],"more":true,{}"#, position_fields());
    let answer = push_to(problem(409, "behind", &more)).await;
    assert_eq!(answer, Ok(PushAnswer::Behind { log: log(), tail: vec![super::tests::event()], more: true }));
}

#[tokio::test]
async fn a_rejection_names_the_event() {
    let more = format!(r#","id":"{}","reasonCode":"not_yours""#, event().id);
    let answer = push_to(problem(422, "rejected", &more)).await;
    let rejected = PushAnswer::Rejected { id: event().id, code: "not_yours".into(), reason: "said why".into() };
    assert_eq!(answer, Ok(rejected));
}

#[tokio::test]
async fn a_diverged_pull_learns_where_to_look() {
    let more = format!(r#","commonSeqNum":7,{}"#, position_fields());
    let answer = pull_from(problem(409, "diverged", &more)).await;
    assert_eq!(answer, Ok(PullAnswer::Diverged { log: log(), common_seq_num: 7 }));
}

#[tokio::test]
async fn problems_about_the_log_are_answers() {
    let position = format!(",{}", position_fields());
    check(
        409,
        "backend_mismatch",
        &position,
        expect![[r#"
        push: BackendMismatch
        pull: NotOurs("a reply of status 409 with an unexpected problem: said why")
    "#]],
    )
    .await;
    check(
        409,
        "client_id_taken",
        "",
        expect![[r#"
        push: ClientIdTaken
        pull: NotOurs("a reply of status 409 with an unexpected problem: said why")
    "#]],
    )
    .await;
    check(
        410,
        "truncated",
        &position,
        expect![[r#"
        push: NotOurs("a reply of status 410 with an unexpected problem: said why")
        pull: Truncated
    "#]],
    )
    .await;
    check(
        400,
        "malformed",
        "",
        expect![[r#"
        push: Malformed
        pull: Server("it can't read the request: said why")
    "#]],
    )
    .await;
    check(
        400,
        "unsupported_protocol",
        r#","versions":[2,3]"#,
        expect![[r#"
        push: Malformed
        pull: Server("said why (it serves the versions [2, 3]): update the app or the backend")
    "#]],
    )
    .await;
}

#[tokio::test]
async fn problems_about_the_client_are_states() {
    check(
        401,
        "unauthenticated",
        "",
        expect![[r#"
        push: NeedsAuth("said why")
        pull: NeedsAuth("said why")
    "#]],
    )
    .await;
    check(
        402,
        "quota",
        "",
        expect![[r#"
        push: Quota("said why")
        pull: Quota("said why")
    "#]],
    )
    .await;
    check(
        403,
        "forbidden",
        "",
        expect![[r#"
        push: Forbidden("said why")
        pull: Forbidden("said why")
    "#]],
    )
    .await;
    check(
        413,
        "too_large",
        "",
        expect![[r#"
        push: TooLarge("said why")
        pull: TooLarge("said why")
    "#]],
    )
    .await;
    check(
        429,
        "rate_limited",
        "",
        expect![[r#"
        push: RateLimited { retry_after_ms: None, reason: "said why" }
        pull: RateLimited { retry_after_ms: None, reason: "said why" }
    "#]],
    )
    .await;
}

#[tokio::test]
async fn faults_of_the_server_leave_the_outcome_open() {
    check(
        500,
        "internal",
        "",
        expect![[r#"
        push: Server("said why")
        pull: Server("said why")
    "#]],
    )
    .await;
    check(
        503,
        "unavailable",
        "",
        expect![[r#"
        push: Server("said why")
        pull: Server("said why")
    "#]],
    )
    .await;
    check(
        415,
        "unsupported_media_type",
        "",
        expect![[r#"
        push: Server("it can't read the request: said why")
        pull: Server("it can't read the request: said why")
    "#]],
    )
    .await;
    check(
        404,
        "not_found",
        "",
        expect![[r#"
        push: NotOurs("a reply of status 404 (said why): check the address of the backend")
        pull: NotOurs("a reply of status 404 (said why): check the address of the backend")
    "#]],
    )
    .await;
    check(
        418,
        "teapot",
        "",
        expect![[r#"
        push: NotOurs("a reply of status 418 with an unexpected problem: said why")
        pull: NotOurs("a reply of status 418 with an unexpected problem: said why")
    "#]],
    )
    .await;
}

#[tokio::test]
async fn a_problem_without_what_it_needs_is_no_answer() {
    for (status, code) in [(409, "behind"), (409, "backend_mismatch"), (422, "rejected")] {
        let answer = push_to(problem(status, code, "")).await;
        assert!(matches!(answer, Err(TransportError::NotOurs(_))), "{code}: {answer:?}");
    }
    for (status, code, more) in [
        (409, "diverged", format!(",{}", position_fields())),
        (409, "diverged", r#","commonSeqNum":7"#.to_owned()),
        (410, "truncated", String::new()),
        (410, "truncated", r#","head":7,"epoch":1"#.to_owned()),
    ] {
        let answer = pull_from(problem(status, code, &more)).await;
        assert!(matches!(answer, Err(TransportError::NotOurs(_))), "{code}{more}: {answer:?}");
    }
}

#[tokio::test]
async fn a_wait_is_read_in_seconds_and_has_a_bound() {
    let waits = [("2", Some(2_000)), ("99999999999", Some(3_600_000)), ("Wed, 21 Oct 2026 07:28:00 GMT", None)];
    for (said, expected) in waits {
        let headers = format!("content-type: {PROBLEM_JSON}\r\nretry-after: {said}\r\n");
        let answer = pull_from(reply_with(429, &headers, &problem_json(429, "rate_limited", ""))).await;
        let due = TransportError::RateLimited { retry_after_ms: expected, reason: "said why".into() };
        assert_eq!(answer, Err(due), "{said}");
    }
}

#[tokio::test]
async fn a_request_is_what_the_protocol_says() {
    let server = Canned::new(reply(200, JSON, &page_json()));
    let sync = HttpSync::new(format!("{}/base/", server.url())).unwrap().token("s3cret").unwrap();
    let request = PullRequest { after: 7, chain: Some(Chain::ROOT), wait_ms: 99_000, limit: Some(5) };
    sync.pull(&store(), request).await.unwrap();
    sync.ping(&store()).await.unwrap();
    let heads = server.heads();
    let line = |head: &str| head.lines().next().unwrap().to_owned();
    let chain = "A".repeat(43);
    assert_eq!(
        line(&heads[0]),
        format!("GET /base/v1/stores/team-7/pull?after=7&chain={chain}&waitMs=30000&limit=5 HTTP/1.1")
    );
    assert_eq!(line(&heads[1]), "GET /base/v1/stores/team-7 HTTP/1.1");
    let headers = heads[0].to_ascii_lowercase();
    assert!(headers.contains("authorization: bearer s3cret\r\n"), "{headers}");
    assert!(headers.contains("accept-encoding: gzip\r\n"), "{headers}");
}

#[test]
fn a_token_is_checked_and_never_shown() {
    let sync = HttpSync::new("https://example.com").unwrap();
    for bad in ["", "two words", "line\n", "é"] {
        assert!(matches!(sync.clone().token(bad), Err(Error::Provider(_))), "{bad:?}");
    }
    let shown = format!("{:?}", sync.token("s3cret").unwrap());
    assert_eq!(shown, r#"HttpSync { url: "https://example.com/", token: true, timeout: 30s, .. }"#);
}
