//! Rebases, and what live queries show of them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::Result;
use headwater::sync_provider::MemoryBackend;
use headwater::{Event, Schema, StateTx, params, sql};
use headwater_tests::schema::{Todo, TodoEvent, schema};
use serde::{Deserialize, Serialize};

use super::world::{
    Client, appended, changed, converge, created, default_id, names, noted, notes, reach, texts, wait_until,
};

#[test]
fn two_clients_that_edited_the_same_offline_converge() -> Result<()> {
    let backend = MemoryBackend::new();
    let (a, b) = (Client::new(&backend)?, Client::new(&backend)?);
    a.store.commit(created("1"))?;
    converge(&backend, &[&a.store, &b.store])?;
    b.link.set_online(false);
    a.store.commit([appended("1", "-a"), changed("1", "A")])?;
    b.store.commit([appended("1", "-b"), created("2")])?;
    b.store.commit(appended("1", "-c"))?;
    assert_eq!(texts(&b.store), ["1=1-b-c", "2=2"]);
    reach(&a.store, 3)?;
    b.link.set_online(true);
    converge(&backend, &[&a.store, &b.store])?;
    assert_eq!(texts(&b.store), ["1=A-b-c", "2=2"]);
    assert_eq!(backend.head(&default_id()), 6);
    Ok(())
}

