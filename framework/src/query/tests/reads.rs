//! What a statement reads is seen through everything that SQLite puts in between.

use super::fixture::Session;
use crate::params;
use crate::query::sql;

/// Whether a live query shows the effect of a write.
#[track_caller]
fn follows(query: &str, write: &str) {
    let session = Session::with_rows();
    session.write("INSERT INTO spots (name, size) VALUES ('x', 1), ('y', 2)");
    session.write("INSERT INTO marks VALUES (1, 'y'), (2, 'y')");
    let live = session.live(sql::<rusqlite::types::Value>(query, params![]));
    let before = live.get();
    session.write(write);
    assert_ne!(before, live.get(), "{query} after {write}");
    assert_eq!(*live.get(), session.query(sql::<rusqlite::types::Value>(query, params![])));
}

#[test]
fn views() {
    follows("SELECT text FROM open", "UPDATE todos SET completed = 1 WHERE id = 1");
    follows("SELECT id FROM todos", "INSERT INTO open VALUES (3, 'owl')");
}

#[test]
fn triggers() {
    follows("SELECT what FROM log", "UPDATE todos SET text = 'x'");
}

#[test]
fn foreign_key_cascades() {
    follows("SELECT id FROM todos", "DELETE FROM \"order\"");
    follows("SELECT rowid FROM words", "DELETE FROM \"order\"");
    follows("SELECT spot FROM marks", "UPDATE spots SET id = 9 WHERE id = 1");
    follows("SELECT name FROM marks", "UPDATE spots SET name = 'z' WHERE name = 'y'");
    follows("SELECT count(*) FROM marks", "REPLACE INTO spots (id, name) VALUES (1, 'z')");
    follows("SELECT count(*) FROM marks", "REPLACE INTO spots (id, name) VALUES (9, 'x')");
    follows("SELECT count(*) FROM marks", "UPDATE OR REPLACE spots SET name = 'x' WHERE id = 2");
}

#[test]
fn full_text_tables() {
    follows("SELECT rowid FROM words WHERE words MATCH 'owl'", "INSERT INTO todos (id, text) VALUES (3, 'the owl')");
    follows("SELECT count(*) FROM words('milk')", "DELETE FROM todos WHERE id = 1");
    follows("SELECT count(*) FROM words WHERE words MATCH 'owl'", "UPDATE words SET text = 'owl'");
    follows("SELECT term FROM vocabulary", "INSERT INTO words (text) VALUES ('owl')");
    follows("SELECT c0 FROM words_content", "INSERT INTO words (text) VALUES ('owl')");
}

#[test]
fn counts_that_read_no_column() {
    follows("SELECT one FROM ones", "DELETE FROM todos WHERE id = 1");
    follows("SELECT count(*) FROM (SELECT 1 FROM log UNION ALL SELECT 2 FROM todos)", "DELETE FROM todos WHERE id = 1");
    follows("SELECT max(one) FROM ones", "DELETE FROM todos");
    follows("SELECT 'x' IN log", "INSERT INTO log VALUES ('x')");
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

#[test]
fn updates_that_replace_other_rows() {
    follows("SELECT count(*) FROM spots", "UPDATE OR REPLACE spots SET name = 'x' WHERE id = 2");
    follows("SELECT size FROM spots", "UPDATE OR REPLACE spots SET name = 'x' WHERE id = 2");
    let schema = crate::Schema::builder()
        .sql("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE ON CONFLICT REPLACE) STRICT")
        .build();
    let state = crate::state::StateDb::in_memory(&schema).expect("a valid schema");
    let update = state.db().footprint("UPDATE t SET name = 'x'", crate::db::Purpose::Materialize).expect("prepares");
    assert!(state.read_footprint("SELECT count(*) FROM t").expect("prepares").reads_what(&update));
}

#[test]
fn generated_columns() {
    follows("SELECT twice FROM spots", "UPDATE spots SET size = 5");
    follows("SELECT thrice FROM spots", "UPDATE spots SET size = 5");
}

#[test]
fn primary_keys_that_are_set_as_rowid() {
    follows("SELECT id FROM spots", "UPDATE spots SET rowid = 9 WHERE id = 2");
    follows("SELECT rowid FROM spots", "UPDATE spots SET id = 9 WHERE id = 2");
    follows("SELECT oid FROM log", "INSERT INTO log VALUES ('x')");
}

#[test]
fn tables_of_sqlite_itself() {
    follows("SELECT seq FROM sqlite_sequence", "INSERT INTO spots (name) VALUES ('z')");
}
