//! The protocol as a client sees it.

use std::time::Duration;

use headwater_core::protocol::{LogPosition, ProblemCode, PullReply, PushReply, PushRequest};
use headwater_core::{Chain, Claim};
use headwater_server::{RunningServer, Server, Storage, Verdict};
use tokio::time::timeout;

use crate::support::{Http, Writer, args, chain_after, ok, problem};

/// Longer than anything takes: it only turns a hang into a failure.
const HANG: Duration = Duration::from_secs(20);

fn start() -> (RunningServer, Http) {
    let server = Server::builder().storage(Storage::memory()).start().expect("a server");
    let http = Http::new(server.url());
    (server, http)
}

#[tokio::test]
async fn what_is_pushed_is_pulled() {
    let (_server, http) = start();
    let first = http.position("s").await;
    assert_eq!((first.head, first.chain), (0, Chain::ROOT));
    let batch = Writer::new("A").batch(&[0, 1, 0]);
    let reply = http.accepted("s", &batch).await;
    assert_eq!((reply.log.backend_id, reply.log.epoch), (first.backend_id, first.epoch));
    assert_eq!((reply.positions, reply.duplicate), (vec![1, 2, 3], false));
    assert_eq!(reply.log.chain, chain_after(Chain::ROOT, &batch.events));
    let page = http.pull("s", 0).await;
    assert_eq!((page.log, page.events, page.remaining), (reply.log, batch.events, 0));
    assert_eq!(http.position("s").await, reply.log);
}

#[tokio::test]
async fn arguments_come_back_as_the_bytes_that_were_sent() {
    let (_server, http) = start();
    let odd = "{ \"b\":1e5 ,\t\"a\": [ 0.10, \"\\u00e9\" ] }";
    let mut batch = Writer::new("A").batch(&[0]);
    batch.events[0].args = args(odd);
    http.accepted("s", &batch).await;
    let body = http.get("s", "/pull?after=0").await.text().await.expect("a body");
    assert!(body.contains(odd), "{body}");
}

#[tokio::test]
async fn a_lost_answer_is_made_good_by_sending_the_batch_again() {
    let (_server, http) = start();
    let batch = Writer::new("A").batch(&[0, 0]);
    let first = http.accepted("s", &batch).await;
    let later = http.accepted("s", &Writer::at("B", &first.log).batch(&[0])).await;
    let again = http.accepted("s", &batch).await;
    assert_eq!(again, PushReply { log: later.log, positions: first.positions, duplicate: true });
}

#[tokio::test]
async fn behind_brings_what_is_missing_and_says_if_there_is_more() {
    let (_server, http) = start();
    let mut missing = Writer::new("A").batch(&[0; 3]);
    let reply = http.accepted("s", &missing).await;
    let late = Writer::new("B").batch(&[0]);
    let behind = problem(http.push("s", &late).await, ProblemCode::Behind).await;
    assert_eq!((behind.log, behind.tail, behind.more), (Some(reply.log), missing.events, false));
    let mut writer = Writer::at("A", &reply.log);
    missing = writer.batch(&[0; 4]);
    for event in &mut missing.events {
        event.args = args(&format!("\"{}\"", "x".repeat(100_000)));
    }
    writer.follow(&http.accepted("s", &missing).await.log);
    let late = Writer::at("B", &reply.log).batch(&[0]);
    let behind = problem(http.push("s", &late).await, ProblemCode::Behind).await;
    assert_eq!((behind.tail.len(), behind.more), (2, true));
}

#[tokio::test]
async fn strangers_are_told_apart() {
    let (_server, http) = start();
    let batch = Writer::new("A").batch(&[0]);
    let log = http.accepted("s", &batch).await.log;
    let thief = Writer { claim: Claim::of_secret(&[2; 32]), ..Writer::at("A", &log) };
    problem(http.push("s", &thief.batch(&[0])).await, ProblemCode::ClientIdTaken).await;
    let other = PushRequest { epoch: Some(1), ..batch };
    let mismatch = problem(http.push("s", &other).await, ProblemCode::BackendMismatch).await;
    assert_eq!(mismatch.log, Some(log));
}

