//! What a client of the protocol does, as small as it can be.

use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

use headwater_core::protocol::{
    LogPosition, Problem, ProblemCode, PullReply, PushReply, PushRequest, VERSION, WireEvent,
};
use headwater_core::{Args, Chain, Claim, ClientId, EventId, EventRecord, Facts, SessionId, StoreId};
use reqwest::{Response, StatusCode};
use serde::de::DeserializeOwned;

pub(crate) fn store(name: &str) -> StoreId {
    StoreId::new(name).expect("a valid name")
}

/// An id that no other event of this test run has.
pub(crate) fn fresh_id() -> EventId {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    EventId::from_bytes(u128::from(NEXT.fetch_add(1, Ordering::Relaxed)).to_be_bytes())
}

/// A client that makes batches behind the head that it knows.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    pub(crate) client: ClientId,
    pub(crate) claim: Claim,
    pub(crate) head: u64,
    pub(crate) chain: Chain,
}

impl Writer {
    /// A client that knows nothing yet.
    pub(crate) fn new(client: &str) -> Self {
        let client = ClientId::new(client).expect("a valid name");
        Self { client, claim: Claim::of_secret(&[1; 32]), head: 0, chain: Chain::ROOT }
    }

    /// A client that is up to date.
    pub(crate) fn at(client: &str, log: &LogPosition) -> Self {
        Self { head: log.head, chain: log.chain, ..Self::new(client) }
    }

    /// A batch; each number is an event's rest of its group.
    pub(crate) fn batch(&self, groups: &[u32]) -> PushRequest {
        let numbers = self.head + 1..;
        PushRequest {
            protocol: VERSION,
            backend_id: None,
            epoch: None,
            client_id: self.client.clone(),
            claim: self.claim,
            parent: self.head,
            parent_chain: self.chain,
            events: numbers.zip(groups).map(|(seq_num, group)| self.event(seq_num, *group)).collect(),
        }
    }

    fn event(&self, seq_num: u64, group: u32) -> WireEvent {
        WireEvent {
            seq_num,
            parent_seq_num: seq_num - 1,
            name: "v1.TodoCreated".into(),
            args: args(&format!(r#"{{"text":"todo {seq_num}"}}"#)),
            client_id: self.client.clone(),
            session_id: SessionId::new("s1").expect("a valid name"),
            id: fresh_id(),
            ver: 1,
            group,
            facts: Facts { writes: vec![format!("todos/{seq_num}")], ..Facts::default() },
        }
    }

    /// Goes to where the log is.
    pub(crate) fn follow(&mut self, log: &LogPosition) {
        (self.head, self.chain) = (log.head, log.chain);
    }
}

pub(crate) fn args(json: &str) -> Args {
    Args::from_json(json.to_owned()).expect("valid JSON")
}

/// The chain value after some events.
pub(crate) fn chain_after(start: Chain, events: &[WireEvent]) -> Chain {
    events.iter().fold(start, |chain, event| chain.next(event.seq_num, &EventRecord::from(event.clone()).body.digest()))
}

/// An HTTP client for one server. It has no pool, so that no test depends on a connection of an earlier request.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    pub(crate) client: reqwest::Client,
    pub(crate) url: String,
}

impl Http {
    pub(crate) fn new(url: impl Into<String>) -> Self {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let client = reqwest::Client::builder().pool_max_idle_per_host(0).build().expect("a client");
        Self { client, url: url.into() }
    }

    pub(crate) fn path(&self, store: &str, rest: &str) -> String {
        format!("{}/v1/stores/{store}{rest}", self.url)
    }

    pub(crate) async fn get(&self, store: &str, rest: &str) -> Response {
        self.client.get(self.path(store, rest)).send().await.expect("an answer")
    }

    pub(crate) async fn try_push(&self, store: &str, batch: &PushRequest) -> reqwest::Result<Response> {
        self.client.post(self.path(store, "/push")).json(batch).send().await
    }

    pub(crate) async fn push(&self, store: &str, batch: &PushRequest) -> Response {
        self.try_push(store, batch).await.expect("an answer")
    }

    /// Pushes, and expects it to be taken.
    pub(crate) async fn accepted(&self, store: &str, batch: &PushRequest) -> PushReply {
        ok(self.push(store, batch).await).await
    }

    pub(crate) async fn pull(&self, store: &str, after: u64) -> PullReply {
        ok(self.get(store, &format!("/pull?after={after}")).await).await
    }

    pub(crate) async fn position(&self, store: &str) -> LogPosition {
        ok(self.get(store, "").await).await
    }
}

/// The body of a 200.
#[track_caller]
pub(crate) fn ok<T: DeserializeOwned>(response: Response) -> impl Future<Output = T> {
    let caller = std::panic::Location::caller();
    async move {
        let status = response.status();
        let body = response.text().await.expect("a body");
        assert_eq!(status, StatusCode::OK, "at {caller}: {body}");
        serde_json::from_str(&body).expect("a reply")
    }
}

/// The body of a problem, which must be one in every respect.
#[track_caller]
pub(crate) fn problem(response: Response, code: ProblemCode) -> impl Future<Output = Problem> {
    let caller = std::panic::Location::caller();
    async move {
        let status = response.status().as_u16();
        let media_type = response.headers().get("content-type").cloned();
        let cache = response.headers().get("cache-control").cloned();
        let body = response.text().await.expect("a body");
        let problem: Problem = serde_json::from_str(&body).unwrap_or_else(|_| panic!("at {caller}: {status} {body}"));
        assert_eq!((problem.code, problem.status, status), (code, code.status(), code.status()), "at {caller}: {body}");
        assert_eq!(media_type.expect("a type"), "application/problem+json", "at {caller}");
        assert_eq!(cache.expect("a policy"), "no-store", "at {caller}");
        problem
    }
}
