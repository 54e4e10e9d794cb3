//! Bad input gets a clear error, and nothing is lost.

use std::fs;
use std::path::Path;

use headwater::sync_provider::HttpSync;
use headwater::{Error, Result, Schema, Storage, Store, params, sql};
use headwater_tests::schema::{Todo, TodoEvent, Ui, schema};

fn open(path: &Path) -> Result<Store> {
    Store::builder(schema()).storage(Storage::directory(path)).open()
}

fn created(id: &str) -> TodoEvent {
    TodoEvent::Created { id: id.into(), text: "text".into() }
}

fn count(store: &Store) -> i64 {
    store.query(sql::<i64>("SELECT count(*) FROM todos", params![])).expect("reads")[0]
}

/// A closed store with one todo.
fn filled() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path()).expect("opens");
    store.commit(created("1")).expect("commits");
    store.shutdown().expect("ends");
    folder
}

#[test]
fn a_broken_constraint_names_the_event_and_changes_nothing() -> Result<()> {
    let store = Store::builder(schema()).open()?;
    store.commit(created("1"))?;
    let before = store.sync_status().heads;
    let error = store.commit(vec![created("2"), created("1")]).expect_err("the id is taken");
    assert_eq!(error.to_string(), "event v1.TodoCreated (number 1 of the commit) was not applied");
    assert_eq!(count(&store), 1);
    assert_eq!(store.sync_status().heads, before);
    Ok(())
}

#[test]
fn an_event_over_the_limit_is_refused() -> Result<()> {
    let store = Store::builder(schema()).open()?;
    let text = "x".repeat(headwater_core::limits::MAX_ARGS_BYTES);
    let error = store.commit(TodoEvent::Created { id: "1".into(), text }).expect_err("too large");
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    let many = vec![TodoEvent::CompletedCleared; headwater_core::limits::MAX_GROUP_EVENTS + 1];
    let error = store.commit(many).expect_err("too many");
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    assert!(matches!(store.commit(Vec::<TodoEvent>::new()), Err(Error::EmptyCommit)));
    assert_eq!(count(&store), 0);
    Ok(())
}

#[test]
fn a_wrong_store_id_is_refused() {
    let folder = filled();
    let opened = Store::builder(schema()).store_id("other").storage(Storage::directory(folder.path())).open();
    let Err(error @ Error::WrongStore { .. }) = opened else { panic!("{opened:?}") };
    assert!(error.to_string().contains("holds the store default, not other"), "{error}");
    let opened = Store::builder(schema()).store_id("no/slash").open();
    assert!(opened.expect_err("not a name").to_string().contains("store id \"no/slash\" is not valid"));
    assert_eq!(count(&open(folder.path()).expect("opens")), 1);
}

#[test]
fn a_folder_that_is_not_ours_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("thesis.txt"), "years of work").expect("writes");
    let error = open(folder.path()).expect_err("not ours");
    assert!(matches!(error, Error::NotOurs { .. }), "{error}");
    assert_eq!(fs::read_dir(folder.path()).expect("reads").count(), 1);

    let folder = tempfile::tempdir().expect("a folder");
    let other = folder.path().join("eventlog.db");
    rusqlite::Connection::open(&other).and_then(|db| db.execute_batch("CREATE TABLE theirs (x)")).expect("writes");
    let before = fs::read(&other).expect("reads");
    let error = open(folder.path()).expect_err("not ours");
    assert!(error.to_string().contains("a database of another program"), "{error}");
    assert!(fs::read(&other).expect("reads") == before, "the file was changed");

    let file = folder.path().join("file");
    fs::write(&file, "").expect("writes");
    let error = open(&file).expect_err("a file is no folder");
    assert!(matches!(error, Error::Io { .. }), "{error}");
}

#[test]
fn a_place_that_can_not_be_written_is_named() {
    let error = open(Path::new("/proc/headwater")).expect_err("nothing can be made there");
    assert!(matches!(error, Error::Io { .. }) && error.to_string().contains("/proc/headwater"), "{error}");
}

#[test]
fn a_damaged_state_is_rebuilt() {
    for damage in ["truncate", "garbage", "flip"] {
        let folder = filled();
        let path = folder.path().join("state.db");
        let mut bytes = fs::read(&path).expect("reads");
        match damage {
            "truncate" => bytes.truncate(5_000),
            "garbage" => bytes.fill(0xAB),
            _ => bytes[30..60].fill(0xFF),
        }
        fs::write(&path, bytes).expect("writes");
        assert_eq!(count(&open(folder.path()).expect("rebuilds")), 1, "{damage}");
    }
}