/// A table that only the rolled-back run of an event had written is brought up to date as well, and a row that only it
/// had made is gone.
#[test]
fn live_queries_lose_what_only_the_rolled_back_branch_had_written() -> Result<()> {
    #[derive(Clone, Event, Serialize, Deserialize)]
    enum Door {
        #[event(name = "v1.Closed", sql = "INSERT INTO closed VALUES (:by)")]
        Closed { by: String },
        /// Before the door is closed one is let in, then one is turned away.
        #[event(name = "v1.Came", materialize = came)]
        Came { who: String },
    }
    fn came(tx: &mut StateTx<'_>, who: &str) -> headwater::Result<()> {
        let open = tx.query::<String>("SELECT * FROM closed", params![])?.is_empty();
        let table = if open { "guests" } else { "turned_away" };
        tx.execute(&format!("INSERT INTO {table} VALUES (?1)"), params![who]).map(drop)
    }
    let schema = || {
        let tables = ["closed", "guests", "turned_away"].map(|name| format!("CREATE TABLE {name} (who TEXT) STRICT"));
        tables.into_iter().fold(Schema::builder(), headwater::schema::SchemaBuilder::sql).event::<Door>().build()
    };
    let backend = MemoryBackend::new();
    let a = Client::with(&backend, schema(), |builder| builder)?;
    let b = Client::with(&backend, schema(), |builder| builder)?;
    reach(&b.store, 0)?;
    b.link.set_online(false);
    let guests = b.store.live_query(sql::<String>("SELECT who FROM guests", params![]))?;
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = calls.clone();
    let _subscription = guests.subscribe(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    b.store.commit(Door::Came { who: "b".into() })?;
    assert_eq!((guests.get().to_vec(), calls.load(Ordering::SeqCst)), (vec!["b".to_owned()], 1));
    a.store.commit(Door::Closed { by: "a".into() })?;
    reach(&a.store, 1)?;
    b.link.set_online(true);
    reach(&b.store, 2)?;
    b.store.verify()?;
    assert_eq!(b.store.query(sql::<String>("SELECT who FROM turned_away", params![]))?, ["b"]);
    assert_eq!(guests.get().len(), 0, "a row that is gone is still shown");
    // What was queued before this commit is delivered before it returns, or by the time that the session has ended.
    b.store.shutdown()?;
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    Ok(())
}

#[test]
fn a_rebase_that_ends_in_the_same_rows_tells_nobody() -> Result<()> {
    let backend = MemoryBackend::new();
    let (a, b) = (Client::new(&backend)?, Client::new(&backend)?);
    a.store.commit(created("1"))?;
    converge(&backend, &[&a.store, &b.store])?;
    b.link.set_online(false);
    b.store.commit(changed("1", "b"))?;
    let live = b.store.live_query(sql::<Todo>("SELECT * FROM todos ORDER BY id", params![]))?;
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = calls.clone();
    let _subscription = live.subscribe(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    a.store.commit(changed("1", "a"))?;
    reach(&a.store, 2)?;
    b.link.set_online(true);
    reach(&b.store, 3)?;
    assert_eq!(texts(&b.store), ["1=b"]);
    b.store.commit(noted("after all that was to be delivered"))?;
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    b.store.commit(changed("1", "c"))?;
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    Ok(())
}

/// The echo of an own event comes in one page with somebody else's, behind client-only events.
#[test]
fn client_only_events_between_synced_ones_double_nothing() -> Result<()> {
    let backend = MemoryBackend::new();
    let (a, b) = (Client::new(&backend)?, Client::new(&backend)?);
    reach(&b.store, 0)?;
    b.link.set_online(false);
    b.store.commit(noted("1"))?;
    b.store.commit((created("1"), noted("2"), appended("1", "-b")))?;
    b.store.commit(noted("3"))?;
    b.store.commit(appended("1", "-c"))?;
    // The push arrives, its answer does not; meanwhile somebody else goes on.
    b.link.lose_next_answers(1);
    b.link.set_online(true);
    wait_until(&a.store, |status| status.upstream_head.global >= 2)?;
    a.store.commit(appended("1", "-a"))?;
    converge(&backend, &[&a.store, &b.store])?;
    assert_eq!(names(&backend).iter().filter(|name| *name == "v1.TodoCreated").count(), 1);
    assert_eq!(backend.head(&default_id()), 4, "{:?}", names(&backend));
    assert_eq!(notes(&b.store), ["1", "2", "3"]);
    assert_eq!(notes(&a.store).len(), 0);
    Ok(())
}

#[test]
fn a_group_stays_together_when_others_push_in_between() -> Result<()> {
    let backend = MemoryBackend::new();
    let clients = [Client::new(&backend)?, Client::new(&backend)?, Client::new(&backend)?];
    for client in &clients {
        reach(&client.store, 0)?;
        client.link.set_online(false);
    }
    for (number, client) in clients.iter().enumerate() {
        for round in 0..20 {
            client.store.commit([0, 1, 2].map(|part| created(&format!("{number}-{round:02}-{part}"))))?;
        }
    }
    clients.iter().for_each(|client| client.link.set_online(true));
    converge(&backend, &clients.each_ref().map(|client| &client.store))?;
    let args: Vec<String> = backend
        .events(&default_id())
        .iter()
        .map(|event| event.args.json()["{\"id\":\"".len()..][..6].to_owned())
        .collect();
    assert_eq!(args.len(), 180);
    let groups: Vec<_> = args.chunks(3).collect();
    assert!(groups.iter().all(|group| group.iter().all(|id| id[..4] == group[0][..4])), "{groups:?}");
    Ok(())
}

/// The loser's event is in the log and has no effect, on no client, and its author can see that.
#[test]
fn a_pending_event_that_fails_after_a_rebase_is_skipped_by_all_and_reported() -> Result<()> {
    let backend = MemoryBackend::new();
    let (a, b) = (Client::new(&backend)?, Client::new(&backend)?);
    reach(&b.store, 0)?;
    b.link.set_online(false);
    let receipt = b.store.commit(created("1"))?;
    b.store.commit(appended("1", "-b"))?;
    a.store.commit(TodoEvent::Created { id: "1".into(), text: "a".into() })?;
    reach(&a.store, 1)?;
    b.link.set_online(true);
    converge(&backend, &[&a.store, &b.store])?;
    assert_eq!(texts(&a.store), ["1=a-b"]);
    for client in [&a, &b] {
        assert_eq!(client.store.sync_status().failed_events, 1);
    }
    assert!(receipt.fate().is_some(), "it is confirmed although it had no effect");
    let late = Client::new(&backend)?;
    converge(&backend, &[&a.store, &b.store, &late.store])?;
    // More rebases don't count it again.
    b.store.commit(appended("1", "-c"))?;
    converge(&backend, &[&a.store, &b.store])?;
    assert_eq!(b.store.sync_status().failed_events, 1);
    Ok(())
}

static RUNS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Pages of a long pull are put together, so that what is pending is not applied again for each of them.
#[test]
fn a_long_pull_applies_pending_events_again_only_a_few_times() -> Result<()> {
    #[derive(Clone, Event, Serialize, Deserialize)]
    enum Counted {
        #[event(name = "v1.Counted", materialize = count)]
        Counted { what: String },
    }
    fn count(tx: &mut StateTx<'_>, what: &str) -> headwater::Result<()> {
        if what.starts_with("mine") {
            RUNS.lock().expect("no panic").push(what.to_owned());
        }
        tx.execute("INSERT INTO counted VALUES (?1)", params![what]).map(drop)
    }
    let schema = || Schema::builder().sql("CREATE TABLE counted (what TEXT) STRICT").event::<Counted>().build();
    let event = |what: String| Counted::Counted { what };
    let backend = MemoryBackend::new();
    let a = Client::with(&backend, schema(), |builder| builder)?;
    let b = Client::with(&backend, schema(), |builder| builder)?;
    b.store.commit(event("first".into()))?;
    reach(&b.store, 1)?;
    reach(&a.store, 1)?;
    b.link.set_online(false);
    b.store.commit(event("mine".into()))?;
    for chunk in 0..5 {
        a.store.commit((0..800).map(|number| event(format!("{chunk}-{number}"))).collect::<Vec<_>>())?;
    }
    reach(&a.store, 4_001)?;
    b.link.set_online(true);
    wait_until(&b.store, |status| status.is_synced && status.upstream_head.global >= 4_002)?;
    let runs = RUNS.lock().expect("no panic").len();
    // The commit, one catch-up in the session, and the state on disk; on the other client the session and the state.
    assert!(runs <= 6, "it ran {runs} times");
    b.store.verify()?;
    Ok(())
}

/// More events are confirmed behind a pending one than may stay in the savepoint.
#[test]
fn the_boundary_moves_when_much_is_confirmed_while_something_stays_pending() -> Result<()> {
    let backend = MemoryBackend::new();
    let (a, b) = (Client::new(&backend)?, Client::new(&backend)?);
    a.store.commit(created("1"))?;
    converge(&backend, &[&a.store, &b.store])?;
    let live = b.store.live_query(sql::<i64>("SELECT count(*) FROM todos", params![]))?;
    let many = headwater_core::limits::MAX_SETTLED_IN_SAVEPOINT + 500;
    b.link.set_online(false);
    for chunk in 0..many.div_ceil(100) {
        let group: Vec<_> = (0..100).map(|number| created(&format!("b{chunk:03}-{number:03}"))).collect();
        b.store.commit(group)?;
    }
    let total = 100 * many.div_ceil(100) + 1;
    // The last push is held back by an answer that is lost, while all before it is confirmed.
    b.link.set_online(true);
    let mut status = b.store.sync_status_changes();
    let confirmed = status.wait_until(super::world::PATIENCE, |status| status.upstream_head.global > 1).is_some();
    assert!(confirmed);
    b.store.commit(appended("1", "-b"))?;
    converge(&backend, &[&a.store, &b.store])?;
    assert_eq!(live.first(), Some(i64::try_from(total)?));
    assert_eq!(texts(&b.store)[0], "1=1-b");
    Ok(())
}

/// Client-only events of one session reach the others, also when a rebase gives them other numbers.
#[test]
fn sessions_share_a_rebase() -> Result<()> {
    let backend = MemoryBackend::new();
    let (a, b) = (Client::new(&backend)?, Client::with(&backend, schema(), |builder| builder)?);
    a.store.commit(created("1"))?;
    converge(&backend, &[&a.store, &b.store])?;
    let other = b.store.new_session()?;
    b.link.set_online(false);
    b.store.commit((appended("1", "-b"), noted("b")))?;
    other.commit((appended("1", "-o"), noted("o")))?;
    a.store.commit(appended("1", "-a"))?;
    reach(&a.store, 2)?;
    b.link.set_online(true);
    converge(&backend, &[&a.store, &b.store, &other])?;
    assert_eq!(texts(&other), ["1=1-a-b-o"]);
    assert_eq!(notes(&other), ["b", "o"]);
    assert_eq!(notes(&other), notes(&b.store));
    let late = b.store.new_session()?;
    assert_eq!((texts(&late), notes(&late)), (texts(&other), notes(&other)));
    late.verify()?;
    Ok(())
}
