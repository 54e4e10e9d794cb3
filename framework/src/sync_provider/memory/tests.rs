//! The switches of the backend in the same process. That it decides as a server does is shown elsewhere, by the suite that
//! runs against both.

use headwater_core::protocol::VERSION;
use headwater_core::{Args, Claim, ClientId, EventId, Facts, SessionId};

use super::*;

/// Longer than any test may take: what is held until then was not woken.
const FOREVER: PullRequest = PullRequest { after: 0, chain: None, wait_ms: MAX_POLL_MS, limit: None };

fn store() -> StoreId {
    StoreId::new("team-7").unwrap()
}

/// One event behind the head of a log.
fn batch(backend: &MemoryBackend, name: &str) -> PushRequest {
    let log = backend.position(&store());
    let client_id = ClientId::new("A").unwrap();
    let event = WireEvent {
        seq_num: log.head + 1,
        parent_seq_num: log.head,
        name: name.into(),
        args: Args::from_json("{}".into()).unwrap(),
        client_id: client_id.clone(),
        session_id: SessionId::new("s").unwrap(),
        id: EventId::from_bytes(u128::from(log.head + 1).to_le_bytes()),
        ver: 1,
        group: 0,
        facts: Facts::default(),
    };
    PushRequest {
        protocol: VERSION,
        backend_id: None,
        epoch: None,
        client_id,
        claim: Claim::from_bytes([7; 32]),
        parent: log.head,
        parent_chain: log.chain,
        events: vec![event],
    }
}

async fn push(backend: &MemoryBackend, sync: &MemorySync) -> Result<PushAnswer, TransportError> {
    sync.push(&store(), batch(backend, "v1.TodoCreated")).await
}

#[tokio::test]
async fn a_lost_answer_leaves_the_event_in_the_log() {
    let backend = MemoryBackend::new();
    let sync = backend.provider();
    sync.lose_next_answers(1);
    let first = batch(&backend, "v1.TodoCreated");
    assert!(matches!(sync.push(&store(), first.clone()).await, Err(TransportError::Offline(_))));
    assert_eq!((backend.head(&store()), sync.answers_to_lose()), (1, 0));
    let again = sync.push(&store(), first).await;
    assert!(matches!(again, Ok(PushAnswer::Accepted(reply)) if reply.duplicate));
}

#[tokio::test]
async fn switches_are_each_client_s_own() {
    let backend = MemoryBackend::new();
    let (phone, laptop) = (backend.provider(), backend.provider());
    phone.set_online(false);
    assert!(matches!(push(&backend, &phone).await, Err(TransportError::Offline(_))));
    assert!(matches!(phone.ping(&store()).await, Err(TransportError::Offline(_))));
    assert_eq!(backend.head(&store()), 0, "nothing goes out through a cut connection");
    assert!(push(&backend, &laptop).await.is_ok());
    phone.clone().set_online(true);
    assert_eq!(phone.ping(&store()).await, laptop.ping(&store()).await);
}

/// Runs a pull that is held, and `then` once it is.
async fn while_held<F: Future<Output = ()>>(sync: &MemorySync, then: F) -> Result<PullAnswer, TransportError> {
    let store = store();
    let mut pull = sync.pull(&store, FOREVER);
    let held = std::future::poll_fn(|context| std::task::Poll::Ready(pull.as_mut().poll(context).is_pending())).await;
    assert!(held, "there is nothing to answer yet");
    then.await;
    // It must be ready now, without any time going by.
    std::future::poll_fn(|context| {
        let std::task::Poll::Ready(answer) = pull.as_mut().poll(context) else { panic!("it was not woken") };
        std::task::Poll::Ready(answer)
    })
    .await
}

#[tokio::test]
async fn a_held_pull_ends_with_the_connection() {
    let sync = MemoryBackend::new().provider();
    let answer = while_held(&sync, async { sync.set_online(false) }).await;
    assert!(matches!(answer, Err(TransportError::Offline(_))), "{answer:?}");
}

#[tokio::test]
async fn a_held_pull_is_woken_by_a_push() {
    let backend = MemoryBackend::new();
    let (phone, laptop) = (backend.provider(), backend.provider());
    let answer = while_held(&phone, async { drop(push(&backend, &laptop).await) }).await;
    let Ok(PullAnswer::Page(page)) = answer else { panic!("{answer:?}") };
    assert_eq!(page.events, backend.events(&store()));
}

#[tokio::test]
async fn a_denied_event_takes_its_batch_along() {
    let backend = MemoryBackend::new();
    backend.set_rules(|event| if &*event.name == "v1.Bad" { Err(Denied::new("bad", "no")) } else { Ok(()) });
    let sync = backend.provider();
    let bad = batch(&backend, "v1.Bad");
    let rejected = PushAnswer::Rejected { id: bad.events[0].id, code: "bad".into(), reason: "no".into() };
    assert_eq!(sync.push(&store(), bad).await, Ok(rejected));
    assert!(push(&backend, &sync).await.is_ok());
    assert_eq!(backend.head(&store()), 1);
}

#[tokio::test]
async fn a_disturbed_log_is_noticed() {
    let backend = MemoryBackend::new();
    let sync = backend.provider();
    push(&backend, &sync).await.unwrap();
    let seen = backend.position(&store());
    let known =
        PushRequest { backend_id: Some(seen.backend_id), epoch: Some(seen.epoch), ..batch(&backend, "v1.TodoCreated") };
    let pull = PullRequest { after: seen.head, chain: Some(seen.chain), ..FOREVER };

    backend.rewind(&store(), 0);
    assert!(matches!(sync.pull(&store(), pull).await, Ok(PullAnswer::Diverged { common_seq_num: 0, .. })));
    backend.raise_epoch(&store());
    assert!(
        matches!(sync.push(&store(), known.clone()).await, Ok(PushAnswer::BackendMismatch { log }) if log.epoch == 1)
    );
    backend.replace(&store());
    let answer = sync.push(&store(), PushRequest { epoch: None, ..known }).await;
    assert!(matches!(answer, Ok(PushAnswer::BackendMismatch { log }) if log.backend_id != seen.backend_id));
}

#[tokio::test]
async fn a_held_pull_notices_a_log_that_went_back() {
    let backend = MemoryBackend::new();
    let sync = backend.provider();
    push(&backend, &sync).await.unwrap();
    let log = backend.position(&store());
    let store = store();
    let mut pull = sync.pull(&store, PullRequest { after: 1, chain: Some(log.chain), ..FOREVER });
    let mut poll = async || std::future::poll_fn(|context| std::task::Poll::Ready(pull.as_mut().poll(context))).await;
    assert!(poll().await.is_pending());
    backend.rewind(&store, 0);
    assert!(matches!(poll().await, std::task::Poll::Ready(Ok(PullAnswer::Diverged { .. }))));
}
