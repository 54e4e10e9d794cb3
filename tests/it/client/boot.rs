//! Opening a store: rebuilding the state, the first sync, and what was left behind by whatever happened before.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Result;
use headwater::schema::{EventDef, Materialize};
use headwater::sync_provider::MemoryBackend;
use headwater::{
    Args, BootStatus, Event, EventScope, Health, InitialSync, Schema, SeqNum, StateTx, Storage, Store, params, sql,
};
use headwater_tests::schema::{TodoEvent, schema};
use serde::{Deserialize, Serialize};

use super::world::{Client, PATIENCE, converge, created, default_id, noted, notes, reach, texts, todos};

/// Opens a folder and says what was reported meanwhile.
fn open(schema: Schema, path: &Path) -> Result<(Store, Vec<BootStatus>)> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = seen.clone();
    let builder = Store::builder(schema).storage(Storage::directory(path));
    let store = builder.on_boot(move |status| sink.lock().expect("no panic").push(status)).open()?;
    let seen = seen.lock().expect("no panic").clone();
    Ok((store, seen))
}

fn rebuilt(statuses: &[BootStatus]) -> bool {
    statuses.iter().any(|status| matches!(status, BootStatus::Rebuilding { .. }))
}

/// What the materializer of [`Counted`] adds for each event; it stands for a change of the app's code.
#[derive(Serialize, Deserialize)]
struct Counted<const STEP: i64>;

impl<const STEP: i64> Materialize for Counted<STEP> {
    fn materialize(&self, tx: &mut StateTx<'_>) -> headwater::Result<()> {
        tx.execute("INSERT INTO counted VALUES (?1)", params![STEP]).map(drop)
    }
}

impl<const STEP: i64> Event for Counted<STEP> {
    const DEFS: &'static [EventDef] = &[EventDef {
        name: "v1.Counted",
        ver: 1,
        scope: EventScope::Synced,
        shape: "",
        materializer: if STEP == 1 { "count, revision 1" } else { "count, revision 2" },
        statements: &[],
        upcasts: &[],
    }];

    fn def(&self) -> &'static EventDef {
        &Self::DEFS[0]
    }

    fn encode(&self) -> Result<Args, serde_json::Error> {
        Args::encode(&())
    }

    fn decode(_: usize, _: &Args) -> Result<Self, serde_json::Error> {
        Ok(Self)
    }
}

fn counted<const STEP: i64>(more: &[&str]) -> Schema {
    let schema = Schema::builder().sql("CREATE TABLE counted (step INTEGER) STRICT").event::<Counted<STEP>>();
    more.iter().fold(schema, |schema, sql| schema.sql(*sql)).build()
}

fn sum(store: &Store) -> i64 {
    store.query(sql::<i64>("SELECT coalesce(sum(step), 0) FROM counted", params![])).expect("reads")[0]
}

#[test]
fn a_changed_schema_or_materializer_rebuilds_the_state_and_says_so() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (store, statuses) = open(counted::<1>(&[]), folder.path())?;
    assert_eq!(statuses.last(), Some(&BootStatus::Done));
    for _ in 0..12 {
        store.commit((0..100).map(|_| Counted::<1>).collect::<Vec<_>>())?;
    }
    assert_eq!(sum(&store), 1_200);
    store.shutdown()?;

    let (store, statuses) = open(counted::<1>(&[]), folder.path())?;
    assert_eq!(statuses, [BootStatus::Loading, BootStatus::Done], "nothing has changed");
    store.shutdown()?;

    let (store, statuses) = open(counted::<2>(&[]), folder.path())?;
    assert_eq!(sum(&store), 2_400, "an old result is mixed with new ones");
    let applied: Vec<_> = statuses
        .iter()
        .filter_map(|status| match status {
            BootStatus::Rebuilding { applied } => Some(*applied),
            _ => None,
        })
        .collect();
    assert_eq!(applied, [0, 500, 1_000, 1_200]);
    assert_eq!((statuses[0], statuses[5]), (BootStatus::Loading, BootStatus::Done));
    store.commit(Counted::<2>)?;
    store.shutdown()?;

    let (store, statuses) = open(counted::<2>(&["CREATE INDEX by_step ON counted (step)"]), folder.path())?;
    assert!(rebuilt(&statuses));
    assert_eq!(sum(&store), 2_402);
    store.verify()?;
    Ok(())
}

