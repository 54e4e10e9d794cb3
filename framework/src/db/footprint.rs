//! What a statement reads and writes, by table and column.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Columns of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Columns {
    /// Rows as such: their presence, or every column.
    pub(crate) rows: bool,
    /// Single columns.
    pub(crate) names: BTreeSet<Box<str>>,
}

/// What a statement reads and writes, through views, triggers and foreign keys. Names are in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Footprint {
    pub(crate) reads: BTreeMap<Box<str>, Columns>,
    pub(crate) writes: BTreeMap<Box<str>, Columns>,
    /// Whether any write at all can change what it reads.
    pub(crate) opaque: bool,
}

impl Footprint {
    /// Whether what `writer` writes can change what this reads.
    pub(crate) fn reads_what(&self, writer: &Self) -> bool {
        if self.opaque {
            return !writer.writes.is_empty();
        }
        writer.writes.iter().any(|(table, written)| {
            self.reads.get(table).is_some_and(|read| written.rows || !written.names.is_disjoint(&read.names))
        })
    }
}

/// What a number of statements wrote. Each footprint is in it once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Touched(Vec<Arc<Footprint>>);

impl Touched {
    pub(crate) fn add(&mut self, footprint: &Arc<Footprint>) {
        if !footprint.writes.is_empty() && !self.0.iter().any(|known| Arc::ptr_eq(known, footprint)) {
            self.0.push(footprint.clone());
        }
    }

    pub(crate) fn extend(&mut self, other: &Self) {
        other.0.iter().for_each(|footprint| self.add(footprint));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn footprints(&self) -> &[Arc<Footprint>] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use crate::db::{Db, Purpose};
    use crate::error::Error;

    fn db() -> Db {
        let db = Db::in_memory().expect("opens");
        db.run(
            "CREATE TABLE lists (id TEXT PRIMARY KEY, name TEXT) STRICT;
             CREATE TABLE todos (id TEXT PRIMARY KEY, text TEXT, done INTEGER, list TEXT REFERENCES lists ON DELETE CASCADE) STRICT;
             CREATE TABLE log (what TEXT) STRICT;
             CREATE VIEW open AS SELECT id, text FROM todos WHERE done = 0;
             CREATE TRIGGER logged AFTER UPDATE OF text ON todos BEGIN INSERT INTO log VALUES (new.text); END",
        )
        .expect("is valid");
        db
    }

    fn affects(write: &str, read: &str) -> bool {
        let db = db();
        let writer = db.footprint(write, Purpose::Materialize).expect("prepares");
        db.footprint(read, Purpose::Read).expect("prepares").reads_what(&writer)
    }

    #[test]
    fn columns_are_told_apart() {
        assert!(affects("UPDATE todos SET done = 1", "SELECT done FROM todos"));
        assert!(affects("UPDATE todos SET done = 1", "SELECT count(*) FROM todos WHERE done"));
        assert!(!affects("UPDATE todos SET done = 1", "SELECT id, text FROM todos"));
        assert!(!affects("UPDATE todos SET done = 1", "SELECT count(*) FROM todos"));
        assert!(affects("INSERT INTO todos (id) VALUES ('a')", "SELECT count(*) FROM todos"));
        assert!(affects("DELETE FROM todos", "SELECT 1 FROM todos"));
        assert!(!affects("DELETE FROM log", "SELECT id FROM todos"));
    }

    #[test]
    fn views_triggers_and_cascades_are_seen_through() {
        assert!(affects("UPDATE todos SET done = 1", "SELECT text FROM open"));
        assert!(affects("UPDATE todos SET text = 'x'", "SELECT what FROM log"));
        assert!(!affects("UPDATE todos SET done = 1", "SELECT what FROM log"));
        assert!(affects("DELETE FROM lists", "SELECT id FROM todos"));
    }

    #[test]
    fn what_a_purpose_may_not_do_is_refused() {
        let db = db();
        for sql in [
            "BEGIN",
            "ROLLBACK",
            "SAVEPOINT x",
            "PRAGMA foreign_keys = OFF",
            "ATTACH ':memory:' AS x",
            "CREATE TABLE x (y)",
            "DROP TABLE log",
        ] {
            let refused = db.footprint(sql, Purpose::Materialize);
            assert!(matches!(refused, Err(Error::NotAllowed { .. })), "{sql}: {refused:?}");
        }
        let written = db.footprint("DELETE FROM log", Purpose::Read);
        assert!(matches!(written, Err(Error::NotAllowed { .. })), "{written:?}");
    }
}
