//! What every way to a backend has to do.

use std::time::Duration;

use headwater::sync_provider::SyncProvider;
use headwater_core::limits::{MAX_ARGS_BYTES, MAX_GROUP_BYTES, MAX_PAGE_BYTES, MAX_POLL_MS};
use headwater_core::protocol::{
    LogPosition, PullAnswer, PullReply, PullRequest, PushAnswer, PushReply, PushRequest, WireEvent,
};
use headwater_core::{BackendId, Chain, StoreId};

use super::batches::{ROOT, args, as_group, batch, head, id_of, store};
use super::{Backend, FORBIDDEN};

/// What is held as long as possible was not woken; this is less.
const WOKEN: Duration = Duration::from_millis(MAX_POLL_MS - 5_000);

async fn push(provider: &dyn SyncProvider, request: &PushRequest) -> PushAnswer {
    provider.push(&store(), request.clone()).await.expect("there is a definite answer")
}

async fn accept(provider: &dyn SyncProvider, request: &PushRequest) -> PushReply {
    match push(provider, request).await {
        PushAnswer::Accepted(reply) => reply,
        answer => panic!("not accepted: {answer:?}"),
    }
}

async fn pull(provider: &dyn SyncProvider, request: PullRequest) -> PullReply {
    match provider.pull(&store(), request).await {
        Ok(PullAnswer::Page(page)) => page,
        answer => panic!("no page: {answer:?}"),
    }
}

async fn position(provider: &dyn SyncProvider) -> LogPosition {
    provider.ping(&store()).await.expect("there is a definite answer")
}

fn after((after, chain): (u64, Chain)) -> PullRequest {
    PullRequest { after, chain: Some(chain), ..PullRequest::default() }
}

fn numbers(events: &[WireEvent]) -> Vec<u64> {
    events.iter().map(|event| event.seq_num).collect()
}

pub(super) async fn a_new_log_is_empty(backend: &dyn Backend) {
    let provider = backend.provider();
    provider.connect(&store()).await.expect("the backend is there");
    let log = position(&*provider).await;
    assert_eq!((log.head, log.chain, log.epoch), (0, Chain::ROOT, 0));
    let page = pull(&*provider, after(ROOT)).await;
    assert_eq!(page, PullReply { log, events: vec![], remaining: 0 });
}

pub(super) async fn what_is_pushed_is_pulled_byte_for_byte(backend: &dyn Backend) {
    let provider = backend.provider();
    let mut request = batch("A", ROOT, &["a", "b", "c", "d"]);
    let texts = [
        r#"{ "b":1,   "a": 1.0e2, "a":2 }"#,
        r#""\u00e9 é \u0000 \ud83e\udd89""#,
        "[1e400, -0, 123456789012345678901234567890]",
        " null",
    ];
    for (event, text) in request.events.iter_mut().zip(texts) {
        event.args = args(text);
    }
    request.events[0].ver = 3;
    request.events[0].facts.writes = vec!["todos/é".into()];
    let reply = accept(&*provider, &request).await;
    assert_eq!((reply.positions, reply.duplicate), (vec![1, 2, 3, 4], false));
    let page = pull(&*backend.provider(), after(ROOT)).await;
    assert_eq!((page.events, page.log, page.remaining), (request.events, reply.log, 0));
    assert_eq!(position(&*provider).await, reply.log);
}

pub(super) async fn a_resend_is_a_duplicate(backend: &dyn Backend) {
    let provider = backend.provider();
    let request = batch("A", ROOT, &["a", "b"]);
    let first = accept(&*provider, &request).await;
    let later = accept(&*provider, &batch("A", head(&first.log), &["c"])).await;
    let again = accept(&*provider, &request).await;
    assert_eq!(again, PushReply { log: later.log, positions: first.positions, duplicate: true });
}

pub(super) async fn a_batch_that_is_behind_gets_the_missing_events(backend: &dyn Backend) {
    let provider = backend.provider();
    let first = accept(&*provider, &batch("A", ROOT, &["a"])).await;
    let missing = batch("A", head(&first.log), &["b", "c"]);
    let log = accept(&*provider, &missing).await.log;
    let late = batch("B", head(&first.log), &["x"]);
    let answer = push(&*provider, &late).await;
    assert_eq!(answer, PushAnswer::Behind { log, tail: missing.events, more: false });
    let reply = accept(&*provider, &batch("B", head(&log), &["x"])).await;
    assert_eq!(reply.positions, [4], "what came along was enough to go on");
}

pub(super) async fn a_batch_of_another_history_gets_no_events(backend: &dyn Backend) {
    let provider = backend.provider();
    let log = accept(&*provider, &batch("A", ROOT, &["a"])).await.log;
    let other = batch("B", (1, Chain::from_bytes([9; 32])), &["x"]);
    assert_eq!(push(&*provider, &other).await, PushAnswer::Behind { log, tail: vec![], more: true });
}