#[tokio::test]
async fn another_history_is_found_at_a_pull() {
    let (_server, http) = start();
    let batch = Writer::new("A").batch(&[0, 0, 0]);
    let log = http.accepted("s", &batch).await.log;
    let right = chain_after(Chain::ROOT, &batch.events[..2]);
    let page: PullReply = ok(http.get("s", &format!("/pull?after=2&chain={right}")).await).await;
    assert_eq!(page.events, batch.events[2..]);
    for (after, chain, common) in [(2, Chain::ROOT, 1), (3, right, 2), (4, log.chain, 3), (u64::MAX, right, 3)] {
        let diverged = http.get("s", &format!("/pull?after={after}&chain={chain}&waitMs=30000")).await;
        let diverged = problem(diverged, ProblemCode::Diverged).await;
        assert_eq!((diverged.common_seq_num, diverged.log), (Some(common), Some(log)), "after {after}");
    }
}

#[tokio::test]
async fn a_pull_is_paged_by_count_without_splitting_groups() {
    let (_server, http) = start();
    http.accepted("s", &Writer::new("A").batch(&[0, 2, 1, 0, 0])).await;
    let mut sizes = Vec::new();
    let mut after = 0;
    loop {
        let page: PullReply = ok(http.get("s", &format!("/pull?after={after}&limit=2")).await).await;
        after += page.events.len() as u64;
        assert_eq!(page.remaining, 5 - after);
        sizes.push(page.events.len());
        if page.remaining == 0 {
            break;
        }
    }
    assert_eq!(sizes, [1, 3, 1]);
}

#[tokio::test]
async fn a_held_pull_wakes_for_its_store_only() {
    let (_server, http) = start();
    let hold = |store: &'static str| {
        let http = http.clone();
        tokio::spawn(async move { ok::<PullReply>(http.get(store, "/pull?after=0&waitMs=30000").await).await })
    };
    let (mine, mut others) = (hold("s"), hold("t"));
    let batch = Writer::new("A").batch(&[0]);
    http.accepted("s", &batch).await;
    let page = timeout(HANG, mine).await.expect("it wakes").expect("no panic");
    assert_eq!(page.events, batch.events);
    assert!(timeout(Duration::from_millis(1), &mut others).await.is_err(), "another store's pull woke");
    http.accepted("t", &batch).await;
    timeout(HANG, others).await.expect("it wakes").expect("no panic");
}

#[tokio::test]
async fn a_pull_with_nothing_new_ends_empty() {
    let (_server, http) = start();
    for wait in ["", "&waitMs=0", "&waitMs=1"] {
        let page: PullReply = ok(http.get("s", &format!("/pull?after=0{wait}")).await).await;
        assert_eq!((page.events.len(), page.remaining), (0, 0));
    }
}

#[tokio::test]
async fn live_replies_are_not_to_be_stored() {
    let (_server, http) = start();
    for rest in ["", "/pull?after=0"] {
        assert_eq!(http.get("s", rest).await.headers()["cache-control"], "no-store");
    }
    let pushed = http.push("s", &Writer::new("A").batch(&[0])).await;
    assert_eq!(pushed.headers()["cache-control"], "no-store");
}

