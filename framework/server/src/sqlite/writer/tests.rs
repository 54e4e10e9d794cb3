//! What the writer does when SQLite does not do what it is told.

use std::sync::atomic::{AtomicUsize, Ordering};

use headwater_core::protocol::{PushReply, VERSION, WireEvent};
use headwater_core::{Args, Chain, Claim, ClientId, EventId, Facts, SessionId};
use tempfile::TempDir;

use super::*;
use crate::sqlite::open::open_writer;

fn writer(path: &TempDir) -> (Writer, mpsc::Sender<Job>) {
    let folder = Folder::claim(path.path()).unwrap();
    let connection = open_writer(&folder).unwrap();
    let (jobs, queue) = mpsc::channel(100);
    (Writer::new(connection, queue, HeadWatchers::default(), folder), jobs)
}

/// A batch of single events with these names, behind a position. Ids are made of position and client.
fn batch(client: &str, parent: u64, parent_chain: Chain, names: &[&str]) -> Arc<PushRequest> {
    let client_id = ClientId::new(client).unwrap();
    let event = |(seq_num, name): (u64, &&str)| {
        let mut id = [client.as_bytes()[0]; 16];
        id[..8].copy_from_slice(&seq_num.to_be_bytes());
        WireEvent {
            seq_num,
            parent_seq_num: seq_num - 1,
            name: (*name).into(),
            args: Args::from_json("{}".into()).unwrap(),
            client_id: client_id.clone(),
            session_id: SessionId::new("s").unwrap(),
            id: EventId::from_bytes(id),
            ver: 1,
            group: 0,
            facts: Facts::default(),
        }
    };
    Arc::new(PushRequest {
        protocol: VERSION,
        backend_id: None,
        epoch: None,
        client_id: client_id.clone(),
        claim: Claim::from_bytes([7; 32]),
        parent,
        parent_chain,
        events: (parent + 1..).zip(names).map(event).collect(),
    })
}

type Answered = oneshot::Receiver<Result<Outcome, StoreError>>;

fn push(store: &str, request: Arc<PushRequest>) -> (Job, Answered) {
    let (answer, answered) = oneshot::channel();
    (Job::Push { store: StoreId::new(store).unwrap(), request, answer }, answered)
}

/// Does pushes in one transaction, each to a store of its own.
fn commit(writer: &mut Writer, pushes: Vec<(&str, Arc<PushRequest>)>) -> Vec<Result<Outcome, StoreError>> {
    let (jobs, answers): (Vec<_>, Vec<_>) = pushes.into_iter().map(|(store, request)| push(store, request)).unzip();
    writer.commit(jobs);
    answers.into_iter().map(|mut answer| answer.try_recv().unwrap()).collect()
}

#[track_caller]
fn accepted(outcome: &Result<Outcome, StoreError>) -> &PushReply {
    match outcome {
        Ok(Outcome::Answer(PushAnswer::Accepted(reply))) => reply,
        other => panic!("expected to be accepted, got {other:?}"),
    }
}

fn count(writer: &Writer, table: &str) -> u64 {
    let count: i64 =
        writer.connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
    count.try_into().unwrap()
}

fn fail_on(writer: &Writer, raise: &str) {
    let trigger = format!(
        "CREATE TEMP TRIGGER fail BEFORE INSERT ON main.events WHEN NEW.name = 'fail'
         BEGIN SELECT RAISE({raise}, 'no'); END"
    );
    writer.connection.execute_batch(&trigger).unwrap();
}

