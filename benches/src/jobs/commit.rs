//! Commits.

use std::num::NonZeroUsize;

use anyhow::Result;
use headwater::{Durability, Storage, Store, params, sql};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::{N, ROWS};
use crate::job::{Job, count};
use crate::measure::Measured;
use crate::model::{self, TodoEvent, created};
use crate::raw::Raw;

/// Where a store keeps its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// In memory.
    Memory,
    /// In a folder.
    Disk,
}

impl Place {
    /// The storage, and the folder that is removed with it.
    pub(super) fn storage(self) -> Result<(Option<TempDir>, Storage)> {
        Ok(match self {
            Self::Memory => (None, Storage::in_memory()),
            Self::Disk => {
                let folder = tempfile::tempdir()?;
                let storage = Storage::directory(folder.path().join("store"));
                (Some(folder), storage)
            }
        })
    }
}

/// How long a commit must last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Durable {
    /// The commit does not wait.
    Deferred,
    /// It survives the end of the process.
    Process,
    /// It survives the loss of power.
    Disk,
}

impl From<Durable> for Durability {
    fn from(durable: Durable) -> Self {
        match durable {
            Durable::Deferred => Self::Deferred,
            Durable::Process => Self::Process,
            Durable::Disk => Self::Disk,
        }
    }
}

const STORAGE: (&str, &str) = ("storage", "memory or disk");

/// One event in one commit.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CommitLatency {
    storage: Place,
    durability: Durable,
    n: NonZeroUsize,
}

impl Default for CommitLatency {
    fn default() -> Self {
        Self { storage: Place::Disk, durability: Durable::Process, n: count(10_000) }
    }
}

impl Job for CommitLatency {
    const NAME: &'static str = "commit_latency";
    const ABOUT: &'static str = "commits of one event that inserts a row; raw: one row of the log and one of the state";
    const PARAMS: &'static [(&'static str, &'static str)] =
        &[STORAGE, ("durability", "deferred, process (survives kill -9) or disk (survives the loss of power)"), N];

    fn measure(&self) -> Result<Measured> {
        let (folder, storage) = self.storage.storage()?;
        let store = Store::builder(model::schema(false)).storage(storage).durability(self.durability.into()).open()?;
        let n = self.n.get();
        let measured = Measured::run(n, |number| {
            store.commit(created(number))?;
            Ok(())
        })?;
        let mut raw = Raw::open(folder.as_ref().map(TempDir::path), false)?;
        if self.durability == Durable::Disk {
            raw.sync_fully()?;
        }
        let raw = Measured::run(n, |number| raw.create(number, 1))?;
        store.shutdown()?;
        Ok(measured.beside(&raw))
    }
}

/// Many events in one commit.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BatchCommit {
    size: NonZeroUsize,
    storage: Place,
    n: NonZeroUsize,
}

impl Default for BatchCommit {
    fn default() -> Self {
        Self { size: count(1_000), storage: Place::Disk, n: count(20) }
    }
}

impl Job for BatchCommit {
    const NAME: &'static str = "batch_commit";
    const ABOUT: &'static str = "commits of many events, each of which inserts a row; an operation is one commit";
    const PARAMS: &'static [(&'static str, &'static str)] = &[("size", "events in a commit"), STORAGE, N];

    fn measure(&self) -> Result<Measured> {
        let (folder, storage) = self.storage.storage()?;
        let store = Store::builder(model::schema(false)).storage(storage).open()?;
        let (n, size) = (self.n.get(), self.size.get());
        let measured = Measured::run(n, |number| {
            let events: Vec<_> = (number * size..(number + 1) * size).map(created).collect();
            store.commit(events)?;
            Ok(())
        })?;
        let mut raw = Raw::open(folder.as_ref().map(TempDir::path), false)?;
        let raw = Measured::run(n, |number| raw.create(number * size, size))?;
        store.shutdown()?;
        Ok(measured.beside(&raw))
    }
}

/// Commits while many queries are live.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CommitWithLiveQueries {
    k: usize,
    rows: NonZeroUsize,
    n: NonZeroUsize,
}

impl Default for CommitWithLiveQueries {
    fn default() -> Self {
        Self { k: 1_000, rows: count(10_000), n: count(1_000) }
    }
}

impl Job for CommitWithLiveQueries {
    const NAME: &'static str = "commit_with_live_queries";
    const ABOUT: &'static str = "commits that change one row, while queries of single rows are live";
    const PARAMS: &'static [(&'static str, &'static str)] = &[("k", "live queries, each of one row"), ROWS, N];

    fn measure(&self) -> Result<Measured> {
        let store = Store::builder(model::schema(false)).open()?;
        let rows = self.rows.get();
        model::fill(&store, rows)?;
        let point = |number: usize| {
            let query = "SELECT text, completed FROM todos WHERE id = ?1";
            store.live_query(sql::<(String, bool)>(query, params![model::id(number % rows)]))
        };
        let live = (0..self.k).map(point).collect::<headwater::Result<Vec<_>>>()?;
        let runs = || live.iter().map(|live| live.stats().runs).sum::<u64>();
        let before = runs();
        let measured = Measured::run(self.n.get(), |number| {
            let id = model::id(number % rows.min(self.k.max(1)));
            store.commit(TodoEvent::TextChanged { id, text: format!("draw it again, time {number}") })?;
            Ok(())
        })?;
        let mut raw = Raw::open(None, false)?;
        raw.create(0, rows)?;
        let raw = Measured::run(self.n.get(), |number| {
            raw.set_text(number % rows.min(self.k.max(1)), &format!("draw it again, time {number}"))
        })?;
        let runs = (runs() - before) as f64 / self.n.get() as f64;
        Ok(measured.beside(&raw).with("query_runs_per_op", runs))
    }
}
