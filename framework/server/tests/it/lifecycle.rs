//! Starting, ending and starting again.

use std::sync::Arc;
use std::time::Duration;

use headwater_core::backend::PageBounds;
use headwater_core::protocol::{LogPosition, ProblemCode, PullReply, PushAnswer, PushReply, PushRequest};
use headwater_core::{Claim, StoreId};
use headwater_server::event_store::{EventStore, HeadWatch, MemoryEventStore, Page, StoreError, StoreFuture};
use headwater_server::{RunningServer, Server, ServerError, Storage};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::support::{Http, Writer, ok, problem};

const HANG: Duration = Duration::from_secs(30);

fn start(storage: Storage) -> (RunningServer, Http) {
    let server = Server::builder().storage(storage).start().expect("a server");
    let http = Http::new(server.url());
    (server, http)
}

#[test]
fn no_runtime_is_needed() {
    let server = Server::builder().listen("127.0.0.1:0").start().expect("a server");
    assert!(server.addr().ip().is_loopback());
    assert_eq!(server.url(), format!("http://{}", server.addr()));
    server.shutdown();
}

#[test]
fn a_dropped_server_has_ended() {
    let server = Server::builder().start().expect("a server");
    let address = server.addr();
    drop(server);
    let again = Server::builder().listen(address).start().expect("the port is free again");
    assert_eq!(again.addr(), address);
}

#[test]
fn a_bad_address_or_a_taken_port_is_an_error() {
    let error = Server::builder().listen("localhost").start().expect_err("not an address");
    assert!(matches!(error, ServerError::Address(_)), "{error}");
    let server = Server::builder().start().expect("a server");
    let error = Server::builder().listen(server.addr()).start().expect_err("the port is taken");
    assert!(matches!(error, ServerError::Listen { .. }), "{error}");
}

#[tokio::test]
async fn a_restart_keeps_log_head_chain_and_claims() {
    let folder = tempfile::tempdir().expect("a folder");
    let (server, http) = start(Storage::sqlite(folder.path()));
    let first = Writer::new("A").batch(&[0, 2, 1, 0]);
    let log = http.accepted("s", &first).await.log;
    let elsewhere = http.accepted("t", &Writer::new("A").batch(&[0])).await.log;
    server.shutdown();

    let (server, http) = start(Storage::sqlite(folder.path()));
    assert_eq!(http.position("s").await, log);
    assert_eq!(http.position("t").await, elsewhere);
    assert_eq!(http.pull("s", 0).await.events, first.events);
    let again = http.accepted("s", &first).await;
    assert_eq!(again, PushReply { log, positions: vec![1, 2, 3, 4], duplicate: true });
    let thief = Writer { claim: Claim::of_secret(&[2; 32]), ..Writer::at("A", &log) };
    problem(http.push("s", &thief.batch(&[0])).await, ProblemCode::ClientIdTaken).await;
    let second = http.accepted("s", &Writer::at("A", &log).batch(&[0])).await;
    assert_eq!((second.log.head, second.log.backend_id), (5, log.backend_id));
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_answers_the_polls_that_are_held() {
    let store = Arc::new(Faulty::default());
    let (server, _) = start(Storage::custom(store.clone()));
    let address = server.addr();
    let mut held = Vec::new();
    for name in ["s", "s", "t"] {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        let request = format!("GET /v1/stores/{name}/pull?after=0&waitMs=30000 HTTP/1.1\r\nhost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("written");
        held.push(stream);
    }
    store.watched(3).await;
    let ending = tokio::task::spawn_blocking(move || server.shutdown());
    for mut stream in held {
        let mut answer = String::new();
        timeout(HANG, stream.read_to_string(&mut answer)).await.expect("it is answered").expect("it is closed well");
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"events\":[]"), "{answer}");
    }
    timeout(HANG, ending).await.expect("it ends").expect("no panic");
}