#[test]
fn pushes_that_wait_share_one_commit() {
    let path = tempfile::tempdir().unwrap();
    let (mut writer, jobs) = writer(&path);
    let commits = Arc::new(AtomicUsize::new(0));
    let counter = commits.clone();
    let hook = move || {
        counter.fetch_add(1, Ordering::SeqCst);
        false
    };
    writer.connection.commit_hook(Some(hook)).unwrap();
    let mut answers = Vec::new();
    for index in 0..50 {
        let (job, answer) = push(&format!("s{index}"), batch("A", 0, Chain::ROOT, &["a", "b"]));
        jobs.try_send(job).unwrap();
        answers.push(answer);
    }
    let (answer, closed) = oneshot::channel();
    jobs.try_send(Job::Close { answer }).unwrap();
    let (job, mut late) = push("late", batch("A", 0, Chain::ROOT, &["a"]));
    jobs.try_send(job).unwrap();
    writer.run();
    for mut answer in answers {
        accepted(&answer.try_recv().unwrap());
    }
    assert_eq!(closed.blocking_recv(), Ok(Ok(())));
    assert_eq!(late.try_recv().unwrap().unwrap_err(), StoreError::Closed);
    assert_eq!(commits.load(Ordering::SeqCst), 1);
}

#[test]
fn a_push_that_fails_takes_no_other_with_it() {
    let path = tempfile::tempdir().unwrap();
    let (mut writer, _jobs) = writer(&path);
    fail_on(&writer, "ABORT");
    let first = batch("A", 0, Chain::ROOT, &["a"]);
    let answers = commit(&mut writer, vec![("s", first)]);
    let log = accepted(&answers[0]).log;
    let answers = commit(
        &mut writer,
        vec![
            ("t", batch("A", 0, Chain::ROOT, &["a"])),
            ("s", batch("B", 1, log.chain, &["b", "fail", "c"])),
            ("s", batch("A", 1, log.chain, &["d"])),
            ("u", batch("A", 0, Chain::ROOT, &["fail"])),
        ],
    );
    assert_eq!(accepted(&answers[0]).log.head, 1);
    assert!(matches!(answers[1], Err(StoreError::Failed(_))), "{:?}", answers[1]);
    assert_eq!(accepted(&answers[2]).log.head, 2);
    assert!(matches!(answers[3], Err(StoreError::Failed(_))));
    assert_eq!((count(&writer, "events"), count(&writer, "claims")), (3, 2));
    let heads = "stores WHERE head <> (SELECT count(*) FROM events AS e WHERE e.store_key = stores.store_key)";
    assert_eq!(count(&writer, heads), 0);
}

#[test]
fn a_transaction_that_fails_acknowledges_nothing_and_the_next_one_works() {
    let path = tempfile::tempdir().unwrap();
    let (mut writer, _jobs) = writer(&path);
    fail_on(&writer, "ROLLBACK");
    let first = batch("A", 0, Chain::ROOT, &["a"]);
    let answers = commit(
        &mut writer,
        vec![("s", first.clone()), ("t", batch("A", 0, Chain::ROOT, &["b", "fail"])), ("u", first.clone())],
    );
    assert!(answers.iter().all(|answer| matches!(answer, Err(StoreError::Failed(_)))), "{answers:?}");
    assert_eq!((count(&writer, "events"), count(&writer, "stores"), count(&writer, "claims")), (0, 0, 0));
    let answers = commit(&mut writer, vec![("s", first)]);
    assert_eq!(accepted(&answers[0]).log.head, 1);
}

#[test]
fn a_full_disk_is_told_and_got_over() {
    let path = tempfile::tempdir().unwrap();
    let (mut writer, _jobs) = writer(&path);
    let log = accepted(&commit(&mut writer, vec![("s", batch("A", 0, Chain::ROOT, &["a"]))])[0]).log;
    let pages: i64 = writer.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    writer.connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).unwrap();
    let mut large = Arc::unwrap_or_clone(batch("A", 1, log.chain, &["b"]));
    large.events[0].args = Args::from_json(format!("\"{}\"", "x".repeat(100_000))).unwrap();
    let large = Arc::new(large);
    let answers = commit(&mut writer, vec![("s", large.clone())]);
    assert!(matches!(answers[0], Err(StoreError::Unavailable(_))), "{:?}", answers[0]);
    assert_eq!(count(&writer, "events"), 1);
    writer.connection.query_row("PRAGMA max_page_count = 1000000", [], |_| Ok(())).unwrap();
    assert_eq!(accepted(&commit(&mut writer, vec![("s", large)])[0]).log.head, 2);
}
