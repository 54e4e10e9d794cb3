//! Sync over loopback: the server and each other client in a process of its own.

use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use headwater::sync_provider::HttpSync;
use headwater::{Fate, InitialSync, Storage, Store, params, sql};
use serde::{Deserialize, Serialize};

use super::N;
use crate::child::{Backend, PATIENCE, Process, Sighting, Watcher};
use crate::job::{Job, count};
use crate::measure::{Measured, round, shared_clock, us};
use crate::model::{self, TodoEvent, created};

/// A server that keeps its log below a folder, and its URL.
fn backend(folder: &Path) -> Result<(Process, String)> {
    Backend { folder: folder.join("backend") }.start()
}

fn client(folder: &Path, name: &str, url: &str) -> Result<Store> {
    let builder = Store::builder(model::schema(false)).storage(Storage::directory(folder.join(name)));
    Ok(builder.sync(HttpSync::new(url)?).initial_sync(InitialSync::Blocking { timeout: PATIENCE }).open()?)
}

/// Commits todos and waits until the backend has them.
fn upload(store: &Store, rows: usize, per_commit: usize) -> Result<()> {
    let mut last = None;
    for start in (0..rows).step_by(per_commit) {
        let events: Vec<_> = (start..rows.min(start + per_commit)).map(created).collect();
        last = Some(store.commit(events)?);
    }
    let Some(last) = last else { return Ok(()) };
    match last.wait_confirmed(PATIENCE)? {
        Fate::Confirmed { .. } => Ok(()),
        fate => bail!("the backend did not take the last commit: {fate:?}"),
    }
}

/// Adds the CPU time of other processes, and says whose it was.
fn with_others(mut measured: Measured, others: &[(&'static str, f64)]) -> Measured {
    let operations = measured.operations.max(1) as f64;
    let own = measured.cpu_us();
    for (name, cpu_us) in others {
        measured.cpu += Duration::from_secs_f64(cpu_us / 1e6);
        measured = measured.with(name, round(cpu_us / operations));
    }
    measured.with("client_cpu_us_per_op", round(own))
}

/// From a commit on one client to the live query of another.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SyncLatency {
    rows: NonZeroUsize,
    n: NonZeroUsize,
}

impl Default for SyncLatency {
    fn default() -> Self {
        Self { rows: count(1_000), n: count(200) }
    }
}

impl Job for SyncLatency {
    const NAME: &'static str = "sync_latency";
    const ABOUT: &'static str = "from the commit on client A over the server to the live query of client B, all on disk, each in a process of its own; CPU time is that of all three";
    const PARAMS: &'static [(&'static str, &'static str)] = &[("rows", "how many todos both clients have"), N];

    fn measure(&self) -> Result<Measured> {
        let folder = tempfile::tempdir()?;
        let (mut server, url) = backend(folder.path())?;
        let store = client(folder.path(), "a", &url)?;
        upload(&store, self.rows.get(), 100)?;
        let watcher = Watcher { url, folder: folder.path().join("b"), rows: self.rows.get() };
        let mut watcher = watcher.start()?;
        let (server_cpu, watcher_cpu) = (server.cpu_us()?, watcher.cpu_us()?);
        let mut waits = Vec::with_capacity(self.n.get());
        let measured = Measured::run(self.n.get(), |time| {
            let text = format!("draw it again, time {time}");
            let start = shared_clock();
            let receipt = store.commit(TodoEvent::TextChanged { id: model::id(0), text: text.clone() })?;
            let seen: Sighting = watcher.read()?;
            ensure!(seen.text == text, "client B shows {:?} where {text:?} was due", seen.text);
            let at = Duration::from_nanos(seen.at_ns);
            waits.push(at.checked_sub(start).context("the clocks of two processes differ")?);
            receipt.wait_confirmed(PATIENCE)?;
            Ok(())
        })?;
        let others = [
            ("server_cpu_us_per_op", server.cpu_us()? - server_cpu),
            ("watcher_cpu_us_per_op", watcher.cpu_us()? - watcher_cpu),
        ];
        watcher.finish()?;
        store.shutdown()?;
        server.finish()?;
        Ok(with_others(Measured { waits, ..measured }, &others))
    }
}

/// Commits that are confirmed by the backend.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct SyncThroughput {
    events: NonZeroUsize,
    per_commit: NonZeroUsize,
}

impl Default for SyncThroughput {
    fn default() -> Self {
        Self { events: count(10_000), per_commit: count(1) }
    }
}

impl Job for SyncThroughput {
    const NAME: &'static str = "sync_throughput";
    const ABOUT: &'static str = "commits as fast as it goes, until the backend has confirmed the last; an operation is one event; the waits are those for each commit";
    const PARAMS: &'static [(&'static str, &'static str)] =
        &[("events", "how many events"), ("perCommit", "how many of them in one commit")];

    fn measure(&self) -> Result<Measured> {
        let folder = tempfile::tempdir()?;
        let (mut server, url) = backend(folder.path())?;
        let store = client(folder.path(), "a", &url)?;
        let server_cpu = server.cpu_us()?;
        let (events, size) = (self.events.get(), self.per_commit.get());
        let mut waits = Vec::new();
        let measured = Measured::run(1, |_| {
            let mut last = None;
            for start in (0..events).step_by(size) {
                let group: Vec<_> = (start..events.min(start + size)).map(created).collect();
                let began = std::time::Instant::now();
                last = Some(store.commit(group)?);
                waits.push(began.elapsed());
            }
            let fate = last.context("no events")?.wait_confirmed(PATIENCE)?;
            ensure!(matches!(fate, Fate::Confirmed { .. }), "the backend did not take the last commit: {fate:?}");
            Ok(())
        })?;
        let others = [("server_cpu_us_per_op", server.cpu_us()? - server_cpu)];
        store.shutdown()?;
        server.finish()?;
        Ok(with_others(Measured { waits, operations: events, ..measured }, &others))
    }
}

/// A new client that takes over all that the backend has.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CatchUp {
    events: NonZeroUsize,
}

impl Default for CatchUp {
    fn default() -> Self {
        Self { events: count(50_000) }
    }
}

impl Job for CatchUp {
    const NAME: &'static str = "catch_up";
    const ABOUT: &'static str =
        "a new client on disk, from opening it until it shows all that the backend has; an operation is one event";
    const PARAMS: &'static [(&'static str, &'static str)] =
        &[("events", "how many events the backend has, each with a row")];

    fn measure(&self) -> Result<Measured> {
        let folder = tempfile::tempdir()?;
        let (mut server, url) = backend(folder.path())?;
        let events = self.events.get();
        let first = client(folder.path(), "a", &url)?;
        upload(&first, events, 1_000)?;
        first.shutdown()?;
        let server_cpu = server.cpu_us()?;
        let mut store = None;
        let measured = Measured::run(1, |_| {
            let open = client(folder.path(), "b", &url)?;
            let all = |status: &headwater::SyncStatus| status.heads.session.global == events as u64;
            open.sync_status_changes().wait_until(PATIENCE, all).context("never caught up")?;
            store = Some(open);
            Ok(())
        })?;
        let others = [("server_cpu_us_per_op", server.cpu_us()? - server_cpu)];
        let store = store.context("no store")?;
        let rows = store.query(sql::<usize>("SELECT count(*) FROM todos", params![]))?;
        ensure!(rows == [events], "{rows:?} rows of {events}");
        store.shutdown()?;
        server.finish()?;
        let seconds = us(measured.total) / 1e6;
        let measured = Measured { operations: events, ..measured };
        Ok(with_others(measured, &others).with("events_per_s", round(events as f64 / seconds)))
    }
}