#[tokio::test(flavor = "multi_thread")]
async fn draining_ends_a_held_poll_and_holds_no_more() {
    let store = Arc::new(Faulty::default());
    let server = Server::builder().storage(Storage::custom(store.clone())).build().expect("a server");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let http = Http::new(format!("http://{}", listener.local_addr().expect("an address")));
    tokio::spawn(axum::serve(listener, server.router()).into_future());
    ok::<serde_json::Value>(http.client.get(format!("{}/readyz", http.url)).send().await.expect("an answer")).await;
    let poll = |http: Http| async move { ok::<PullReply>(http.get("s", "/pull?after=0&waitMs=30000").await).await };
    let held = tokio::spawn(poll(http.clone()));
    store.watched(1).await;
    server.drain();
    assert!(timeout(HANG, held).await.expect("it ends").expect("no panic").events.is_empty());
    assert!(timeout(HANG, poll(http.clone())).await.expect("it ends").events.is_empty());
    let ready = http.client.get(format!("{}/readyz", http.url)).send().await.expect("an answer");
    problem(ready, ProblemCode::Unavailable).await;
    ok::<serde_json::Value>(http.client.get(format!("{}/healthz", http.url)).send().await.expect("an answer")).await;
}

#[tokio::test]
async fn a_panic_fails_its_request_only() {
    let rules = |_: &StoreId, event: &headwater_core::protocol::WireEvent| {
        assert_ne!(&*event.name, "v1.Panic", "a rule with a defect");
        headwater_server::Verdict::Allow
    };
    let server = Server::builder().storage(Storage::custom(Arc::new(Faulty::default()))).rules(rules).start();
    let server = server.expect("a server");
    let http = Http::new(server.url());
    let mut batch = Writer::new("A").batch(&[0]);
    batch.events[0].name = "v1.Panic".into();
    problem(http.push("s", &batch).await, ProblemCode::Internal).await;
    problem(http.get("panic", "").await, ProblemCode::Internal).await;
    let unavailable = http.get("full", "").await;
    assert!(unavailable.headers().contains_key("retry-after"));
    problem(unavailable, ProblemCode::Unavailable).await;
    let failed = problem(http.get("failed", "").await, ProblemCode::Internal).await;
    assert!(!failed.detail.contains("inner"), "the cause is for the log: {}", failed.detail);
    http.accepted("s", &Writer::new("A").batch(&[0])).await;
}

/// A storage with stores that fail, and that tells of the polls that begin.
#[derive(Debug)]
struct Faulty {
    inner: MemoryEventStore,
    watches: Semaphore,
}

impl Default for Faulty {
    fn default() -> Self {
        Self { inner: MemoryEventStore::new(), watches: Semaphore::new(0) }
    }
}

impl Faulty {
    /// Waits until so many polls have begun.
    async fn watched(&self, polls: u32) {
        timeout(HANG, self.watches.acquire_many(polls)).await.expect("they begin").expect("never closed").forget();
    }
}

impl EventStore for Faulty {
    fn position(&self, store: &StoreId) -> StoreFuture<LogPosition> {
        match store.as_str() {
            "panic" => panic!("a storage with a defect"),
            "full" => Box::pin(std::future::ready(Err(StoreError::Unavailable("inner".into())))),
            "failed" => Box::pin(std::future::ready(Err(StoreError::Failed("inner".into())))),
            _ => self.inner.position(store),
        }
    }

    fn push(&self, store: &StoreId, request: PushRequest) -> StoreFuture<PushAnswer> {
        self.inner.push(store, request)
    }

    fn probe(&self, store: &StoreId, request: &PushRequest) -> StoreFuture<Option<PushAnswer>> {
        self.inner.probe(store, request)
    }

    fn page(&self, store: &StoreId, after: u64, bounds: PageBounds) -> StoreFuture<Page> {
        self.inner.page(store, after, bounds)
    }

    fn watch(&self, store: &StoreId) -> HeadWatch {
        self.watches.add_permits(1);
        self.inner.watch(store)
    }

    fn check(&self) -> StoreFuture<()> {
        self.inner.check()
    }

    fn close(&self) -> StoreFuture<()> {
        self.inner.close()
    }
}
