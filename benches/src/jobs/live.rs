//! Live queries over many rows.

use std::num::NonZeroUsize;

use anyhow::{Result, ensure};
use headwater::{Store, params, sql};
use serde::{Deserialize, Serialize};

use super::{N, ROWS};
use crate::job::{Job, count};
use crate::measure::Measured;
use crate::model::{self, LISTS, TodoEvent};
use crate::raw::Raw;

/// Where a change falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Where {
    /// On a row that the query shows.
    Inside,
    /// On a row that it does not show.
    Outside,
}

/// A live list.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LiveList {
    rows: NonZeroUsize,
    indexed: bool,
    #[serde(rename = "where")]
    place: Where,
    n: NonZeroUsize,
}

impl Default for LiveList {
    fn default() -> Self {
        Self { rows: count(10_000), indexed: true, place: Where::Inside, n: count(2_000) }
    }
}

const LIST: &str = "SELECT id, text, completed FROM todos WHERE list_id = ?1 ORDER BY created_at";

impl Job for LiveList {
    const NAME: &'static str = "live_list";
    const ABOUT: &'static str = "commits of one event that changes a row, while a sorted list with a WHERE is live; it shows a hundredth of the rows";
    const PARAMS: &'static [(&'static str, &'static str)] = &[
        ROWS,
        ("indexed", "whether there is an index for WHERE and ORDER BY"),
        ("where", "inside: the row is in the list; outside: it is in another list"),
        N,
    ];

    fn measure(&self) -> Result<Measured> {
        let store = Store::builder(model::schema(self.indexed)).open()?;
        let rows = self.rows.get();
        model::fill(&store, rows)?;
        let live = store.live_query(sql::<(String, String, bool)>(LIST, params![model::list_id(0)]))?;
        let before = live.stats();
        let measured = Measured::run(self.n.get(), |number| {
            let (id, text) = (model::id(self.number(number)), text(number));
            store.commit(TodoEvent::TextChanged { id, text })?;
            Ok(())
        })?;
        if self.place == Where::Inside {
            let last = text(self.n.get() - 1);
            ensure!(live.get().iter().any(|row| row.1 == last), "the live list is not up to date");
        }
        let runs = (live.stats().runs - before.runs) as f64 / self.n.get() as f64;
        let raw = self.raw()?;
        Ok(measured.beside(&raw).with("query_runs_per_op", runs).with("result_rows", live.get().len()))
    }
}

fn text(number: usize) -> String {
    format!("draw it again, time {number}")
}

impl LiveList {
    /// Which todo is changed at a time.
    fn number(&self, time: usize) -> usize {
        let first = (time * LISTS) % self.rows.get().next_multiple_of(LISTS).max(LISTS);
        let number = if self.place == Where::Inside { first } else { first + 1 };
        if number < self.rows.get() { number } else { usize::from(self.place == Where::Outside) }
    }

    /// The same writes, and the query where the change shows.
    fn raw(&self) -> Result<Measured> {
        let mut raw = Raw::open(None, self.indexed)?;
        raw.create(0, self.rows.get())?;
        Measured::run(self.n.get(), |number| {
            raw.set_text(self.number(number), &text(number))?;
            if self.place == Where::Inside {
                let mut statement = raw.state().prepare_cached(LIST)?;
                let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
                let rows = statement.query_map([model::list_id(0)], read)?;
                let _: Vec<(String, String, bool)> = rows.collect::<rusqlite::Result<_>>()?;
            }
            Ok(())
        })
    }
}

/// A live aggregate.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LiveAggregate {
    rows: NonZeroUsize,
    n: NonZeroUsize,
}

impl Default for LiveAggregate {
    fn default() -> Self {
        Self { rows: count(10_000), n: count(2_000) }
    }
}

const AGGREGATE: &str = "SELECT count(*), coalesce(sum(completed), 0) FROM todos";

impl Job for LiveAggregate {
    const NAME: &'static str = "live_aggregate";
    const ABOUT: &'static str =
        "commits of one event that changes a row, while a count and a sum over all rows are live";
    const PARAMS: &'static [(&'static str, &'static str)] = &[ROWS, N];

    fn measure(&self) -> Result<Measured> {
        let store = Store::builder(model::schema(false)).open()?;
        let rows = self.rows.get();
        model::fill(&store, rows)?;
        let live = store.live_query(sql::<(i64, i64)>(AGGREGATE, params![]))?;
        let completed = |number: usize| (number / rows).is_multiple_of(2);
        let measured = Measured::run(self.n.get(), |number| {
            let event = TodoEvent::CompletedChanged { id: model::id(number % rows), completed: completed(number) };
            store.commit(event)?;
            Ok(())
        })?;
        let fresh = store.query(sql::<(i64, i64)>(AGGREGATE, params![]))?;
        ensure!(*live.get() == fresh, "the live aggregate is not up to date");
        let mut raw = Raw::open(None, false)?;
        raw.create(0, rows)?;
        let raw = Measured::run(self.n.get(), |number| {
            raw.set_completed(number % rows, completed(number))?;
            let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
            raw.state().prepare_cached(AGGREGATE)?.query_one([], read)?;
            Ok(())
        })?;
        Ok(measured.beside(&raw))
    }
}
