//! The core operations, each beside what the same work costs in SQLite alone.

use std::cell::Cell;
use std::path::Path;

use divan::{Bencher, counter::ItemsCount};
use headwater::{Storage, Store, params, sql};
use headwater_benches::child::PATIENCE;
use headwater_benches::held_backend::HeldBackend;
use headwater_benches::model::{self, created};
use headwater_benches::raw::Raw;
use tempfile::TempDir;

fn main() {
    divan::main();
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder for the bench")
}

fn store(folder: &Path) -> Store {
    let builder = Store::builder(model::schema(true)).storage(Storage::directory(folder.join("store")));
    builder.open().expect("the store opens")
}

/// Numbers that no other call has had.
fn next(numbers: &Cell<usize>, count: usize) -> usize {
    numbers.replace(numbers.get() + count)
}

#[divan::bench(args = [1, 10, 1_000])]
fn commit(bencher: Bencher<'_, '_>, size: usize) {
    let folder = folder();
    let (store, numbers) = (store(folder.path()), Cell::new(0));
    bencher.counter(ItemsCount::new(size)).bench_local(|| {
        let first = next(&numbers, size);
        let events: Vec<_> = (first..first + size).map(created).collect();
        store.commit(events).expect("the commit succeeds")
    });
}

#[divan::bench(args = [1, 10, 1_000])]
fn commit_raw(bencher: Bencher<'_, '_>, size: usize) {
    let folder = folder();
    let numbers = Cell::new(0);
    let mut raw = Raw::open(Some(folder.path()), true).expect("SQLite opens");
    bencher.counter(ItemsCount::new(size)).bench_local(|| raw.create(next(&numbers, size), size).expect("it writes"));
}

const LIST: &str = "SELECT id, text, completed FROM todos WHERE list_id = ?1 ORDER BY created_at";

#[divan::bench(args = [1_000, 100_000])]
fn query(bencher: Bencher<'_, '_>, rows: usize) {
    let folder = folder();
    let store = store(folder.path());
    model::fill(&store, rows).expect("the store fills");
    let list = sql::<(String, String, bool)>(LIST, params![model::list_id(7)]);
    bencher.counter(ItemsCount::new(rows / model::LISTS)).bench_local(|| store.query(&list).expect("the query runs"));
}

#[divan::bench(args = [1_000, 100_000])]
fn query_raw(bencher: Bencher<'_, '_>, rows: usize) {
    let mut raw = Raw::open(None, true).expect("SQLite opens");
    raw.create(0, rows).expect("it writes");
    bencher.counter(ItemsCount::new(rows / model::LISTS)).bench_local(|| {
        let mut statement = raw.state().prepare_cached(LIST).expect("it prepares");
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let rows = statement.query_map([model::list_id(7)], read).expect("it runs");
        rows.collect::<rusqlite::Result<Vec<(String, String, bool)>>>().expect("it reads")
    });
}

#[divan::bench(args = [1_000, 20_000], sample_count = 10, sample_size = 1)]
fn open(bencher: Bencher<'_, '_>, rows: usize) {
    let folder = folder();
    let filled = store(folder.path());
    model::fill(&filled, rows).expect("the store fills");
    filled.shutdown().expect("the store ends");
    bencher.counter(ItemsCount::new(rows)).bench_local(|| store(folder.path()).shutdown());
}

#[divan::bench(args = [1_000, 20_000], sample_count = 10, sample_size = 1)]
fn rebuild(bencher: Bencher<'_, '_>, rows: usize) {
    let folder = folder();
    let filled = store(folder.path());
    model::fill(&filled, rows).expect("the store fills");
    filled.shutdown().expect("the store ends");
    let remove = || std::fs::remove_file(folder.path().join("store/state.db")).expect("the state is there");
    bencher
        .counter(ItemsCount::new(rows))
        .with_inputs(remove)
        .bench_local_values(|()| store(folder.path()).shutdown().expect("the store ends"));
}

#[divan::bench(args = [1, 100, 1_000], sample_count = 10, sample_size = 1)]
fn rebase(bencher: Bencher<'_, '_>, pending: usize) {
    const UPSTREAM: usize = 100;
    let backend = HeldBackend::default();
    let store = Store::builder(model::schema(false)).sync(backend.clone()).open().expect("the store opens");
    let mut changes = store.sync_status_changes();
    changes.wait_until(PATIENCE, |status| status.heads.backend.is_some()).expect("it is online");
    (0..pending).for_each(|number| drop(store.commit(created(number)).expect("the commit succeeds")));
    let numbers = Cell::new(pending);
    bencher.counter(ItemsCount::new(pending + UPSTREAM)).bench_local(|| {
        let first = next(&numbers, UPSTREAM);
        let events: Vec<_> = (first..first + UPSTREAM).map(created).collect();
        backend.publish(&events).expect("the events are published");
        let head = (first + UPSTREAM) as u64;
        changes.wait_until(PATIENCE, |status| status.heads.session.global == head).expect("it is rebased")
    });
}
