//! HTTP against the server itself: restarts, limits, connections.

use std::net::SocketAddr;
use std::time::Duration;

use headwater::sync_provider::{HttpSync, SyncProvider, TransportError};
use headwater_core::limits::{MAX_POLL_MS, MAX_PUSH_BODY_BYTES};
use headwater_core::protocol::{PullAnswer, PullRequest, PushAnswer, PushRequest};
use headwater_server::{RunningServer, Server, Storage};

use super::batches::{ROOT, args, batch, head, store};

pub(super) fn sync(server: &RunningServer) -> HttpSync {
    HttpSync::new(server.url()).expect("the address of a server")
}

fn serve_at(address: impl std::fmt::Display, folder: &tempfile::TempDir) -> RunningServer {
    Server::builder().storage(Storage::sqlite(folder.path())).listen(address).start().expect("the port is free")
}

fn held() -> PullRequest {
    PullRequest { wait_ms: MAX_POLL_MS, ..PullRequest::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_comes_back_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve_at("127.0.0.1:0", &folder);
    let address: SocketAddr = server.addr();
    let sync = sync(&server);
    let request = batch("A", ROOT, &["a"]);
    let first = sync.push(&store(), request.clone()).await.unwrap();
    let PushAnswer::Accepted(reply) = first else { panic!("{first:?}") };

    tokio::task::block_in_place(|| server.shutdown());
    let down = sync.push(&store(), request.clone()).await;
    assert!(matches!(down, Err(TransportError::Offline(_))), "{down:?}");

    let server = serve_at(address, &folder);
    let again = sync.push(&store(), request).await;
    assert!(matches!(again, Ok(PushAnswer::Accepted(ref resend)) if resend.duplicate), "{again:?}");
    assert_eq!(sync.ping(&store()).await, Ok(reply.log));
    let next = sync.push(&store(), batch("A", head(&reply.log), &["b"])).await;
    assert!(matches!(next, Ok(PushAnswer::Accepted(_))), "{next:?}");
    tokio::task::block_in_place(|| server.shutdown());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_pull_ends_when_the_server_does() {
    let server = super::server();
    let sync = sync(&server);
    let pull = tokio::spawn(async move { sync.pull(&store(), held()).await });
    tokio::task::block_in_place(|| server.shutdown());
    // An empty page if the server had the request by then, no connection if not.
    match pull.await.unwrap() {
        Ok(PullAnswer::Page(page)) => assert_eq!(page.events, []),
        other => assert!(matches!(other, Err(TransportError::Offline(_))), "{other:?}"),
    }
}

#[tokio::test]
async fn a_held_pull_may_take_longer_than_the_timeout() {
    let server = super::server();
    let sync = sync(&server).timeout(Duration::from_millis(700));
    let answer = sync.pull(&store(), PullRequest { wait_ms: 1_000, ..PullRequest::default() }).await;
    assert!(matches!(answer, Ok(PullAnswer::Page(_))), "{answer:?}");
}

#[tokio::test]
async fn a_batch_that_is_too_large_is_told_so() {
    let server = super::server();
    let mut request = batch("A", ROOT, &["a"]);
    request.events[0].args = args(format!("\"{}\"", "x".repeat(MAX_PUSH_BODY_BYTES)));
    let answer = sync(&server).push(&store(), request).await;
    assert!(matches!(answer, Err(TransportError::TooLarge(_))), "{answer:?}");
}

#[tokio::test]
async fn another_version_of_the_protocol_is_told_which_is_served() {
    let server = super::server();
    let answer = sync(&server).push(&store(), PushRequest { protocol: 99, ..batch("A", ROOT, &["a"]) }).await;
    let Ok(PushAnswer::Malformed { reason }) = answer else { panic!("{answer:?}") };
    assert!(reason.contains("99") && reason.contains("[1]"), "{reason}");
}

#[tokio::test]
async fn an_address_beside_the_backend_says_so() {
    let server = super::server();
    let beside = HttpSync::new(format!("{}/elsewhere", server.url())).unwrap();
    let answer = beside.ping(&store()).await;
    let Err(TransportError::NotOurs(reason)) = answer else { panic!("{answer:?}") };
    assert!(reason.contains("check the address"), "{reason}");
}

/// A client outlives the runtime that it was first used on.
#[test]
fn it_can_be_used_on_one_runtime_after_another() {
    let server = super::server();
    let sync = sync(&server);
    for _ in 0..3 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        assert_eq!(runtime.block_on(sync.ping(&store())).map(|log| log.head), Ok(0));
    }
}