#[tokio::test]
async fn bodies_may_be_compressed_in_both_directions() {
    let (_server, http) = start();
    let mut writer = Writer::new("A");
    for encoding in ["gzip", "zstd", "identity"] {
        let batch = writer.batch(&[0; 50]);
        let json = serde_json::to_vec(&batch).expect("JSON");
        let body = match encoding {
            "gzip" => gzip(&json),
            "zstd" => zstd::stream::encode_all(&*json, 3).expect("compressed"),
            _ => json,
        };
        let request = http.client.post(http.path("s", "/push")).header("content-encoding", encoding);
        let request = request.header("content-type", "application/json; charset=utf-8").body(body);
        writer.follow(&ok::<PushReply>(request.send().await.expect("an answer")).await.log);
    }
    let plain = reqwest::Client::builder().no_gzip().no_zstd().build().expect("a client");
    for (accept, rest, expected) in [
        ("gzip", "/pull?after=0", Some("gzip")),
        ("zstd", "/pull?after=0", Some("zstd")),
        ("br", "/pull?after=0", None),
        ("gzip, zstd", "", None),
    ] {
        let request = plain.get(http.path("s", rest)).header("accept-encoding", accept);
        let response = request.send().await.expect("an answer");
        let encoding = response.headers().get("content-encoding").map(|value| value.to_str().expect("text"));
        assert_eq!(encoding, expected, "{accept} {rest}");
    }
    assert_eq!(http.pull("s", 0).await.events.len(), 150);
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, bytes).expect("written to memory");
    encoder.finish().expect("written to memory")
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_is_spoken_too() {
    let (_server, http) = start();
    let client = reqwest::Client::builder().http2_prior_knowledge().build().expect("a client");
    let response = client.get(http.path("s", "")).send().await.expect("an answer");
    assert_eq!(response.version(), reqwest::Version::HTTP_2);
    ok::<LogPosition>(response).await;
}

#[tokio::test]
async fn rules_refuse_an_event_with_its_batch() {
    let rules = |store: &headwater_core::StoreId, event: &headwater_core::protocol::WireEvent| {
        if store.as_str() == "s" && event.args.json().contains("secret") {
            return Verdict::deny("no_secrets", "secrets don't belong here");
        }
        Verdict::Allow
    };
    let server = Server::builder().rules(rules).start().expect("a server");
    let http = Http::new(server.url());
    let log = http.accepted("s", &Writer::new("A").batch(&[0])).await.log;
    let mut batch = Writer::at("A", &log).batch(&[0, 1, 0]);
    batch.events[1].args = args("\"secret\"");
    let rejected = problem(http.push("s", &batch).await, ProblemCode::Rejected).await;
    assert_eq!(rejected.id, Some(batch.events[1].id));
    assert_eq!(rejected.reason_code.as_deref(), Some("no_secrets"));
    assert_eq!(rejected.detail, "secrets don't belong here");
    assert_eq!(http.position("s").await, log);
}

#[tokio::test]
async fn rules_see_only_what_would_be_appended() {
    let strict = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let switch = strict.clone();
    let rules = move |_: &headwater_core::StoreId, _: &headwater_core::protocol::WireEvent| {
        if switch.load(std::sync::atomic::Ordering::SeqCst) {
            return Verdict::deny("closed", "no more events");
        }
        Verdict::Allow
    };
    let server = Server::builder().rules(rules).start().expect("a server");
    let http = Http::new(server.url());
    let batch = Writer::new("A").batch(&[0]);
    let first = http.accepted("s", &batch).await;
    strict.store(true, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(http.accepted("s", &batch).await, PushReply { duplicate: true, ..first.clone() });
    problem(http.push("s", &Writer::new("B").batch(&[0])).await, ProblemCode::Behind).await;
    problem(http.push("s", &Writer::at("A", &first.log).batch(&[0])).await, ProblemCode::Rejected).await;
}

#[tokio::test]
async fn the_router_can_be_part_of_another_app() {
    let server = Server::builder().build().expect("a server");
    let app = axum::Router::new().nest("/sync", server.router());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    let http = Http::new(format!("http://{address}/sync"));
    http.accepted("s", &Writer::new("A").batch(&[0])).await;
    problem(http.get("s", "/nothing").await, ProblemCode::NotFound).await;
    assert_eq!(http.position("s").await.head, 1);
}