pub(super) async fn another_backend_or_epoch_is_a_mismatch(backend: &dyn Backend) {
    let provider = backend.provider();
    let log = position(&*provider).await;
    let request = batch("A", ROOT, &["a"]);
    let other_backend = PushRequest { backend_id: Some(BackendId::from_bytes([9; 16])), ..request.clone() };
    assert_eq!(push(&*provider, &other_backend).await, PushAnswer::BackendMismatch { log });
    let other_epoch = PushRequest { epoch: Some(log.epoch + 1), ..request.clone() };
    assert_eq!(push(&*provider, &other_epoch).await, PushAnswer::BackendMismatch { log });
    let same = PushRequest { backend_id: Some(log.backend_id), epoch: Some(log.epoch), ..request };
    assert_eq!(accept(&*provider, &same).await.log.backend_id, log.backend_id);
}

pub(super) async fn a_claimed_client_id_stays_its_own(backend: &dyn Backend) {
    let provider = backend.provider();
    let log = accept(&*provider, &batch("A", ROOT, &["a"])).await.log;
    let own = batch("A", head(&log), &["b"]);
    let others = PushRequest { claim: batch("B", ROOT, &[]).claim, ..own.clone() };
    assert_eq!(push(&*provider, &others).await, PushAnswer::ClientIdTaken);
    assert_eq!(accept(&*provider, &own).await.positions, [2]);
}

pub(super) async fn a_batch_with_a_gap_is_malformed(backend: &dyn Backend) {
    let provider = backend.provider();
    let mut request = batch("A", ROOT, &["a", "b", "c"]);
    request.events[2].seq_num = 4;
    let answer = push(&*provider, &request).await;
    assert!(matches!(answer, PushAnswer::Malformed { .. }), "{answer:?}");
    request.events.clear();
    let answer = push(&*provider, &request).await;
    assert!(matches!(answer, PushAnswer::Malformed { .. }), "{answer:?}");
    assert_eq!(position(&*provider).await.head, 0);
}

pub(super) async fn a_denied_event_is_rejected_with_its_batch(backend: &dyn Backend) {
    let provider = backend.provider();
    let mut request = batch("A", ROOT, &["a", "b"]);
    request.events[1].name = FORBIDDEN.into();
    let rejected = PushAnswer::Rejected { id: id_of("b"), code: "no".into(), reason: "not here".into() };
    assert_eq!(push(&*provider, &request).await, rejected);
    assert_eq!(position(&*provider).await.head, 0);
}

pub(super) async fn pages_are_bounded_and_count_what_remains(backend: &dyn Backend) {
    let provider = backend.provider();
    let log = accept(&*provider, &batch("A", ROOT, &["a", "b", "c", "d", "e"])).await.log;
    let page = pull(&*provider, PullRequest { limit: Some(2), ..after(ROOT) }).await;
    assert_eq!((numbers(&page.events), page.remaining), (vec![1, 2], 3));
    let page = pull(&*provider, PullRequest { after: 2, limit: Some(3), ..PullRequest::default() }).await;
    assert_eq!((numbers(&page.events), page.remaining), (vec![3, 4, 5], 0));
    let page = pull(&*provider, after(head(&log))).await;
    assert_eq!((page.events, page.remaining), (vec![], 0));
}

pub(super) async fn a_group_is_never_split(backend: &dyn Backend) {
    let provider = backend.provider();
    let log = accept(&*provider, &batch("A", ROOT, &["a"])).await.log;
    accept(&*provider, &as_group(batch("A", head(&log), &["b", "c", "d"]))).await;
    let page = pull(&*provider, PullRequest { limit: Some(2), ..after(ROOT) }).await;
    assert_eq!((numbers(&page.events), page.remaining), (vec![1], 3));
    let page = pull(&*provider, PullRequest { limit: Some(2), ..after(head(&log)) }).await;
    assert_eq!((numbers(&page.events), page.remaining), (vec![2, 3, 4], 0));
}

pub(super) async fn the_largest_group_goes_through(backend: &dyn Backend) {
    let provider = backend.provider();
    let mut request = as_group(batch("A", ROOT, &["a", "b", "c", "d"]));
    let bytes = MAX_GROUP_BYTES / 4 - 300;
    assert!(bytes <= MAX_ARGS_BYTES && bytes * 4 > 3 * MAX_PAGE_BYTES, "the group is larger than a page");
    for event in &mut request.events {
        event.args = args(format!("\"{}\"", "\\n".repeat(bytes / 2 - 1)));
    }
    accept(&*provider, &request).await;
    assert_eq!(pull(&*provider, after(ROOT)).await.events, request.events);
}

pub(super) async fn a_pull_of_another_history_diverges(backend: &dyn Backend) {
    let provider = backend.provider();
    let log = accept(&*provider, &batch("A", ROOT, &["a", "b"])).await.log;
    let (ahead, other) = ((7, Chain::from_bytes([9; 32])), (2, Chain::from_bytes([9; 32])));
    let answer = provider.pull(&store(), after(ahead)).await;
    assert_eq!(answer, Ok(PullAnswer::Diverged { log, common_seq_num: 2 }));
    let answer = provider.pull(&store(), after(other)).await;
    assert_eq!(answer, Ok(PullAnswer::Diverged { log, common_seq_num: 1 }));
}