#[test]
fn a_damaged_eventlog_is_refused_and_left_untouched() {
    let folder = filled();
    let path = folder.path().join("eventlog.db");
    let good = fs::read(&path).expect("reads");
    let mut bad = good.clone();
    bad[..100].fill(0xAB);
    fs::write(&path, &bad).expect("writes");
    let error = open(folder.path()).expect_err("damaged");
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("restore it from a backup"), "{error}");
    assert!(fs::read(&path).expect("reads") == bad, "the file was changed");
    fs::write(&path, good).expect("writes");
    assert_eq!(count(&open(folder.path()).expect("opens")), 1);
}

/// SQLite itself would not notice a changed letter.
#[test]
fn a_changed_byte_in_an_event_is_found_before_it_is_used() {
    let folder = filled();
    let path = folder.path().join("eventlog.db");
    let db = rusqlite::Connection::open(&path).expect("opens");
    db.execute("UPDATE eventlog SET args = replace(args, 'text\":\"text', 'text\":\"next')", []).expect("writes");
    drop(db);
    fs::remove_file(folder.path().join("state.db")).expect("is there");
    let error = open(folder.path()).expect_err("damaged");
    assert!(error.to_string().contains("the hash chain breaks at event e1"), "{error}");
}

#[test]
fn sql_that_does_not_fit_is_an_error_at_the_call() -> Result<()> {
    let store = Store::builder(schema()).open()?;
    let bad = [
        ("SELEC 1", "syntax"),
        ("SELECT nope FROM todos", "no such column"),
        ("DELETE FROM todos", "not allowed"),
        ("SELECT ?1", "Wrong number of parameters"),
    ];
    for (text, expected) in bad {
        for error in
            [store.query(sql::<i64>(text, params![])).err(), store.live_query(sql::<i64>(text, params![])).err()]
        {
            let error = error.expect(text).to_string();
            assert!(error.to_lowercase().contains(&expected.to_lowercase()), "{text}: {error}");
        }
    }
    store.commit(created("1"))?;
    assert!(matches!(store.query(sql::<i64>("SELECT id FROM todos", params![])), Err(Error::Row { .. })));
    assert!(matches!(store.query(sql::<Todo>("SELECT id FROM todos", params![])), Err(Error::Row { .. })));
    Ok(())
}

#[test]
fn a_schema_that_does_not_fit_fails_at_open() {
    let missing_table = Schema::builder().event::<TodoEvent>().build();
    let error = missing_table.check().expect_err("no table").to_string();
    assert!(error.contains("no such table"), "{error}");
    let twice = Schema::builder().table::<Todo>().table::<Todo>().build();
    assert!(twice.check().expect_err("twice").to_string().contains("two tables are named todos"));
    let no_document = Store::builder(Schema::builder().build()).open().expect("opens");
    assert!(no_document.document::<Ui>().expect_err("no document").to_string().contains(".document::<…>()"));
    assert!(matches!(no_document.commit(TodoEvent::CompletedCleared), Err(Error::UnknownEvent { .. })));
}

#[test]
fn a_server_address_that_can_not_be_one_is_refused() {
    for url in ["", "127.0.0.1:80", "ftp://host", "http://"] {
        assert!(matches!(HttpSync::new(url), Err(Error::Provider(_))), "{url}");
    }
}

#[test]
fn a_store_that_was_shut_down_says_so() -> Result<()> {
    let store = Store::builder(schema()).open()?;
    let clone = store.clone();
    store.shutdown()?;
    assert!(matches!(clone.commit(created("1")), Err(Error::Closed)));
    assert!(matches!(clone.query(sql::<i64>("SELECT 1", params![])), Err(Error::Closed)));
    Ok(())
}

/// A locked log stands for any other reason for which it can't be written.
#[test]
fn a_log_that_can_not_be_written_fails_the_commit_and_nothing_else() -> Result<()> {
    let folder = filled();
    let path = folder.path().join("eventlog.db");
    let store = open(folder.path())?;
    let blocker = rusqlite::Connection::open(&path).expect("opens");
    blocker.execute_batch("BEGIN IMMEDIATE").expect("locks");
    let error = store.commit(created("2")).expect_err("the log can't be written");
    assert!(matches!(error, Error::NotSaved(_)), "{error}");
    assert_eq!(count(&store), 1);
    blocker.execute_batch("ROLLBACK").expect("unlocks");
    store.commit(created("3"))?;
    assert_eq!(count(&store), 2);
    Ok(())
}
