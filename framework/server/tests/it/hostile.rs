//! Requests that break the protocol, by mistake or on purpose. None of them may move the head.

use std::io::Write as _;
use std::time::Duration;

use headwater_core::limits::{MAX_ARGS_DEPTH, MAX_PUSH_BODY_BYTES};
use headwater_core::protocol::{LogPosition, ProblemCode, PushRequest};
use headwater_server::{RunningServer, Server, Storage};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::http::gzip;
use crate::support::{Http, Writer, ok, problem};

/// A server with a store that has one event.
struct Target {
    _server: RunningServer,
    http: Http,
    log: LogPosition,
}

impl Target {
    async fn start() -> Self {
        let server = Server::builder().storage(Storage::memory()).start().expect("a server");
        let http = Http::new(server.url());
        let log = http.accepted("s", &Writer::new("A").batch(&[0])).await.log;
        Self { _server: server, http, log }
    }

    /// A batch that would be taken.
    fn good(&self) -> PushRequest {
        let batch = Writer::at("A", &self.log).batch(&[0, 1, 0]);
        PushRequest { backend_id: Some(self.log.backend_id), epoch: Some(self.log.epoch), ..batch }
    }

    fn post(&self) -> reqwest::RequestBuilder {
        self.http.client.post(self.http.path("s", "/push")).header("content-type", "application/json")
    }

    #[track_caller]
    fn refuses(&self, request: reqwest::RequestBuilder, code: ProblemCode) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        let (http, log) = (self.http.clone(), self.log);
        async move {
            let response = request.send().await.unwrap_or_else(|error| panic!("at {caller}: {error}"));
            assert_eq!(response.status().as_u16(), code.status(), "at {caller}");
            problem(response, code).await;
            assert_eq!(http.position("s").await, log, "at {caller}");
        }
    }

    /// The target still works.
    async fn takes(&self) {
        self.http.accepted("s", &self.good()).await;
    }
}

#[tokio::test]
async fn a_body_that_is_no_push_is_malformed() {
    let target = Target::start().await;
    let good = serde_json::to_string(&target.good()).expect("JSON");
    let bodies = [
        String::new(),
        "null".into(),
        "[]".into(),
        "{}".into(),
        "\"push\"".into(),
        good[..good.len() - 1].into(),
        format!("{good}{good}"),
        format!("{good}x"),
        "[".repeat(1_000_000),
        format!("{{\"protocol\":1,\"x\":{}", "[".repeat(1_000_000)),
        "{\"protocol\":1,\"protocol\":1}".into(),
    ];
    for body in bodies {
        target.refuses(target.post().body(body), ProblemCode::Malformed).await;
    }
    let invalid_utf8 = [good.as_bytes(), &[0xff]].concat();
    target.refuses(target.post().body(invalid_utf8), ProblemCode::Malformed).await;
    target.takes().await;
}

#[tokio::test]
async fn a_field_of_the_wrong_kind_is_malformed() {
    let target = Target::start().await;
    let long = "x".repeat(65);
    let wrong: Vec<(&str, Value)> = vec![
        ("/clientId", json!("")),
        ("/clientId", json!("../x")),
        ("/clientId", json!("A\u{0}")),
        ("/clientId", json!(long)),
        ("/clientId", json!(7)),
        ("/claim", json!("short")),
        ("/claim", json!("!".repeat(43))),
        ("/parent", json!(-1)),
        ("/parent", json!(1.5)),
        ("/parent", json!("1")),
        ("/parentChain", json!(null)),
        ("/epoch", json!(-1)),
        ("/backendId", json!("'; DROP TABLE events; --")),
        ("/events", json!({})),
        ("/events", json!([])),
        ("/events", json!([null])),
        ("/events/0/seqNum", json!(1e300)),
        ("/events/0/seqNum", json!(3)),
        ("/events/1/parentSeqNum", json!(1)),
        ("/events/0/name", json!("")),
        ("/events/0/name", json!("n".repeat(129))),
        ("/events/0/name", json!(["v1"])),
        ("/events/0/clientId", json!("B")),
        ("/events/0/sessionId", json!("s 1")),
        ("/events/0/id", json!("AAAAAAAAAAAAAAAAAAAAA")),
        ("/events/0/id", json!("AAAAAAAAAAAAAAAAAAAAAB")),
        ("/events/0/ver", json!(0)),
        ("/events/0/ver", json!(4_294_967_296_u64)),
        ("/events/1/group", json!(-1)),
        ("/events/1/group", json!(2)),
        ("/events/0/facts", json!("todos/1")),
        ("/events/0/facts", json!({ "writes": [1] })),
        ("/events/0/facts", json!({ "reads": vec!["f"; 257] })),
        ("/events/0/facts", json!({ "requires": ["f".repeat(513)] })),
    ];
    for (pointer, value) in wrong {
        let mut body = serde_json::to_value(target.good()).expect("JSON");
        *body.pointer_mut(pointer).expect("the field is there") = value;
        target.refuses(target.post().body(body.to_string()), ProblemCode::Malformed).await;
    }
    target.takes().await;
}