#[test]
fn a_rebuild_that_was_interrupted_is_done_anew() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (store, _) = open(schema(), folder.path())?;
    for number in 0..20 {
        store.commit(created(&format!("{number:02}")))?;
    }
    store.shutdown()?;
    // A state that was built half: of this schema, but of another log.
    let other = tempfile::tempdir()?;
    let (half, _) = open(schema(), other.path())?;
    half.commit(created("not of this log"))?;
    half.shutdown()?;
    fs::copy(other.path().join("state.db"), folder.path().join("state-new.db"))?;
    fs::write(folder.path().join("state-new.db-wal"), "torn")?;
    fs::remove_file(folder.path().join("state.db"))?;
    let (store, statuses) = open(schema(), folder.path())?;
    assert!(rebuilt(&statuses));
    assert_eq!(todos(&store).len(), 20);
    store.verify()?;
    assert!(!folder.path().join("state-new.db").exists());
    Ok(())
}

/// The state may have reached the disk when the tail of the log has not.
#[test]
fn a_state_ahead_of_the_log_is_rebuilt() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (store, _) = open(schema(), folder.path())?;
    store.commit(created("1"))?;
    store.commit(noted("1"))?;
    store.shutdown()?;
    let before = fs::read(folder.path().join("eventlog.db"))?;
    for lost in [vec![noted("2")], vec![created("2")]] {
        let (store, _) = open(schema(), folder.path())?;
        store.commit(lost)?;
        store.shutdown()?;
        fs::write(folder.path().join("eventlog.db"), &before)?;
        let (store, statuses) = open(schema(), folder.path())?;
        assert!(rebuilt(&statuses));
        assert_eq!((texts(&store), notes(&store)), (vec!["1=1".to_owned()], vec!["1".to_owned()]));
        store.commit(created("3"))?;
        store.verify()?;
        store.shutdown()?;
        fs::write(folder.path().join("eventlog.db"), &before)?;
    }
    Ok(())
}

/// A log that was restored from a backup has gone on, so that only what the events are shows that the state is not its.
#[test]
fn a_state_of_another_log_is_rebuilt() -> Result<()> {
    let (folder, other) = (tempfile::tempdir()?, tempfile::tempdir()?);
    for (path, ids) in [(folder.path(), ["1", "2"]), (other.path(), ["a", "b"])] {
        let (store, _) = open(schema(), path)?;
        for id in ids {
            store.commit(created(id))?;
        }
        store.shutdown()?;
    }
    fs::copy(other.path().join("state.db"), folder.path().join("state.db"))?;
    let (store, statuses) = open(schema(), folder.path())?;
    assert!(rebuilt(&statuses));
    assert_eq!(texts(&store), ["1=1", "2=2"]);
    store.verify()?;
    Ok(())
}

#[test]
fn a_blocking_first_sync_waits_for_everything() -> Result<()> {
    let backend = MemoryBackend::new();
    let a = Client::new(&backend)?;
    for chunk in 0..12 {
        a.store.commit((0..200).map(|number| created(&format!("{chunk}-{number}"))).collect::<Vec<_>>())?;
    }
    reach(&a.store, 2_400)?;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = seen.clone();
    let b = Client::with(&backend, schema(), |builder| {
        let builder = builder.initial_sync(InitialSync::Blocking { timeout: PATIENCE });
        builder.on_boot(move |status| sink.lock().expect("no panic").push(status))
    })?;
    assert_eq!(todos(&b.store).len(), 2_400);
    let seen = seen.lock().expect("no panic").clone();
    assert!(matches!(seen[1], BootStatus::Syncing { .. }), "{seen:?}");
    let heads: Vec<_> = seen
        .iter()
        .filter_map(|status| match status {
            BootStatus::Syncing { head, .. } => Some(*head),
            _ => None,
        })
        .collect();
    assert!(heads.is_sorted() && heads.last() == Some(&2_400), "{heads:?}");
    assert_eq!(seen.last(), Some(&BootStatus::Done));
    Ok(())
}

