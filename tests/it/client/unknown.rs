//! Events that a schema does not know, or knows in a newer version.

use std::sync::Mutex;

use anyhow::Result;
use headwater::schema::UnknownEvents;
use headwater::sync_provider::MemoryBackend;
use headwater::{Event, Schema, SeqNum, Storage, Store, params, sql};
use serde::{Deserialize, Serialize};

use super::world::{Client, reach, wait_until};

const WORDS: &str = "CREATE TABLE words (word TEXT) STRICT";

#[derive(Clone, Event, Serialize, Deserialize)]
enum Old {
    #[event(name = "v1.Said", sql = "INSERT INTO words VALUES (:word)")]
    Said { word: String },
}

#[derive(Clone, Event, Serialize, Deserialize)]
enum New {
    #[event(name = "v1.Said", ver = 2, upcast(from = 1, with = louder), sql = "INSERT INTO words VALUES (:word || :mark)")]
    Said { word: String, mark: String },
    #[event(name = "v1.Sang", sql = "INSERT INTO words VALUES ('la ' || :word)")]
    Sang { word: String },
}

fn louder(mut args: serde_json::Value) -> headwater::Result<serde_json::Value> {
    args["mark"] = "!".into();
    Ok(args)
}

fn old(policy: UnknownEvents) -> Schema {
    Schema::builder().sql(WORDS).event::<Old>().unknown_events(policy).build()
}

fn new() -> Schema {
    Schema::builder().sql(WORDS).event::<New>().build()
}

fn words(store: &Store) -> Vec<String> {
    store.query(sql::<String>("SELECT word FROM words ORDER BY rowid", params![])).expect("reads")
}

#[test]
fn an_old_client_keeps_events_of_a_newer_one_and_an_upgrade_applies_them() -> Result<()> {
    let backend = MemoryBackend::new();
    let folder = tempfile::tempdir()?;
    let open = |schema| Client::with(&backend, schema, |builder| builder.storage(Storage::directory(folder.path())));
    let newer = Client::with(&backend, new(), |builder| builder)?;
    let older = open(old(UnknownEvents::Warn))?;
    older.store.commit(Old::Said { word: "a".into() })?;
    reach(&newer.store, 1)?;
    newer.store.commit([New::Sang { word: "b".into() }, New::Said { word: "c".into(), mark: "?".into() }])?;
    reach(&older.store, 3)?;
    older.store.commit(Old::Said { word: "d".into() })?;
    reach(&newer.store, 4)?;
    reach(&older.store, 4)?;
    assert_eq!(words(&older.store), ["a", "d"]);
    assert_eq!(words(&newer.store), ["a!", "la b", "c?", "d!"]);
    assert_eq!(older.store.events(SeqNum::ROOT).count(), 4);
    older.store.verify()?;
    older.store.shutdown()?;
    let upgraded = open(new())?;
    assert_eq!(words(&upgraded.store), words(&newer.store));
    upgraded.store.verify()?;
    Ok(())
}

/// A pending event of a newer version is not known either after a downgrade, and nothing of it is lost.
#[test]
fn a_downgrade_keeps_and_pushes_what_it_does_not_know() -> Result<()> {
    let backend = MemoryBackend::new();
    let folder = tempfile::tempdir()?;
    let open = |schema| Client::with(&backend, schema, |builder| builder.storage(Storage::directory(folder.path())));
    let client = open(new())?;
    client.link.set_online(false);
    client.store.commit([New::Sang { word: "a".into() }, New::Said { word: "b".into(), mark: "?".into() }])?;
    client.store.shutdown()?;
    let client = open(old(UnknownEvents::Warn))?;
    assert_eq!(words(&client.store).len(), 0);
    client.store.commit(Old::Said { word: "c".into() })?;
    reach(&client.store, 3)?;
    let newer = Client::with(&backend, new(), |builder| builder)?;
    reach(&newer.store, 3)?;
    assert_eq!(words(&newer.store), ["la a", "b?", "c!"]);
    Ok(())
}

static CALLED: Mutex<Vec<String>> = Mutex::new(Vec::new());

#[test]
fn each_policy_does_what_it_says_and_none_stops_the_sync() -> Result<()> {
    let call: fn(&str, u32) = |name, ver| CALLED.lock().expect("no panic").push(format!("{name} {ver}"));
    let backend = MemoryBackend::new();
    let newer = Client::with(&backend, new(), |builder| builder)?;
    newer.store.commit(New::Sang { word: "a".into() })?;
    reach(&newer.store, 1)?;
    let policies = [
        (UnknownEvents::Warn, 0),
        (UnknownEvents::Ignore, 0),
        (UnknownEvents::Fail, 1),
        (UnknownEvents::Call(call), 0),
    ];
    for (policy, failed) in policies {
        let older = Client::with(&backend, old(policy), headwater::StoreBuilder::start_offline)?;
        // Something pending makes it a rebase, in which the session runs the event.
        older.store.commit(Old::Said { word: format!("{policy:?}") })?;
        older.store.set_online(true)?;
        wait_until(&older.store, |status| {
            status.is_synced && status.upstream_head.global == status.heads.session.global
        })?;
        assert_eq!(older.store.sync_status().failed_events, failed, "{policy:?}");
        assert_eq!(older.store.events(SeqNum::ROOT).count() as u64, backend.head(&super::world::default_id()));
        older.store.verify()?;
    }
    let called = CALLED.lock().expect("no panic").clone();
    assert!(!called.is_empty() && called.iter().all(|call| call == "v1.Sang 1"), "{called:?}");
    Ok(())
}
