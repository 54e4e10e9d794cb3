//! The store alone, with a schema written by hand.

use headwater_core::{Args, EventScope};
use serde::{Deserialize, Serialize};

use crate::schema::{Event, EventDef, Materialize};
use crate::{Error, Result, Schema, SeqNum, StateTx, Storage, Store, params, sql};

#[derive(Serialize, Deserialize)]
struct Noted {
    text: String,
}

impl Materialize for Noted {
    fn materialize(&self, tx: &mut StateTx<'_>) -> Result<()> {
        tx.execute("INSERT INTO notes VALUES (?1)", params![self.text]).map(drop)
    }
}

impl Event for Noted {
    const DEFS: &'static [EventDef] = &[EventDef {
        name: "v1.Noted",
        ver: 1,
        scope: EventScope::Synced,
        shape: "text: String",
        materializer: "insert",
        statements: &["INSERT INTO notes VALUES (?1)"],
        upcasts: &[],
    }];

    fn def(&self) -> &'static EventDef {
        &Self::DEFS[0]
    }

    fn encode(&self) -> Result<Args, serde_json::Error> {
        Args::encode(self)
    }

    fn decode(_: usize, args: &Args) -> Result<Self, serde_json::Error> {
        args.decode()
    }
}

fn noted(text: &str) -> Noted {
    Noted { text: text.to_owned() }
}

fn schema() -> Schema {
    Schema::builder().sql("CREATE TABLE notes (text TEXT NOT NULL UNIQUE) STRICT").event::<Noted>().build()
}

fn texts(store: &Store) -> Vec<String> {
    store.query(sql("SELECT text FROM notes ORDER BY text", params![])).expect("reads")
}

#[test]
fn a_commit_shows_in_queries_and_live_queries_and_in_the_log() -> Result<()> {
    let store = Store::builder(schema()).open()?;
    let count = store.live_query(sql::<i64>("SELECT count(*) FROM notes", params![]))?;
    let receipt = store.commit([noted("a"), noted("b")])?;
    assert!(receipt.is_persisted());
    assert_eq!(count.first(), Some(2));
    assert_eq!(texts(&store), ["a", "b"]);
    let events: Vec<_> = store.events(SeqNum::ROOT).collect::<Result<_>>()?;
    assert_eq!(events.iter().map(|event| event.seq.to_string()).collect::<Vec<_>>(), ["e1", "e2"]);
    assert_eq!(events[1].id, receipt.event_ids()[1]);
    Ok(())
}

#[test]
fn a_commit_that_fails_changes_nothing() -> Result<()> {
    let store = Store::builder(schema()).open()?;
    store.commit(noted("a"))?;
    let error = store.commit([noted("b"), noted("a")]).expect_err("the text is unique");
    assert!(matches!(error, Error::Materialize { index: 1, .. }), "{error}");
    assert_eq!(texts(&store), ["a"]);
    assert_eq!(store.events(SeqNum::ROOT).count(), 1);
    store.commit(noted("b"))?;
    assert_eq!(texts(&store), ["a", "b"]);
    Ok(())
}

#[test]
fn data_survives_a_restart_and_a_lost_state() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let open = || Store::builder(schema()).storage(Storage::directory(folder.path())).open();
    let store = open()?;
    store.commit(noted("a"))?;
    store.shutdown()?;
    let store = open()?;
    assert_eq!(texts(&store), ["a"]);
    store.commit(noted("b"))?;
    store.shutdown()?;
    std::fs::remove_file(folder.path().join("state.db")).expect("is there");
    assert_eq!(texts(&open()?), ["a", "b"]);
    Ok(())
}

fn drop_store(store: Store) -> Result<()> {
    drop(store);
    Ok(())
}