#[tokio::test]
async fn deep_arguments_are_malformed_and_exhaust_no_stack() {
    let target = Target::start().await;
    for depth in [MAX_ARGS_DEPTH + 1, 1_000_000] {
        let good = serde_json::to_string(&target.good()).expect("JSON");
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let body = good.replacen(r#"{"text":"todo 2"}"#, &deep, 1);
        assert_ne!(body, good);
        target.refuses(target.post().body(body), ProblemCode::Malformed).await;
    }
}

#[tokio::test]
async fn another_version_is_told_which_are_served() {
    let target = Target::start().await;
    let mut body = serde_json::to_value(target.good()).expect("JSON");
    body["protocol"] = json!(2);
    for body in [body, json!({ "protocol": 0, "what": "ever" })] {
        let answer = target.post().json(&body).send().await.expect("an answer");
        assert_eq!(problem(answer, ProblemCode::UnsupportedProtocol).await.versions, [1]);
    }
    assert_eq!(target.http.position("s").await, target.log);
}

#[tokio::test]
async fn unknown_fields_are_ignored() {
    let target = Target::start().await;
    let mut body = serde_json::to_value(target.good()).expect("JSON");
    body["mode"] = json!("strict");
    body["events"][0]["encoding"] = json!({ "a": [1] });
    ok::<Value>(target.post().json(&body).send().await.expect("an answer")).await;
}

#[tokio::test]
async fn a_body_of_another_type_is_refused() {
    let target = Target::start().await;
    let json = serde_json::to_string(&target.good()).expect("JSON");
    let post = || target.http.client.post(target.http.path("s", "/push")).body(json.clone());
    target.refuses(post(), ProblemCode::UnsupportedMediaType).await;
    for media_type in
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonx", ""]
    {
        target.refuses(post().header("content-type", media_type), ProblemCode::UnsupportedMediaType).await;
    }
    for encoding in ["br", "deflate", "gzip, gzip", "gzip, zstd"] {
        let request = target.post().header("content-encoding", encoding).body(json.clone());
        target.refuses(request, ProblemCode::UnsupportedMediaType).await;
    }
    for encoding in ["gzip", "zstd"] {
        let request = target.post().header("content-encoding", encoding).body(json.clone());
        target.refuses(request, ProblemCode::Malformed).await;
        let cut = &gzip(json.as_bytes())[..40];
        let request = target.post().header("content-encoding", encoding).body(cut.to_vec());
        target.refuses(request, ProblemCode::Malformed).await;
    }
    target.takes().await;
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_compressed_or_not() {
    let target = Target::start().await;
    let large = vec![b' '; MAX_PUSH_BODY_BYTES + 1];
    target.refuses(target.post().body(large.clone()), ProblemCode::TooLarge).await;
    let chunks = large.chunks(1 << 20).map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec())).collect::<Vec<_>>();
    let streamed = reqwest::Body::wrap_stream(Chunks(chunks.into_iter()));
    target.refuses(target.post().body(streamed), ProblemCode::TooLarge).await;
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).expect("an encoder");
    for _ in 0..64 {
        encoder.write_all(&large).expect("written to memory");
    }
    let bomb = encoder.finish().expect("written to memory");
    assert!(bomb.len() < 1 << 20, "not much of a bomb");
    target.refuses(target.post().header("content-encoding", "zstd").body(bomb), ProblemCode::TooLarge).await;
    let bomb = gzip(&large);
    target.refuses(target.post().header("content-encoding", "gzip").body(bomb), ProblemCode::TooLarge).await;
    target.takes().await;
}

struct Chunks(std::vec::IntoIter<Result<Vec<u8>, std::io::Error>>);

impl futures_core::Stream for Chunks {
    type Item = Result<Vec<u8>, std::io::Error>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(self.0.next())
    }
}