#[test]
fn a_blocking_first_sync_gives_up_when_its_time_is_over() -> Result<()> {
    let backend = MemoryBackend::new();
    let link = backend.provider();
    link.set_online(false);
    let builder = Store::builder(schema()).sync(link.clone());
    let store = builder.initial_sync(InitialSync::Blocking { timeout: Duration::from_millis(50) }).open()?;
    assert_eq!(todos(&store).len(), 0);
    assert!(!store.sync_status().is_synced);
    store.commit(created("1"))?;
    link.set_online(true);
    reach(&store, 1)?;
    Ok(())
}

#[test]
fn a_local_store_that_gets_a_provider_pushes_everything_once() -> Result<()> {
    let backend = MemoryBackend::new();
    let other = Client::new(&backend)?;
    other.store.commit(created("theirs"))?;
    reach(&other.store, 1)?;
    let folder = tempfile::tempdir()?;
    let (store, _) = open(schema(), folder.path())?;
    for number in 0..1_200 {
        store.commit([created(&format!("{number:04}"))])?;
    }
    store.commit(noted("mine"))?;
    let mine: Vec<_> = store.events(SeqNum::ROOT).map(|event| Ok(event?.id)).collect::<headwater::Result<_>>()?;
    store.shutdown()?;
    for _ in 0..2 {
        let client = Client::with(&backend, schema(), |builder| builder.storage(Storage::directory(folder.path())))?;
        converge(&backend, &[&client.store, &other.store])?;
        assert_eq!(todos(&client.store).len(), 1_201);
        assert_eq!(notes(&client.store), ["mine"]);
        client.store.shutdown()?;
    }
    let log: Vec<_> = backend.events(&default_id()).iter().map(|event| event.id).collect();
    assert_eq!(log[1..], mine[..]);
    // Without the provider again, what is committed waits for it.
    let (store, _) = open(schema(), folder.path())?;
    assert_eq!(store.sync_status().health, Health::LocalOnly);
    store.commit(created("later"))?;
    assert_eq!(todos(&store).len(), 1_202);
    store.shutdown()?;
    let client = Client::with(&backend, schema(), |builder| builder.storage(Storage::directory(folder.path())))?;
    reach(&client.store, 1_202)?;
    Ok(())
}

#[test]
fn many_pending_events_are_there_after_a_start_and_are_pushed_in_order() -> Result<()> {
    let backend = MemoryBackend::new();
    let folder = tempfile::tempdir()?;
    let open = |online: bool| {
        Client::with(&backend, schema(), |builder| {
            let builder = builder.storage(Storage::directory(folder.path()));
            if online { builder } else { builder.start_offline() }
        })
    };
    let client = open(false)?;
    client.store.commit(created("1"))?;
    let mut committed = Vec::new();
    for number in 0..1_500 {
        let receipt = client.store.commit(super::world::appended("1", &format!("{number} ")))?;
        committed.extend_from_slice(receipt.event_ids());
    }
    let before = texts(&client.store);
    client.store.shutdown()?;
    let client = open(false)?;
    assert_eq!(texts(&client.store), before);
    assert_eq!(client.store.sync_status().pending, 1_501);
    assert_eq!(client.store.sync_status().health, Health::Paused);
    client.store.set_online(true)?;
    reach(&client.store, 1_501)?;
    let log: Vec<_> = backend.events(&default_id()).iter().map(|event| event.id).collect();
    assert_eq!(log[1..], committed[..]);
    assert_eq!(texts(&client.store), before);
    client.store.commit(TodoEvent::CompletedCleared)?;
    client.store.verify()?;
    Ok(())
}
