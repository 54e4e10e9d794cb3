//! Random writes: whatever they are, every live query equals a fresh run after each of them, and what subscribers were
//! given folds to it.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use rusqlite::types::Value;

use super::fixture::{List, Session, Todo, Watched};
use crate::db::Touched;
use crate::error::Result;
use crate::params;
use crate::query::{Query, Scalar, count, max, sql, sum};
use crate::schema::{FromRow, Row, Table};

/// Any row: its values.
#[derive(Clone, Debug, PartialEq)]
struct Values(Vec<Value>);

impl FromRow for Values {
    const COLUMNS: Option<&'static [&'static str]> = None;

    fn from_row(row: &Row<'_>) -> Result<Self> {
        (0..row.width()).map(|index| row.get(index)).collect::<Result<_>>().map(Self)
    }
}

/// Writes, with places for two small numbers.
const WRITES: &[&str] = &[
    "INSERT OR IGNORE INTO todos (id, text, completed) VALUES (?1, 'text ' || ?2, ?2 % 2)",
    "INSERT OR REPLACE INTO todos (id, text, \"list id\") VALUES (?1, 'list ' || ?2, (SELECT id FROM \"order\" LIMIT 1 OFFSET ?2))",
    "INSERT INTO todos (id, text) VALUES (?1, 'a') ON CONFLICT DO UPDATE SET weight = ?2",
    "UPDATE todos SET completed = NOT completed WHERE id = ?1 OR id = ?2",
    "UPDATE todos SET text = 'text ' || ?2 WHERE id = ?1",
    "UPDATE todos SET weight = nullif(?2, 3) WHERE id >= ?1",
    "UPDATE OR REPLACE todos SET id = ?2 WHERE id = ?1",
    "UPDATE OR IGNORE todos SET rowid = ?2 WHERE id = ?1",
    "DELETE FROM todos WHERE id = ?1 + 0 * ?2",
    "DELETE FROM todos WHERE ?1 = ?2",
    "INSERT OR IGNORE INTO \"order\" VALUES ('list ' || ?1, 'name ' || ?2, NULL)",
    "UPDATE \"order\" SET name = 'name ' || ?2, parent = 'list ' || ?2 WHERE id = 'list ' || ?1",
    "DELETE FROM \"order\" WHERE id = 'list ' || ?1 AND ?2 < 3",
    "INSERT INTO log VALUES ('entry ' || ?1 || ?2)",
    "DELETE FROM log WHERE ?1 = ?2",
    "INSERT OR REPLACE INTO spots (name, size) VALUES ('spot ' || ?1, ?2)",
    "UPDATE OR REPLACE spots SET name = 'spot ' || ?2 WHERE id % 3 = ?1",
    "UPDATE spots SET size = ?2 WHERE id % 2 = ?1 % 2",
    "INSERT INTO marks SELECT max(id), min(name) FROM spots WHERE ?1 < ?2",
    "DELETE FROM spots WHERE id % 4 = ?1 AND ?2 < 4",
    "UPDATE OR IGNORE spots SET id = id + ?2 WHERE id % 5 = ?1",
    "UPDATE words SET text = 'word ' || ?2 WHERE rowid = ?1",
    "INSERT INTO open VALUES (100 + ?1 * 10 + ?2, 'through a view') RETURNING 1",
];

const QUERIES: &[&str] = &[
    "SELECT * FROM todos",
    "SELECT text FROM todos WHERE completed ORDER BY text, id LIMIT 3",
    "SELECT count(*) FROM todos",
    "SELECT id, rowid FROM todos WHERE id BETWEEN 2 AND 4",
    "SELECT weight, count(*), group_concat(id) FROM todos GROUP BY weight HAVING count(*) > 1",
    "SELECT t.id, o.name FROM todos t LEFT JOIN \"order\" o ON o.id = t.\"list id\" ORDER BY t.id",
    "SELECT name FROM \"order\" o WHERE NOT EXISTS (SELECT 1 FROM todos WHERE \"list id\" = o.id) ORDER BY o.id",
    "SELECT id, text FROM open ORDER BY id",
    "SELECT one FROM ones",
    "SELECT what FROM log",
    "SELECT count(*), max(rowid) FROM log",
    "SELECT rowid FROM words WHERE words MATCH 'text OR word' ORDER BY rowid",
    "SELECT count(*) FROM words",
    "SELECT term, doc, cnt FROM vocabulary",
    "SELECT count(*) FROM spots",
    "SELECT name, twice FROM spots ORDER BY name",
    "SELECT thrice FROM spots ORDER BY id",
    "SELECT id FROM spots",
    "SELECT spot FROM marks",
    "SELECT name FROM marks",
    "SELECT seq FROM sqlite_sequence",
    "SELECT sum(id), avg(weight), total(weight) FROM todos",
    "SELECT id, row_number() OVER (ORDER BY text, id) FROM todos",
    "WITH RECURSIVE up (id, depth) AS (SELECT id, 0 FROM \"order\" UNION SELECT parent, depth + 1 FROM \"order\" JOIN up USING (id) WHERE depth < 5) SELECT * FROM up ORDER BY 1, 2",
    "SELECT id FROM todos UNION SELECT size FROM spots",
    "SELECT (SELECT name FROM spots WHERE size = t.id) FROM todos t ORDER BY t.id",
];