#[tokio::test]
async fn a_store_id_is_checked_wherever_it_stands() {
    let target = Target::start().await;
    let long = "x".repeat(300);
    let bad = ["%2e%2e%2e", "..%2f..%2fetc%2fpasswd", "a%00", "a%20b", "%C3%A9", "%ff", "a.b", "a%5Cb", "s'--", &long];
    for name in bad {
        let request = |method: Method, rest: &str| {
            let builder = target.http.client.request(method, target.http.path(name, rest));
            builder.header("content-type", "application/json").body(serde_json::to_vec(&target.good()).expect("JSON"))
        };
        target.refuses(request(Method::GET, ""), ProblemCode::Malformed).await;
        target.refuses(request(Method::GET, "/pull?after=0"), ProblemCode::Malformed).await;
        target.refuses(request(Method::POST, "/push"), ProblemCode::Malformed).await;
    }
}

#[tokio::test]
async fn a_query_string_is_checked() {
    let target = Target::start().await;
    let bad = [
        "",
        "?",
        "?after",
        "?after=",
        "?after=-1",
        "?after=x",
        "?after=1.0",
        "?after=18446744073709551616",
        "?after=0&after=1",
        "?after=0&chain=x",
        "?after=0&waitMs=-1",
        "?after=0&limit=x",
        "?after=0&limit=0",
    ];
    for query in bad {
        let request = target.http.client.get(target.http.path("s", &format!("/pull{query}")));
        target.refuses(request, ProblemCode::Malformed).await;
    }
    let largest = format!("/pull?after=0&waitMs={}&limit={}", u64::MAX, usize::MAX);
    ok::<Value>(target.http.get("s", &largest).await).await;
}

#[tokio::test]
async fn other_addresses_and_methods_are_problems_too() {
    let target = Target::start().await;
    let url = |path: &str| format!("{}{path}", target.http.url);
    for path in ["/", "/v1", "/v1/stores", "/v1/stores/", "/v1/stores/s/", "/v1/stores/s/pull/x", "/v2/stores/s", "//"]
    {
        target.refuses(target.http.client.get(url(path)), ProblemCode::NotFound).await;
    }
    for (method, path) in [
        (Method::POST, "/v1/stores/s"),
        (Method::DELETE, "/v1/stores/s"),
        (Method::GET, "/v1/stores/s/push"),
        (Method::PUT, "/v1/stores/s/push"),
        (Method::POST, "/v1/stores/s/pull?after=0"),
        (Method::POST, "/healthz"),
    ] {
        target.refuses(target.http.client.request(method, url(path)), ProblemCode::MethodNotAllowed).await;
    }
}

#[tokio::test]
async fn pages_of_other_servers_get_nothing() {
    let target = Target::start().await;
    let get = || target.http.client.get(target.http.path("s", "/pull?after=0"));
    target.refuses(get().header("host", "evil.example"), ProblemCode::Forbidden).await;
    target.refuses(get().header("origin", "http://evil.example"), ProblemCode::Forbidden).await;
    let push = target.post().json(&target.good()).header("origin", "null");
    target.refuses(push, ProblemCode::Forbidden).await;
    let server = Server::builder().allow_host("sync.example").start().expect("a server");
    let http = Http::new(server.url());
    let request = http.client.get(http.path("s", "")).header("host", "sync.example");
    ok::<LogPosition>(request.header("origin", "https://sync.example").send().await.expect("an answer")).await;
}

#[tokio::test]
async fn a_connection_that_is_slow_with_its_headers_is_closed() {
    let target = Target::start().await;
    let address = target.http.url.trim_start_matches("http://");
    let starts: [&[u8]; 4] = [b"", b"P", b"PRI * HTTP/2.0\r\n", b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: "];
    let mut slow = Vec::new();
    for start in starts {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.write_all(start).await.expect("written");
        slow.push(tokio::spawn(async move {
            let mut answer = Vec::new();
            // An orderly end or a reset: either way it is closed.
            let _ = stream.read_to_end(&mut answer).await;
            answer
        }));
    }
    target.takes().await;
    for one in slow {
        let closed = tokio::time::timeout(Duration::from_secs(60), one).await;
        let answer = closed.expect("it is closed").expect("no panic");
        assert!(!answer.starts_with(b"HTTP/1.1 200"));
    }
}

#[tokio::test]
async fn what_is_not_http_does_no_harm() {
    let target = Target::start().await;
    let address = target.http.url.trim_start_matches("http://");
    let requests: [&[u8]; 5] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /v1/stores/s/push HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /v1/stores/s/push HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"POST /v1/stores/s/push HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{\"protocol\":1",
    ];
    for request in requests {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.write_all(request).await.expect("written");
        stream.shutdown().await.expect("our side is closed");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert!(!answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    }
    assert_eq!(target.http.position("s").await, target.log);
}