#[test]
fn what_was_committed_without_waiting_is_written_when_the_store_ends() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let open = || {
        let builder = Store::builder(schema()).storage(Storage::directory(folder.path()));
        builder.durability(crate::Durability::Deferred).open()
    };
    for (round, ends) in [Store::shutdown, drop_store].into_iter().enumerate() {
        let store = open()?;
        for number in 0..100 {
            store.commit(noted(&format!("{round}.{number}")))?;
        }
        ends(store)?;
        assert_eq!(texts(&open()?).len(), (round + 1) * 100);
    }
    Ok(())
}

#[test]
fn settled_events_read_the_same_from_memory_and_from_the_file() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let open = || Store::builder(schema()).storage(Storage::directory(folder.path())).open();
    let all = |store: &Store| -> Result<Vec<String>> {
        let events = store.events(SeqNum::ROOT).map(|event| event.map(|event| format!("{event:?}")));
        events.collect()
    };
    let store = open()?;
    store.commit(noted("a"))?;
    store.commit([noted("b"), noted("c")])?;
    let from_memory = all(&store)?;
    store.shutdown()?;
    let store = open()?;
    assert_eq!(all(&store)?, from_memory);
    store.commit(noted("d"))?;
    assert_eq!(all(&store)?[..3], from_memory);
    assert_eq!(store.events(SeqNum::global(2)).count(), 2);
    Ok(())
}

#[test]
fn sessions_of_one_client_see_each_other_at_once() -> Result<()> {
    let store = Store::builder(schema()).open()?;
    let other = store.new_session()?;
    let seen = other.live_query(sql::<i64>("SELECT count(*) FROM notes", params![]))?;
    let mut changes = other.sync_status_changes();
    store.commit(noted("a"))?;
    changes.wait_until(std::time::Duration::from_secs(10), |status| status.heads.session.global == 1).expect("arrives");
    assert_eq!(seen.first(), Some(1));
    other.commit(noted("b"))?;
    store.commit(noted("c"))?;
    assert_eq!(texts(&store), ["a", "b", "c"]);
    Ok(())
}

#[test]
fn what_the_backend_has_not_confirmed_is_pending_and_not_in_the_log() -> Result<()> {
    let backend = crate::sync_provider::HttpSync::new("http://127.0.0.1:1")?;
    let store = Store::builder(schema()).sync(backend).start_offline().open()?;
    let receipt = store.commit([noted("a"), noted("b")])?;
    let pending = store.pending_events();
    assert_eq!(pending.iter().map(|event| event.seq.to_string()).collect::<Vec<_>>(), ["e1", "e2"]);
    assert_eq!(pending.iter().map(|event| event.id).collect::<Vec<_>>(), receipt.event_ids());
    assert_eq!(pending[0].decode::<Noted>()?.text, "a");
    assert_eq!(store.events(SeqNum::ROOT).count(), 0);
    Ok(())
}

#[test]
fn without_a_backend_nothing_is_pending() -> Result<()> {
    let store = Store::builder(schema()).open()?;
    store.commit(noted("a"))?;
    assert_eq!(store.pending_events(), []);
    Ok(())
}

/// A message that a leader can't mean stands for whatever else could make a session lose track.
#[test]
fn a_session_that_lost_track_starts_over_from_the_log_and_keeps_what_is_its_own() -> Result<()> {
    let store = Store::builder(schema()).open()?;
    let count = store.live_query(sql::<i64>("SELECT count(*) FROM notes", params![]))?;
    store.commit(noted("a"))?;
    let (seen, told) = std::sync::mpsc::channel();
    let _subscription = count.subscribe(move |count| seen.send(count[0]).expect("is read"));
    store.0.session.mislead();
    store.commit(crate::Commit::new().with(noted("b"))?.durability(crate::Durability::Deferred))?;
    assert_eq!(told.recv_timeout(std::time::Duration::from_secs(60)), Ok(2));
    store.commit(noted("c"))?;
    assert_eq!((texts(&store), count.first()), (vec!["a".into(), "b".into(), "c".into()], Some(3)));
    assert_eq!(store.events(SeqNum::ROOT).count(), 3);
    store.verify()
}
