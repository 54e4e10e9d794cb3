//! What every storage must do. Each test runs on all of them.

use std::sync::Arc;
use std::time::Duration;

use headwater_core::backend::PageBounds;
use headwater_core::protocol::{LogPosition, PushAnswer, PushReply, PushRequest};
use headwater_core::{BackendId, Chain, Claim, EventId, Facts, limits};
use headwater_server::event_store::{EventStore, StoreError};
use tokio::time::timeout;

use crate::support::{Writer, args, chain_after, fresh_id, store};

/// Longer than anything takes: it only turns a hang into a failure.
const HANG: Duration = Duration::from_secs(20);

macro_rules! conformance {
    ($($test:ident,)*) => {
        mod memory {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test(std::sync::Arc::new(headwater_server::event_store::MemoryEventStore::new())).await;
                }
            )*
        }

        mod sqlite {
            $(
                #[tokio::test]
                async fn $test() {
                    let folder = tempfile::tempdir().expect("a folder");
                    let store = headwater_server::sqlite::SqliteEventStore::open(folder.path()).expect("a database");
                    super::$test(std::sync::Arc::new(store)).await;
                }
            )*
        }
    };
}

conformance! {
    a_store_begins_empty_with_an_id_of_its_own,
    events_come_back_as_they_went_in,
    the_chain_covers_every_event,
    a_resend_is_answered_with_its_positions,
    behind_brings_the_missing_events,
    behind_brings_no_events_of_another_history,
    a_long_tail_is_cut_between_groups,
    another_claim_is_refused,
    another_backend_or_epoch_is_refused,
    a_malformed_batch_changes_nothing,
    pages_hold_whole_groups_and_count_the_rest,
    a_page_beyond_the_head_is_empty,
    stores_do_not_mix,
    racing_pushes_make_one_order,
    a_probe_answers_and_appends_nothing,
    a_watch_wakes_when_the_head_moves,
    a_push_goes_through_when_nobody_waits_for_it,
    a_closed_storage_says_so,
}

type Store = Arc<dyn EventStore>;

async fn push(on: &Store, batch: &PushRequest) -> PushAnswer {
    on.push(&store("s"), batch.clone()).await.expect("the storage works")
}

#[track_caller]
fn accepted(answer: PushAnswer) -> PushReply {
    match answer {
        PushAnswer::Accepted(reply) => reply,
        other => panic!("expected to be accepted, got {other:?}"),
    }
}

async fn position(on: &Store) -> LogPosition {
    on.position(&store("s")).await.expect("the storage works")
}

/// Fills the store with single events.
async fn fill(on: &Store, count: usize) -> Writer {
    let mut writer = Writer::new("A");
    for _ in 0..count {
        writer.follow(&accepted(push(on, &writer.batch(&[0])).await).log);
    }
    writer
}

async fn a_store_begins_empty_with_an_id_of_its_own(on: Store) {
    let first = position(&on).await;
    assert_eq!((first.head, first.chain, first.epoch), (0, Chain::ROOT, 0));
    assert_eq!(position(&on).await, first);
    let other = on.position(&store("t")).await.expect("the storage works");
    assert_ne!(other.backend_id, first.backend_id);
    let page = on.page(&store("u"), 0, PageBounds::pull(None)).await.expect("the storage works");
    assert_eq!((page.chain, page.events.len(), page.remaining), (Some(Chain::ROOT), 0, 0));
    assert_eq!(on.position(&store("u")).await, Ok(page.log));
}

