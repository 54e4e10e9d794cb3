//! What a statement reads is seen through everything that SQLite puts in between.

use super::fixture::Session;
use crate::params;
use crate::query::sql;

/// Whether a live query shows the effect of a write.
#[track_caller]
fn follows(query: &str, write: &str) {
    let session = Session::with_rows();
    let live = session.live(sql::<rusqlite::types::Value>(query, params![]));
    let before = live.get();
    session.write(write);
    assert_ne!(before, live.get(), "{query} after {write}");
    assert_eq!(*live.get(), session.query(sql::<rusqlite::types::Value>(query, params![])));
}

#[test]
fn views() {
    follows("SELECT text FROM open", "UPDATE todos SET completed = 1 WHERE id = 1");
}

#[test]
fn triggers() {
    follows("SELECT what FROM log", "UPDATE todos SET text = 'x'");
}

#[test]
fn foreign_key_cascades() {
    follows("SELECT id FROM todos", "DELETE FROM \"order\"");
    follows("SELECT rowid FROM words", "DELETE FROM \"order\"");
}

#[test]
fn full_text_tables() {
    follows("SELECT rowid FROM words WHERE words MATCH 'owl'", "INSERT INTO todos (id, text) VALUES (3, 'the owl')");
    follows("SELECT count(*) FROM words('milk')", "DELETE FROM todos WHERE id = 1");
}

#[test]
fn counts_that_read_no_column() {
    follows("SELECT count(*) FROM todos", "DELETE FROM todos WHERE id = 1");
    follows("SELECT EXISTS (SELECT 1 FROM log)", "INSERT INTO log VALUES ('x')");
}

#[test]
fn subqueries_joins_and_recursion() {
    follows("SELECT (SELECT name FROM \"order\" WHERE id = \"list id\") FROM todos", "UPDATE \"order\" SET name = 'x'");
    follows(
        "SELECT t.id FROM todos t LEFT JOIN \"order\" o ON o.id = t.\"list id\" AND o.name = 'x'  WHERE o.id IS NULL",
        "UPDATE \"order\" SET name = 'x' WHERE id = 'a'",
    );
    follows(
        "WITH RECURSIVE up (id) AS (VALUES ('b') UNION SELECT parent FROM \"order\" o, up WHERE o.id = up.id) SELECT count(*) FROM up",
        "UPDATE \"order\" SET parent = NULL WHERE id = 'b'",
    );
}

#[test]
fn upserts_and_replacement() {
    follows(
        "SELECT text FROM todos",
        "INSERT INTO todos (id, text) VALUES (1, 'x') ON CONFLICT DO UPDATE SET text = excluded.text",
    );
    follows("SELECT completed, text FROM todos", "REPLACE INTO todos (id, text, completed) VALUES (1, 'x', 1)");
}
