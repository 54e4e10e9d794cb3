//! Settings that durability depends on, and databases in every state.

use tempfile::TempDir;

use super::*;

fn folder(path: &TempDir) -> Folder {
    Folder::claim(path.path()).unwrap()
}

fn pragma(connection: &Connection, name: &str) -> String {
    connection
        .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))
        .map(|value| format!("{value:?}"))
        .unwrap()
}

#[test]
fn commits_are_synced_to_the_disk() {
    let path = tempfile::tempdir().unwrap();
    let connection = open_writer(&folder(&path)).unwrap();
    assert_eq!(pragma(&connection, "journal_mode"), r#"Text("wal")"#);
    assert_eq!(pragma(&connection, "synchronous"), "Integer(2)");
    assert_eq!(pragma(&connection, "cell_size_check"), "Integer(1)");
    assert_eq!(pragma(&connection, "trusted_schema"), "Integer(0)");
}

#[test]
fn a_setting_that_sqlite_does_not_take_is_an_error() {
    let connection = Connection::open_in_memory().unwrap();
    let error = expect_pragma(&connection, Path::new("m"), "journal_mode", "wal", "wal").unwrap_err();
    assert!(matches!(&error, OpenError::Setting { found, .. } if found == "memory"), "{error}");
}

#[test]
fn a_reader_writes_nothing() {
    let path = tempfile::tempdir().unwrap();
    let folder = folder(&path);
    let _writer = open_writer(&folder).unwrap();
    let reader = open_reader(&folder.database()).unwrap();
    assert!(reader.execute("DELETE FROM stores", []).is_err());
}

#[test]
fn a_draft_that_a_crash_left_is_replaced() {
    let path = tempfile::tempdir().unwrap();
    let folder = folder(&path);
    std::fs::write(folder.draft(), "half a database").unwrap();
    std::fs::write(path.path().join("backend.db.new-journal"), "half a journal").unwrap();
    open_writer(&folder).unwrap();
    assert!(!folder.draft().exists() && folder.has_database());
}

#[test]
fn a_database_that_was_not_closed_is_checked() {
    let path = tempfile::tempdir().unwrap();
    {
        let connection = open_writer(&folder(&path)).unwrap();
        let filler = "INSERT INTO claims VALUES (1, ?1, zeroblob(2000))";
        connection.execute("INSERT INTO stores VALUES (1, 's', zeroblob(16), 0, 0, zeroblob(32))", []).unwrap();
        for client in 0..100 {
            connection.execute(filler, [format!("c{client}")]).unwrap();
        }
    }
    let database = path.path().join("backend.db");
    let mut bytes = std::fs::read(&database).unwrap();
    let page = bytes.len() - 4096;
    bytes[page..].fill(0xa5);
    std::fs::write(&database, &bytes).unwrap();
    // The damage is where nobody looks at a clean start.
    open_writer(&folder(&path)).unwrap();
    // A frame that is not valid: SQLite passes over it, but it shows that nobody closed the database.
    std::fs::write(path.path().join("backend.db-wal"), [0; 100]).unwrap();
    let error = open_writer(&folder(&path)).unwrap_err();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
}