pub(super) async fn a_pull_waits_no_longer_than_asked(backend: &dyn Backend) {
    let provider = backend.provider();
    let asked = PullRequest { wait_ms: 30, ..after(ROOT) };
    let page = tokio::time::timeout(WOKEN, pull(&*provider, asked)).await;
    assert_eq!(page.expect("30 ms are over").events, []);
}

pub(super) async fn a_held_pull_is_woken_by_a_push(backend: &dyn Backend) {
    let (phone, laptop) = (backend.provider(), backend.provider());
    let mut parent = ROOT;
    // Several times, because a push can be so quick that the pull comes after it.
    for id in ["a", "b", "c", "d", "e"] {
        let request = batch("A", parent, &[id]);
        let held = pull(&*phone, PullRequest { wait_ms: MAX_POLL_MS, ..after(parent) });
        let both = async { tokio::join!(held, accept(&*laptop, &request)) };
        let (page, reply) = tokio::time::timeout(WOKEN, both).await.expect("the pull is woken");
        assert_eq!((page.events, page.log), (request.events, reply.log));
        parent = head(&reply.log);
    }
}

pub(super) async fn a_held_pull_does_not_delay_a_push(backend: &dyn Backend) {
    let provider = backend.provider();
    let other = StoreId::new("other").expect("a valid name");
    let mut held = provider.pull(&other, PullRequest { wait_ms: MAX_POLL_MS, ..after(ROOT) });
    let pushes = async {
        let mut parent = ROOT;
        for id in ["a", "b", "c"] {
            parent = head(&accept(&*provider, &batch("A", parent, &[id])).await.log);
        }
    };
    tokio::select! {
        answer = &mut held => panic!("nothing happens there: {answer:?}"),
        done = tokio::time::timeout(WOKEN, pushes) => done.expect("pushes don't wait for the pull"),
    }
}

pub(super) async fn a_dropped_pull_does_no_harm(backend: &dyn Backend) {
    let provider = backend.provider();
    for _ in 0..20 {
        let store = store();
        let held = provider.pull(&store, PullRequest { wait_ms: MAX_POLL_MS, ..after(ROOT) });
        let dropped = tokio::time::timeout(Duration::from_millis(1), held).await;
        assert!(dropped.is_err(), "there is nothing to pull");
    }
    let log = accept(&*provider, &batch("A", ROOT, &["a"])).await.log;
    assert_eq!(pull(&*provider, after(ROOT)).await.log, log);
}

pub(super) async fn stores_know_nothing_of_each_other(backend: &dyn Backend) {
    let provider = backend.provider();
    let (here, there) = (store(), StoreId::new("Team-7").expect("a valid name"));
    let request = batch("A", ROOT, &["a"]);
    accept(&*provider, &request).await;
    let (log, own) = tokio::join!(provider.ping(&there), provider.ping(&here));
    let (log, own) = (log.expect("a definite answer"), own.expect("a definite answer"));
    assert_eq!(log.head, 0);
    assert_ne!(log.backend_id, own.backend_id);
    let same_client = PushRequest { claim: batch("B", ROOT, &[]).claim, ..request };
    let answer = provider.push(&there, same_client).await;
    assert!(matches!(answer, Ok(PushAnswer::Accepted(reply)) if !reply.duplicate));
}

/// Pushes events one by one, each numbered behind what the last answer taught.
async fn push_all(provider: &dyn SyncProvider, client: &str, count: usize) {
    let mut parent = ROOT;
    for number in 0..count {
        let id = format!("{client}{number}");
        loop {
            match push(provider, &batch(client, parent, &[&id])).await {
                PushAnswer::Accepted(reply) => {
                    parent = head(&reply.log);
                    break;
                }
                PushAnswer::Behind { log, .. } => parent = head(&log),
                answer => panic!("{client}: {answer:?}"),
            }
        }
    }
}

pub(super) async fn clients_that_push_at_once_get_one_order(backend: &dyn Backend) {
    let [a, b, c, d] = [(); 4].map(|()| backend.provider());
    tokio::join!(push_all(&*a, "A", 10), push_all(&*b, "B", 10), push_all(&*c, "C", 10), push_all(&*d, "D", 10));
    let events = pull(&*a, after(ROOT)).await.events;
    assert_eq!(numbers(&events), (1..=40).collect::<Vec<_>>());
    for client in ["A", "B", "C", "D"] {
        let own = events.iter().filter(|event| event.client_id.as_str() == client).map(|event| event.id);
        let due = (0..10).map(|number| id_of(&format!("{client}{number}")));
        assert!(own.eq(due), "the events of {client} are there once, in their order");
    }
}
