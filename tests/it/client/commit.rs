//! Commits: from many threads, from within subscribers, and when something fails.

use std::sync::{Arc, Mutex};

use anyhow::Result;
use headwater::sync_provider::MemoryBackend;
use headwater::{Commit, Durability, Error, Event, Schema, SeqNum, StateTx, Storage, Store, params, sql};
use headwater_tests::schema::{TodoEvent, schema};
use serde::{Deserialize, Serialize};

use super::world::{Client, appended, converge, created, noted, notes, reach, texts, todos, wait_until};

#[test]
fn threads_that_commit_at_once_lose_nothing_and_see_what_they_wrote() -> Result<()> {
    let backend = MemoryBackend::new();
    let client = Client::new(&backend)?;
    let count = client.store.live_query(sql::<i64>("SELECT count(*) FROM todos", params![]))?;
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (store, count) = (client.store.clone(), count.clone());
            scope.spawn(move || {
                for number in 0..50 {
                    let before = count.first().expect("a row");
                    store.commit(created(&format!("{thread}-{number:02}"))).expect("commits");
                    assert!(count.first().expect("a row") > before, "a live query did not show the commit");
                }
            });
        }
    });
    assert_eq!(todos(&client.store).len(), 400);
    converge(&backend, &[&client.store])?;
    assert_eq!(backend.head(&super::world::default_id()), 400);
    Ok(())
}

#[test]
fn a_commit_inside_a_subscriber_is_applied_and_delivered() -> Result<()> {
    let store = Store::builder(schema()).open()?;
    let todos = store.live_query(sql::<i64>("SELECT count(*) FROM todos", params![]))?;
    let noted_so_far = store.live_query(sql::<String>("SELECT text FROM notes ORDER BY id", params![]))?;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (inner, seen_notes) = (store.clone(), seen.clone());
    let first = todos.subscribe(move |rows| {
        inner.commit(noted(&format!("{} todos", rows[0]))).expect("commits");
    });
    let second = noted_so_far.subscribe(move |rows| seen_notes.lock().expect("no panic").push(rows.to_vec()));
    store.commit(created("1"))?;
    store.commit(created("2"))?;
    assert_eq!(notes(&store), ["1 todos", "2 todos"]);
    assert_eq!(seen.lock().expect("no panic").last(), Some(&vec!["1 todos".to_owned(), "2 todos".to_owned()]));
    drop((first, second));
    store.verify()?;
    Ok(())
}

#[derive(Clone, Event, Serialize, Deserialize)]
enum Fickle {
    #[event(name = "v1.Fickle", materialize = fickle)]
    Does { what: String },
}

fn fickle(tx: &mut StateTx<'_>, what: &str) -> headwater::Result<()> {
    tx.execute("INSERT INTO done VALUES (?1)", params![what])?;
    match what {
        "panic" => panic!("as asked"),
        "fail" => Err(Error::app("as asked")),
        _ => Ok(()),
    }
}

fn does(what: &str) -> Fickle {
    Fickle::Does { what: what.into() }
}

fn fickle_schema() -> Schema {
    Schema::builder().sql("CREATE TABLE done (what TEXT UNIQUE) STRICT").event::<Fickle>().build()
}

fn done(store: &Store) -> Vec<String> {
    store.query(sql::<String>("SELECT what FROM done ORDER BY rowid", params![])).expect("reads")
}

#[test]
fn a_materializer_that_panics_or_fails_undoes_its_commit_and_the_store_goes_on() -> Result<()> {
    let backend = MemoryBackend::new();
    let client = Client::with(&backend, fickle_schema(), |builder| builder)?;
    let store = &client.store;
    let live = store.live_query(sql::<String>("SELECT what FROM done ORDER BY rowid", params![]))?;
    store.commit(does("a"))?;
    for bad in ["panic", "fail", "a"] {
        let error = store.commit([does("before"), does(bad), does("after")]).expect_err(bad);
        assert!(matches!(&error, Error::Materialize { index: 1, name, .. } if name == "v1.Fickle"), "{error}");
        assert_eq!((done(store), live.get().to_vec()), (vec!["a".to_owned()], vec!["a".to_owned()]));
    }
    store.commit(does("b"))?;
    assert_eq!(done(store), ["a", "b"]);
    reach(store, 2)?;
    assert_eq!(store.events(SeqNum::ROOT).count(), 2);
    assert_eq!(store.sync_status().failed_events, 0, "what was refused is no failed event");
    store.verify()?;
    Ok(())
}

#[test]
fn each_durability_is_kept_over_a_restart() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let open = || Store::builder(schema()).storage(Storage::directory(folder.path())).open();
    for (round, durability) in [Durability::Deferred, Durability::Process, Durability::Disk].into_iter().enumerate() {
        let store = open()?;
        for number in 0..100 {
            let commit = Commit::new().with(created(&format!("{round}-{number:02}")))?.durability(durability);
            let receipt = store.commit(commit)?;
            assert!(durability == Durability::Deferred || receipt.is_persisted());
        }
        store.shutdown()?;
        assert_eq!(todos(&open()?).len(), (round + 1) * 100, "{durability:?}");
    }
    Ok(())
}