/// A step: some writes with numbers, of which the last ones may be rolled back; then the graph settles.
#[derive(Clone, Debug)]
struct Step {
    kept: Vec<(&'static str, i64, i64)>,
    rolled_back: Vec<(&'static str, i64, i64)>,
    deliver: bool,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let writes = |size| proptest::collection::vec((select(WRITES), 0..6_i64, 0..6_i64), size);
    let step = (writes(0..4), writes(0..2), any::<bool>());
    let step = step.prop_map(|(kept, rolled_back, deliver)| Step { kept, rolled_back, deliver });
    proptest::collection::vec(step, 1..12)
}

fn write(session: &Session, writes: &[(&'static str, i64, i64)], touched: &mut Touched) {
    for (sql, first, second) in writes {
        let state = crate::query::graph::lock(&session.state);
        touched.add(&state.db().footprint(sql, crate::db::Purpose::Materialize).expect("prepares"));
        state.db().step("SAVEPOINT one").expect("begins");
        // What a constraint refuses changes nothing.
        if state.db().for_each(sql, params![first, second], |_| Ok(()), None).is_err() {
            state.db().step("ROLLBACK TO one").expect("rolls back");
        }
        state.db().step("RELEASE one").expect("ends");
    }
}

fn take(session: &Session, step: &Step) {
    let mut touched = Touched::default();
    write(session, &step.kept, &mut touched);
    let begin_and_end = |sql| crate::query::graph::lock(&session.state).db().step(sql).expect("a savepoint");
    begin_and_end("SAVEPOINT outer");
    write(session, &step.rolled_back, &mut touched);
    begin_and_end("ROLLBACK TO outer");
    begin_and_end("RELEASE outer");
    session.settle(&touched);
    if step.deliver {
        session.graph.deliver();
    }
}

/// A live query that is checked against fresh runs.
struct Checked<T: Send + Sync + 'static> {
    watched: Watched<T>,
    delivered: Arc<Vec<T>>,
}

impl<T: Clone + PartialEq + std::fmt::Debug + Send + Sync + 'static> Checked<T> {
    fn new(session: &Session, query: Query<T>) -> Self {
        let watched = session.watch(query);
        let delivered = watched.live.get();
        Self { watched, delivered }
    }

    fn check(&mut self, session: &Session, delivered: bool) {
        let (live, query) = (&self.watched.live, self.watched.live.query());
        assert_eq!(*live.get(), session.query(query), "{query:?}");
        assert!(live.error().is_none());
        for rows in self.watched.given() {
            assert_ne!(rows, self.delivered, "told of no change: {query:?}");
            self.delivered = rows;
        }
        if delivered {
            assert_eq!(self.delivered, live.get(), "not told: {query:?}");
        }
    }
}

#[test]
fn every_live_query_equals_a_fresh_run_after_every_write() {
    let config = ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() };
    let outcome = TestRunner::new(config).run(&steps(), |steps| {
        let session = Session::with_rows();
        let mut by_text: Vec<_> =
            QUERIES.iter().map(|text| Checked::new(&session, sql::<Values>(*text, params![]))).collect();
        let completed = Todo::query().filter(Todo::COMPLETED).order_by(Todo::TEXT.desc()).limit(3);
        let with_list = Todo::query().left_join::<List>(Todo::LIST_ID.eq(List::ID)).order_by(List::NAME);
        let per_list = Todo::query().group_by(Todo::LIST_ID).order_by(Todo::LIST_ID);
        let per_list = per_list.having(count().gt(1)).select((Todo::LIST_ID, max(Todo::ID), sum(Todo::WEIGHT)));
        let lengths = Todo::query().order_by(Todo::ID).select(Scalar::<i64>::sql("length(text)", params![]));
        let mut completed = Checked::new(&session, completed.into());
        let mut with_list = Checked::new(&session, with_list.into());
        let mut per_list = Checked::new(&session, per_list.into());
        let mut lengths = Checked::new(&session, lengths.into());
        for step in &steps {
            take(&session, step);
            by_text.iter_mut().for_each(|checked| checked.check(&session, step.deliver));
            completed.check(&session, step.deliver);
            with_list.check(&session, step.deliver);
            per_list.check(&session, step.deliver);
            lengths.check(&session, step.deliver);
        }
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}
