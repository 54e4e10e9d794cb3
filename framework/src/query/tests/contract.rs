//! What a live query shows, and when it is run.

use super::fixture::{Fussy, Session};
use crate::db::Touched;
use crate::error::Error;
use crate::query::sql;
use crate::{named_params, params};

const TEXTS: &str = "SELECT text FROM todos ORDER BY id";

#[test]
fn s1_and_s5_every_live_query_shows_a_write_at_once() {
    let session = Session::with_rows();
    let texts = session.live(sql::<String>(TEXTS, params![]));
    let count = session.live(sql::<i64>("SELECT count(*) FROM todos", params![]));
    session.add(3, "owl", None);
    assert_eq!(*texts.get(), ["milk", "mail", "owl"]);
    assert_eq!(count.one().expect("a row"), 3);
    session.write("DELETE FROM todos");
    assert!(texts.get().is_empty());
    assert_eq!(count.first(), Some(0));
}

#[test]
fn only_queries_that_read_what_was_written_run_again() {
    let session = Session::with_rows();
    let texts = session.live(sql::<String>(TEXTS, params![]));
    let flags = session.live(sql::<bool>("SELECT completed FROM todos", params![]));
    let count = session.live(sql::<i64>("SELECT count(*) FROM todos", params![]));
    let lists = session.live(sql::<String>("SELECT name FROM \"order\"", params![]));
    let runs = || [texts.stats().runs, flags.stats().runs, count.stats().runs, lists.stats().runs];
    assert_eq!(runs(), [1, 1, 1, 1]);
    session.write("UPDATE todos SET completed = 1 WHERE id = 1");
    assert_eq!(runs(), [1, 2, 1, 1], "a column that only one of them reads");
    session.write("UPDATE \"order\" SET name = 'House' WHERE id = 'a'");
    assert_eq!(runs(), [1, 2, 1, 2], "another table");
    session.add(3, "owl", None);
    assert_eq!(runs(), [2, 3, 2, 2], "rows as such");
    session.write("INSERT INTO log VALUES ('x')");
    assert_eq!(runs(), [2, 3, 2, 2], "a table that nobody reads");
}

#[test]
fn s4_a_run_that_gives_the_same_rows_is_cut_off() {
    let session = Session::with_rows();
    let open = session.watch(sql::<String>("SELECT text FROM todos WHERE NOT completed ORDER BY id", params![]));
    let before = open.live.get();
    session.write("UPDATE todos SET completed = 0");
    assert_eq!((open.live.stats().runs, open.live.stats().cut_offs, open.calls()), (2, 1, 0));
    assert!(std::sync::Arc::ptr_eq(&before, &open.live.get()));
    session.write("UPDATE todos SET completed = 1 WHERE id = 1");
    assert_eq!((open.live.stats().runs, open.live.stats().cut_offs, open.calls()), (3, 1, 1));
}

#[test]
fn s4_values_are_compared_by_type_and_bytes() {
    let session = Session::with_rows();
    let zero = session.watch(sql::<rusqlite::types::Value>("SELECT weight FROM todos WHERE id = 1", params![]));
    session.write("UPDATE todos SET weight = 0.0");
    assert_eq!(zero.calls(), 1, "NULL to 0.0");
    session.write("UPDATE todos SET weight = -0.0");
    assert_eq!(zero.calls(), 0, "SQLite itself stores -0.0 as 0.0");
    let kinds = session
        .watch(sql::<rusqlite::types::Value>("SELECT iif(completed, '1', 1) FROM todos WHERE id = 1", params![]));
    session.write("UPDATE todos SET completed = 1");
    assert_eq!(kinds.calls(), 1, "1 to '1'");
}

#[test]
fn s4_only_the_columns_that_the_type_reads_count() {
    let session = Session::with_rows();
    let lists = session.watch(sql::<super::fixture::List>(
        "SELECT *, 1 + length(name) AS more, (SELECT count(*) FROM log) FROM \"order\"",
        params![],
    ));
    session.write("INSERT INTO log VALUES ('x')");
    assert_eq!((lists.live.stats().runs, lists.calls()), (2, 0));
}

#[test]
fn s7_an_error_is_a_value_and_the_next_change_tries_again() {
    let session = Session::with_rows();
    let texts = session.watch(sql::<Fussy>(TEXTS, params![]));
    let good = texts.live.get();
    for bad in ["bad", "panic"] {
        session.write_with("UPDATE todos SET text = ?1 WHERE id = 2", params![bad]);
        let error = texts.live.error().expect("an error").to_string();
        assert!(error.contains("it is bad") || error.contains("panicked: don't"), "{error}");
        assert_eq!(texts.live.get(), good, "the last good rows stay");
        assert!(texts.live.try_get().is_err());
        assert!(session.try_live(sql::<Fussy>(TEXTS, params![])).is_err(), "as a fresh run would");
        assert_eq!(texts.calls(), 1);
        session.write("UPDATE todos SET text = text");
        assert_eq!(texts.calls(), 0, "the same error is cut off");
    }
    session.write("UPDATE todos SET text = 'mail' WHERE id = 2");
    assert!(texts.live.error().is_none());
    assert!(std::sync::Arc::ptr_eq(&texts.live.try_get().expect("rows"), &good), "not read again");
    assert_eq!(texts.calls(), 1);
}

