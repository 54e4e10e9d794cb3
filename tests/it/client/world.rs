//! Clients around a backend in memory, and how to wait for them.

use std::time::Duration;

use anyhow::{Context, Result};
use headwater::sync_provider::{MemoryBackend, MemorySync};
use headwater::{Schema, Store, StoreBuilder, StoreId, SyncStatus, params, sql};
use headwater_tests::schema::{Todo, TodoEvent, schema};

pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// The store that a builder opens unless told otherwise.
pub(super) fn default_id() -> StoreId {
    StoreId::new("default").expect("is valid")
}

/// A client with its way to the backend.
pub(super) struct Client {
    pub(super) store: Store,
    pub(super) link: MemorySync,
}

impl Client {
    pub(super) fn new(backend: &MemoryBackend) -> Result<Self> {
        Self::with(backend, schema(), |builder| builder)
    }

    pub(super) fn with(
        backend: &MemoryBackend,
        schema: Schema,
        set_up: impl FnOnce(StoreBuilder) -> StoreBuilder,
    ) -> Result<Self> {
        let link = backend.provider();
        let store = set_up(Store::builder(schema).sync(link.clone())).open()?;
        Ok(Self { store, link })
    }
}

pub(super) fn created(id: &str) -> TodoEvent {
    TodoEvent::Created { id: id.into(), text: id.into() }
}

pub(super) fn changed(id: &str, text: &str) -> TodoEvent {
    TodoEvent::TextChanged { id: id.into(), text: text.into() }
}

pub(super) fn appended(id: &str, text: &str) -> TodoEvent {
    TodoEvent::TextAppended { id: id.into(), text: text.into() }
}

pub(super) fn noted(text: &str) -> TodoEvent {
    TodoEvent::Noted { text: text.into() }
}

pub(super) fn todos(store: &Store) -> Vec<Todo> {
    store.query(sql::<Todo>("SELECT * FROM todos ORDER BY id", params![])).expect("reads")
}

/// Id and text of each todo.
pub(super) fn texts(store: &Store) -> Vec<String> {
    todos(store).into_iter().map(|todo| format!("{}={}", todo.id, todo.text)).collect()
}

pub(super) fn notes(store: &Store) -> Vec<String> {
    store.query(sql::<String>("SELECT text FROM notes ORDER BY id", params![])).expect("reads")
}

/// Waits until the status of a store is such.
pub(super) fn wait_until(store: &Store, is_so: impl FnMut(&SyncStatus) -> bool) -> Result<SyncStatus> {
    let status = store.sync_status_changes().wait_until(PATIENCE, is_so);
    status.with_context(|| format!("stays at {:?}", store.sync_status()))
}

/// Waits until a store has and shows the backend's log up to a position, and nothing is left to push.
pub(super) fn reach(store: &Store, head: u64) -> Result<()> {
    wait_until(store, |status| {
        let heads = &status.heads;
        status.is_synced && status.upstream_head.global >= head && heads.session.global >= head
    })?;
    Ok(())
}

/// Waits until nothing is left to push and all have everything, and compares them with each other and with the log.
pub(super) fn converge(backend: &MemoryBackend, stores: &[&Store]) -> Result<()> {
    for store in stores {
        wait_until(store, |status| status.pending == 0 && status.unpersisted == 0)?;
    }
    let head = backend.head(&default_id());
    for store in stores {
        reach(store, head)?;
        store.verify()?;
        assert_eq!(todos(store), todos(stores[0]));
    }
    Ok(())
}

/// The events of the backend's log.
pub(super) fn names(backend: &MemoryBackend) -> Vec<String> {
    backend.events(&default_id()).iter().map(|event| event.name.to_string()).collect()
}

/// Waits until a future of a store is there, on no particular executor.
pub(super) fn wait<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("starts");
    runtime.block_on(async { tokio::time::timeout(PATIENCE, future).await.expect("comes in time") })
}