/// What is committed with `Deferred` and not yet on its way when the store ends is written, whichever session it is of
/// and however the store ends.
#[test]
fn deferred_commits_of_all_sessions_are_written_before_the_store_ends() -> Result<()> {
    for explicitly in [true, false] {
        let folder = tempfile::tempdir()?;
        let open = || {
            Store::builder(schema()).storage(Storage::directory(folder.path())).durability(Durability::Deferred).open()
        };
        let store = open()?;
        let other = store.new_session()?;
        for number in 0..300 {
            store.commit(created(&format!("a{number:03}")))?;
            other.commit(created(&format!("b{number:03}")))?;
        }
        if explicitly {
            store.shutdown()?;
            assert!(matches!(other.commit(created("late")), Err(Error::Closed)));
        } else {
            drop(store);
        }
        drop(other);
        assert_eq!(todos(&open()?).len(), 600);
    }
    Ok(())
}

/// A session that has not heard of the other's event commits the same row: it gets the error, and the log does not get
/// the event.
#[test]
fn a_commit_that_no_longer_applies_behind_another_session_is_an_error_and_not_in_the_log() -> Result<()> {
    let store = Store::builder(schema()).open()?;
    let sessions = [store.clone(), store.new_session()?];
    let mut errors = 0;
    for round in 0..200 {
        let barrier = std::sync::Barrier::new(2);
        let outcomes: Vec<_> = std::thread::scope(|scope| {
            let threads = sessions.each_ref().map(|session| {
                let barrier = &barrier;
                scope.spawn(move || {
                    barrier.wait();
                    session.commit([created(&format!("{round}")), appended(&format!("{round}"), "!")])
                })
            });
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        for error in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
            assert!(matches!(error, Error::Materialize { index: 0, .. }), "{error}");
            errors += 1;
        }
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    }
    assert_eq!(errors, 200);
    assert_eq!(store.events(SeqNum::ROOT).count(), 400);
    for session in &sessions {
        wait_until(session, |status| status.heads.session.global == 400)?;
        assert_eq!(todos(session).len(), 200);
        assert_eq!(session.sync_status().failed_events, 0);
        session.verify()?;
    }
    Ok(())
}

/// It would undo the events before it as well, and they would be missing without a word.
#[test]
fn a_statement_that_rolls_everything_back_is_refused() -> Result<()> {
    #[derive(Clone, Event, Serialize, Deserialize)]
    enum Harsh {
        #[event(name = "v1.Harsh", materialize = harsh)]
        Runs { sql: String },
    }
    fn harsh(tx: &mut StateTx<'_>, sql: &str) -> headwater::Result<()> {
        tx.execute(sql, params![]).map(drop)
    }
    let schema = Schema::builder()
        .sql("CREATE TABLE soft (a INTEGER UNIQUE) STRICT")
        .sql("CREATE TABLE hard (a INTEGER UNIQUE ON CONFLICT ROLLBACK) STRICT")
        .sql("CREATE TABLE watched (a INTEGER) STRICT")
        .sql("CREATE TRIGGER no AFTER INSERT ON watched WHEN new.a < 0 BEGIN SELECT RAISE(ROLLBACK, 'no'); END")
        .event::<Harsh>()
        .build();
    let store = Store::builder(schema).open()?;
    let run = |sql: &str| store.commit(Harsh::Runs { sql: sql.into() });
    run("INSERT INTO soft VALUES (1)")?;
    run("INSERT OR IGNORE INTO soft VALUES (1)")?;
    run("INSERT OR REPLACE INTO soft VALUES (1)")?;
    for sql in [
        "INSERT OR ROLLBACK INTO soft VALUES (1)",
        "UPDATE OR ROLLBACK soft SET a = 2",
        "INSERT INTO hard VALUES (1)",
        "INSERT INTO watched VALUES (1)",
    ] {
        let error = run(sql).expect_err(sql);
        let Error::Materialize { source, .. } = &error else { panic!("{error}") };
        assert!(source.to_string().contains("ROLLBACK"), "{sql}: {source}");
    }
    run("UPDATE soft SET a = 3")?;
    assert_eq!(store.query(sql::<i64>("SELECT a FROM soft", params![]))?, [3]);
    store.verify()?;
    Ok(())
}

#[test]
fn a_group_of_different_events_is_undone_whole() -> Result<()> {
    let store = Store::builder(schema()).open()?;
    store.commit(created("1"))?;
    let error = store.commit((noted("n"), created("2"), created("1"))).expect_err("the id is taken");
    assert!(matches!(error, Error::Materialize { index: 2, .. }), "{error}");
    assert_eq!((texts(&store), notes(&store).len()), (vec!["1=1".to_owned()], 0));
    store.commit((noted("n"), created("2"), TodoEvent::Completed { id: "2".into() }))?;
    assert_eq!(notes(&store), ["n"]);
    Ok(())
}