#[test]
fn s7_errors_of_sqlite_itself_are_values_too() {
    let session = Session::with_rows();
    let sum = session.live(sql::<Option<i64>>("SELECT sum(id) FROM todos", params![]));
    session.add(i64::MAX, "much", None);
    assert!(sum.error().expect("an error").to_string().contains("integer overflow"));
    assert_eq!(sum.first(), Some(Some(3)));
    session.write("DELETE FROM todos WHERE text = 'much'");
    assert!(sum.error().is_none());
}

#[test]
fn an_error_at_registration_is_returned_and_disturbs_nothing() {
    let session = Session::with_rows();
    let other = session.live(sql::<String>(TEXTS, params![]));
    let sizes = session.graph.sizes();
    let refused = |query| session.try_live::<String>(query).expect_err("it is wrong");
    assert!(matches!(refused(sql("SELEC", params![])), Error::Sql { .. }));
    assert!(matches!(refused(sql("SELECT nothing FROM todos", params![])), Error::Sql { .. }));
    assert!(matches!(refused(sql("DELETE FROM todos", params![])), Error::NotAllowed { .. }));
    assert!(matches!(refused(sql("PRAGMA user_version = 7", params![])), Error::NotAllowed { .. }));
    assert!(matches!(refused(sql("DELETE FROM todos RETURNING text", params![])), Error::NotAllowed { .. }));
    assert!(matches!(refused(sql("SELECT 'a'; DELETE FROM todos", params![])), Error::NotAllowed { .. }));
    assert!(matches!(refused(sql("SELECT 'a'; SELECT 'b'", params![])), Error::Sql { .. }));
    assert!(matches!(refused(sql(TEXTS, params![1])), Error::Sql { .. }));
    assert!(matches!(
        refused(sql("SELECT text FROM todos WHERE id = :id", named_params! { ":no": 1 })),
        Error::Sql { .. }
    ));
    assert!(matches!(refused(sql("SELECT id FROM todos", params![])), Error::Row { .. }));
    assert!(refused(sql("SELECT ?1", params![f64::NAN])).to_string().contains("NaN"));
    let missing = session.try_live(sql::<super::fixture::Todo>("SELECT id FROM todos WHERE 0", params![]));
    assert!(matches!(missing, Err(Error::Row { .. })), "even without a row");
    assert_eq!(session.graph.sizes(), sizes);
    assert_eq!((other.get().len(), other.stats().runs), (2, 1));
}

#[test]
fn s9_equal_queries_share_one_node_and_others_do_not() {
    let session = Session::with_rows();
    let one =
        |value: &dyn crate::schema::ToColumn| session.live(sql::<rusqlite::types::Value>("SELECT ?1", params![value]));
    let null = None::<i64>;
    let all =
        [one(&1), one(&"1"), one(&1.0), one(&null), one(&"null"), one(&"NULL"), one(&0.0), one(&-0.0), one(&true)];
    assert_eq!(session.graph.sizes().0, 8, "true is 1");
    let shared = session.live(sql::<String>(TEXTS, params![]));
    let again = session.live(sql::<String>(TEXTS, params![]));
    assert_eq!(again.stats().runs, 1);
    session.add(3, "owl", None);
    assert_eq!((shared.stats().runs, again.get()), (2, shared.get()));
    let fussy = session.live(sql::<Fussy>(TEXTS, params![]));
    let by_name = session.live(sql::<i64>("SELECT :a + :b", named_params! { ":a": 1, ":b": 2 }));
    let turned = session.live(sql::<i64>("SELECT :a + :b", named_params! { ":b": 1, ":a": 2 }));
    assert_eq!((fussy.stats().runs, by_name.stats().runs, turned.stats().runs), (1, 1, 1));
    assert_eq!(session.graph.sizes().0, 12);
    drop(all);
}

#[test]
fn s9_what_nobody_holds_is_freed() {
    let session = Session::with_rows();
    let text = session.live(sql::<String>(TEXTS, params![]));
    let clone = text.clone();
    let subscription = clone.subscribe(drop);
    let stream = text.changes();
    drop((text, clone));
    assert_eq!(session.graph.sizes(), (1, 1, 1));
    drop(subscription);
    assert_eq!(session.graph.sizes(), (1, 1, 1));
    drop(stream);
    assert_eq!(session.graph.sizes(), (0, 0, 0));
    let again = session.live(sql::<String>(TEXTS, params![]));
    assert_eq!(again.stats().runs, 1);
}

#[test]
fn s9_many_queries_come_and_go() {
    let session = Session::with_rows();
    let query = |id: i64| session.live(sql::<String>("SELECT text FROM todos WHERE id = ?1", params![id]));
    let all: Vec<_> = (0..20_000).map(query).collect();
    assert_eq!(session.graph.sizes(), (20_000, 1, 1));
    session.write("INSERT INTO log VALUES ('x')");
    assert!(all.iter().all(|live| live.stats().runs == 1));
    drop(all);
    assert_eq!(session.graph.sizes(), (0, 0, 0));
}

#[test]
fn s10_a_rollback_that_ends_in_the_same_rows_tells_nobody() {
    let session = Session::with_rows();
    let texts = session.watch(sql::<String>(TEXTS, params![]));
    let mut touched = Touched::default();
    session.execute("UPDATE todos SET text = 'x'", params![], &mut touched);
    session.settle(&touched);
    session.execute("UPDATE todos SET text = iif(id = 1, 'milk', 'mail')", params![], &mut touched);
    session.settle(&touched);
    session.graph.deliver();
    assert_eq!((texts.calls(), texts.live.stats().runs), (0, 3));
}