async fn events_come_back_as_they_went_in(on: Store) {
    let mut batch = Writer::new("A").batch(&[0, 1, 0, 0]);
    batch.events[0].args =
        args("{ \"b\" :\t1e5,\n \"a\": 0.1000, \"big\":123456789012345678901234567890 , \"a\":\"\\u00e9é\" }");
    batch.events[1].args = args("null");
    batch.events[1].ver = u32::MAX;
    batch.events[2].name = "v9.Ünïcode’s".into();
    batch.events[2].facts =
        Facts { writes: vec![String::new(), "a\"b".into()], requires: vec!["\0".into()], reads: vec!["é".into()] };
    batch.events[3].args = args(r#""\ud800 ' ; DROP TABLE events; --""#);
    accepted(push(&on, &batch).await);
    let page = on.page(&store("s"), 0, PageBounds::pull(None)).await.expect("the storage works");
    assert_eq!(page.events, batch.events);
}

async fn the_chain_covers_every_event(on: Store) {
    let mut writer = Writer::new("A");
    for groups in [&[0][..], &[2, 1, 0], &[0, 0]] {
        let batch = writer.batch(groups);
        let reply = accepted(push(&on, &batch).await);
        assert_eq!(reply.log.chain, chain_after(writer.chain, &batch.events));
        let expected: Vec<u64> = batch.events.iter().map(|event| event.seq_num).collect();
        assert_eq!((reply.positions, reply.duplicate), (expected, false));
        writer.follow(&reply.log);
    }
    assert_eq!(position(&on).await.chain, writer.chain);
    for after in 0..=writer.head {
        let page = on.page(&store("s"), after, PageBounds::pull(None)).await.expect("the storage works");
        let start = page.chain.expect("the log reaches that far");
        assert_eq!(chain_after(start, &page.events), writer.chain, "after {after}");
    }
}

async fn a_resend_is_answered_with_its_positions(on: Store) {
    let writer = fill(&on, 2).await;
    let batch = writer.batch(&[1, 0]);
    let first = accepted(push(&on, &batch).await);
    let again = accepted(push(&on, &batch).await);
    assert_eq!(again, PushReply { duplicate: true, ..first.clone() });
    let later = accepted(push(&on, &Writer::at("B", &first.log).batch(&[0])).await);
    let again = accepted(push(&on, &batch).await);
    assert_eq!(again, PushReply { log: later.log, duplicate: true, ..first });
}

async fn behind_brings_the_missing_events(on: Store) {
    let start = fill(&on, 3).await;
    let missing = start.batch(&[0, 1, 0]);
    let log = accepted(push(&on, &missing).await).log;
    let late = Writer { client: Writer::new("B").client, ..start }.batch(&[0]);
    let expected = PushAnswer::Behind { log, tail: missing.events, more: false };
    assert_eq!(push(&on, &late).await, expected);
    assert_eq!(position(&on).await, log);
    let mut partly = start.batch(&[0, 0]);
    partly.events[0] = late.events[0].clone();
    partly.events[1].id = fresh_id();
    assert_eq!(push(&on, &partly).await, expected);
    partly.events[1].id = log_first_id(&on).await;
    assert_eq!(push(&on, &partly).await, expected);
}

async fn log_first_id(on: &Store) -> EventId {
    let page = on.page(&store("s"), 0, PageBounds::pull(Some(1))).await.expect("the storage works");
    page.events[0].id
}

async fn behind_brings_no_events_of_another_history(on: Store) {
    let writer = fill(&on, 3).await;
    let other = Writer { chain: Chain::from_bytes([9; 32]), ..writer.clone() };
    let strangers = [
        other.batch(&[0]),
        Writer { head: 2, ..other.clone() }.batch(&[0]),
        Writer { head: 4, ..other.clone() }.batch(&[0]),
        Writer { head: u64::MAX / 2, ..other }.batch(&[0]),
    ];
    for batch in strangers {
        let log = position(&on).await;
        assert_eq!(push(&on, &batch).await, PushAnswer::Behind { log, tail: Vec::new(), more: true });
    }
}

async fn a_long_tail_is_cut_between_groups(on: Store) {
    let writer = fill(&on, 1).await;
    let mut batch = writer.batch(&[0, 3, 2, 1, 0, 0]);
    for event in &mut batch.events {
        event.args = args(&format!("\"{}\"", "x".repeat(limits::MAX_TAIL_BYTES / 4)));
    }
    let log = accepted(push(&on, &batch).await).log;
    match push(&on, &writer.batch(&[0])).await {
        PushAnswer::Behind { log: found, tail, more } => {
            assert_eq!((found, tail.len(), more), (log, 1, true));
        }
        other => panic!("expected behind, got {other:?}"),
    }
    let late = Writer { head: 2, chain: chain_after(writer.chain, &batch.events[..1]), ..writer }.batch(&[0]);
    match push(&on, &late).await {
        PushAnswer::Behind { tail, more, .. } => assert_eq!((tail.len(), more), (4, true)),
        other => panic!("expected behind, got {other:?}"),
    }
}

async fn another_claim_is_refused(on: Store) {
    let writer = fill(&on, 1).await;
    let thief = Writer { claim: Claim::of_secret(&[2; 32]), ..writer.clone() };
    assert_eq!(push(&on, &thief.batch(&[0])).await, PushAnswer::ClientIdTaken);
    let elsewhere = Writer { claim: thief.claim, ..Writer::new("A") };
    let answer = on.push(&store("t"), elsewhere.batch(&[0])).await.expect("the storage works");
    accepted(answer);
    accepted(push(&on, &writer.batch(&[0])).await);
}

async fn another_backend_or_epoch_is_refused(on: Store) {
    let log = position(&on).await;
    let batch = Writer::new("A").batch(&[0]);
    let other = PushRequest { backend_id: Some(BackendId::from_bytes([9; 16])), ..batch.clone() };
    assert_eq!(push(&on, &other).await, PushAnswer::BackendMismatch { log });
    let other = PushRequest { epoch: Some(1), ..batch.clone() };
    assert_eq!(push(&on, &other).await, PushAnswer::BackendMismatch { log });
    accepted(push(&on, &PushRequest { backend_id: Some(log.backend_id), epoch: Some(0), ..batch }).await);
}

async fn a_malformed_batch_changes_nothing(on: Store) {
    let writer = fill(&on, 2).await;
    let log = position(&on).await;
    let changes: [fn(&mut PushRequest); 5] = [
        |batch| batch.events.clear(),
        |batch| batch.events[2].seq_num += 1,
        |batch| batch.events[2].id = batch.events[0].id,
        |batch| batch.events[2].group = 1,
        |batch| batch.events[2].ver = 0,
    ];
    for change in changes {
        let mut batch = writer.batch(&[0, 0, 0]);
        change(&mut batch);
        assert!(matches!(push(&on, &batch).await, PushAnswer::Malformed { .. }));
        assert_eq!(position(&on).await, log);
    }
    let thief = Writer { claim: Claim::of_secret(&[2; 32]), ..Writer::at("B", &log) };
    let mut batch = thief.batch(&[0]);
    batch.events[0].ver = 0;
    assert!(matches!(push(&on, &batch).await, PushAnswer::Malformed { .. }));
    accepted(push(&on, &Writer::at("B", &log).batch(&[0])).await);
}

async fn pages_hold_whole_groups_and_count_the_rest(on: Store) {
    let batch = Writer::new("A").batch(&[0, 2, 1, 0, 0, 1, 0]);
    accepted(push(&on, &batch).await);
    let mut sizes = Vec::new();
    let mut after = 0;
    loop {
        let page = on.page(&store("s"), after, PageBounds::pull(Some(2))).await.expect("the storage works");
        assert_eq!(page.remaining, 7 - after - page.events.len() as u64);
        let Some(last) = page.events.last() else { break };
        assert_eq!((page.events[0].seq_num, last.group), (after + 1, 0));
        after = last.seq_num;
        sizes.push(page.events.len());
    }
    assert_eq!(sizes, [1, 3, 1, 2]);
}

async fn a_page_beyond_the_head_is_empty(on: Store) {
    fill(&on, 1).await;
    for after in [2, 1_000, u64::MAX] {
        let page = on.page(&store("s"), after, PageBounds::pull(None)).await.expect("the storage works");
        assert_eq!((page.chain, page.events.len(), page.remaining), (None, 0, 0));
    }
}

async fn stores_do_not_mix(on: Store) {
    let names = ["a-b", "a_b", "A-B", "A-b", "ab", "a"];
    let batch = Writer::new("A").batch(&[0]);
    for (index, name) in names.iter().enumerate() {
        for _ in 0..=index {
            let log = on.position(&store(name)).await.expect("the storage works");
            accepted(on.push(&store(name), Writer::at("A", &log).batch(&[0])).await.expect("the storage works"));
        }
    }
    for (index, name) in names.iter().enumerate() {
        let log = on.position(&store(name)).await.expect("the storage works");
        assert_eq!(log.head, index as u64 + 1, "{name}");
    }
    // The same events may be in two stores.
    for name in ["x", "y"] {
        accepted(on.push(&store(name), batch.clone()).await.expect("the storage works"));
    }
}

async fn racing_pushes_make_one_order(on: Store) {
    const CLIENTS: usize = 8;
    const BATCHES: usize = 10;
    let race = |client: usize| {
        let on = on.clone();
        async move {
            let mut writer = Writer::new(&format!("c{client}"));
            for _ in 0..BATCHES {
                loop {
                    match push(&on, &writer.batch(&[1, 0])).await {
                        PushAnswer::Accepted(reply) => break writer.follow(&reply.log),
                        PushAnswer::Behind { tail, .. } => {
                            writer.chain = chain_after(writer.chain, &tail);
                            writer.head += tail.len() as u64;
                        }
                        other => panic!("{other:?}"),
                    }
                }
            }
        }
    };
    let racing: Vec<_> = (0..CLIENTS).map(|client| tokio::spawn(race(client))).collect();
    for one in racing {
        one.await.expect("no panic");
    }
    let page = on.page(&store("s"), 0, PageBounds::pull(None)).await.expect("the storage works");
    let positions: Vec<u64> = page.events.iter().map(|event| event.seq_num).collect();
    assert_eq!(positions, (1..=(CLIENTS * BATCHES * 2) as u64).collect::<Vec<_>>());
    assert_eq!(chain_after(Chain::ROOT, &page.events), page.log.chain);
    assert!(page.events.chunks(2).all(|group| group[0].client_id == group[1].client_id), "a batch was torn");
}

async fn a_probe_answers_and_appends_nothing(on: Store) {
    let probe = |batch: PushRequest| on.probe(&store("s"), &batch);
    let batch = Writer::new("A").batch(&[0]);
    assert_eq!(probe(batch.clone()).await, Ok(None));
    assert_eq!(position(&on).await.head, 0);
    let reply = accepted(push(&on, &batch).await);
    let duplicate = PushReply { duplicate: true, ..reply.clone() };
    assert_eq!(probe(batch.clone()).await, Ok(Some(PushAnswer::Accepted(duplicate))));
    let behind = PushAnswer::Behind { log: reply.log, tail: batch.events, more: false };
    assert_eq!(probe(Writer::new("B").batch(&[0])).await, Ok(Some(behind)));
}

async fn a_watch_wakes_when_the_head_moves(on: Store) {
    let mut watch = on.watch(&store("s"));
    let mut elsewhere = on.watch(&store("t"));
    let waiting = tokio::spawn(async move { watch.after(1).await });
    fill(&on, 2).await;
    timeout(HANG, waiting).await.expect("it wakes").expect("no panic");
    let still = timeout(Duration::from_millis(1), elsewhere.after(0)).await;
    assert!(still.is_err(), "another store's watch woke");
}

async fn a_push_goes_through_when_nobody_waits_for_it(on: Store) {
    let mut watch = on.watch(&store("s"));
    let mut pushing = on.push(&store("s"), Writer::new("A").batch(&[0]));
    let waker = std::task::Waker::noop();
    let _ = pushing.as_mut().poll(&mut std::task::Context::from_waker(waker));
    drop(pushing);
    timeout(HANG, watch.after(0)).await.expect("it wakes");
    assert_eq!(position(&on).await.head, 1);
}

async fn a_closed_storage_says_so(on: Store) {
    let writer = fill(&on, 1).await;
    assert_eq!(on.check().await, Ok(()));
    assert_eq!(on.close().await, Ok(()));
    assert_eq!(on.close().await, Ok(()));
    assert_eq!(on.check().await, Err(StoreError::Closed));
    assert_eq!(on.position(&store("s")).await, Err(StoreError::Closed));
    assert_eq!(on.push(&store("s"), writer.batch(&[0])).await, Err(StoreError::Closed));
    assert_eq!(on.page(&store("s"), 0, PageBounds::pull(None)).await, Err(StoreError::Closed));
}
