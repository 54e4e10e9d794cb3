//! The default storage: one SQLite file for all stores of a server.
//!
//! One thread writes. It takes every push that waits, of whatever store, and appends them in one transaction, so that
//! they share one fsync; it answers when the commit is durable. Reading goes through connections of its own.
//!
//! **Invariant:** only the writer thread changes the database, and no answer leaves before its commit returned.

mod folder;
mod open;
mod reader;
mod rows;
mod writer;

pub use open::OpenError;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use headwater_core::StoreId;
use headwater_core::backend::PageBounds;
use headwater_core::protocol::{LogPosition, PushAnswer, PushRequest};
use tokio::sync::{mpsc, oneshot};

use crate::event_store::{EventStore, HeadWatch, HeadWatchers, Page, StoreError, StoreFuture, definite_answer};
use reader::Readers;
use rows::{Judgement, StoreRow};
use writer::{Job, Outcome, Writer};

/// How many pushes wait for the writer before more of them have to wait to be handed over.
const MAX_QUEUED_JOBS: usize = 512;

/// Logs in an SQLite database, durable when a push is answered (WAL, `synchronous=FULL`).
#[derive(Clone, Debug)]
pub struct SqliteEventStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    jobs: mpsc::Sender<Job>,
    readers: Readers,
    watchers: HeadWatchers,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl SqliteEventStore {
    /// Opens the database in a folder, and makes both if they are not there. The folder is this server's alone: a
    /// lock keeps others out until [`close`](EventStore::close), or until the last clone is dropped and the writer
    /// has finished.
    ///
    /// # Errors
    /// [`OpenError`]. A folder or file that is not a Headwater backend's is left as it is.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, OpenError> {
        let folder = folder::Folder::claim(folder.as_ref())?;
        let connection = open::open_writer(&folder)?;
        let readers = Readers::new(folder.database());
        let watchers = HeadWatchers::default();
        let (jobs, queue) = mpsc::channel(MAX_QUEUED_JOBS);
        let writer = Writer::new(connection, queue, watchers.clone(), folder);
        let writer = std::thread::Builder::new()
            .name("headwater-writer".into())
            .spawn(move || writer.run())
            .map_err(OpenError::Thread)?;
        let inner = Inner { jobs, readers, watchers, writer: Mutex::new(Some(writer)) };
        Ok(Self { inner: Arc::new(inner) })
    }
}

impl Inner {
    /// Hands a job to the writer and waits for the commit.
    async fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Job) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.jobs.send(job(answer)).await.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Failed("the writer gave up".into()))?
    }

    /// The row of a store. It is made if it is not there.
    async fn row(&self, store: &StoreId) -> Result<StoreRow, StoreError> {
        let name = store.clone();
        if let Some(row) = self.readers.run(move |connection| rows::find_store(connection, &name)).await? {
            return Ok(row);
        }
        self.ask(|answer| Job::Create { store: store.clone(), answer }).await
    }

    async fn page(&self, store: StoreId, after: u64, bounds: PageBounds) -> Result<Page, StoreError> {
        let name = store.clone();
        let page = self.readers.run(move |connection| rows::page(connection, &name, after, bounds)).await?;
        if let Some(page) = page {
            return Ok(page);
        }
        let row = self.ask(|answer| Job::Create { store, answer }).await?;
        Ok(Page { log: row.log, chain: row.chain_at(after), events: Vec::new(), remaining: 0 })
    }

    async fn behind(&self, store: StoreId, request: &PushRequest) -> Result<PushAnswer, StoreError> {
        let page = self.page(store, request.parent, PageBounds::tail()).await?;
        Ok(page.into_behind(request))
    }

    async fn push(&self, store: StoreId, request: Arc<PushRequest>) -> Result<PushAnswer, StoreError> {
        let job = |answer| Job::Push { store: store.clone(), request: request.clone(), answer };
        match self.ask(job).await? {
            Outcome::Answer(answer) => Ok(answer),
            Outcome::Behind => self.behind(store, &request).await,
        }
    }

    async fn probe(&self, store: StoreId, request: Arc<PushRequest>) -> Result<Option<PushAnswer>, StoreError> {
        self.row(&store).await?;
        let (name, batch) = (store.clone(), request.clone());
        let judgement = self.readers.run(move |connection| rows::judge(connection, &name, &batch)).await?;
        match judgement {
            Judgement::Append(_) => Ok(None),
            Judgement::Behind => self.behind(store, &request).await.map(Some),
            Judgement::Definite(log, decision) => Ok(Some(definite_answer(log, decision))),
        }
    }

    async fn check(&self) -> Result<(), StoreError> {
        if self.jobs.is_closed() {
            return Err(StoreError::Closed);
        }
        self.readers.run(|connection| rows::check(connection)).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.readers.close().await;
        // A writer that ended already has nothing left to finish.
        let _ = self.ask(|answer| Job::Close { answer }).await;
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(writer) = writer else { return Ok(()) };
        let joined = tokio::task::spawn_blocking(move || writer.join()).await;
        match joined {
            Ok(Ok(())) => Ok(()),
            _ => Err(StoreError::Failed("the writer thread did not end well".into())),
        }
    }
}

impl EventStore for SqliteEventStore {
    fn position(&self, store: &StoreId) -> StoreFuture<LogPosition> {
        let (inner, store) = (self.inner.clone(), store.clone());
        Box::pin(async move { inner.row(&store).await.map(|row| row.log) })
    }

    fn push(&self, store: &StoreId, request: PushRequest) -> StoreFuture<PushAnswer> {
        let (inner, store) = (self.inner.clone(), store.clone());
        Box::pin(async move { inner.push(store, Arc::new(request)).await })
    }

    fn probe(&self, store: &StoreId, request: &PushRequest) -> StoreFuture<Option<PushAnswer>> {
        let (inner, store, request) = (self.inner.clone(), store.clone(), Arc::new(request.clone()));
        Box::pin(async move { inner.probe(store, request).await })
    }

    fn page(&self, store: &StoreId, after: u64, bounds: PageBounds) -> StoreFuture<Page> {
        let (inner, store) = (self.inner.clone(), store.clone());
        Box::pin(async move { inner.page(store, after, bounds).await })
    }

    fn watch(&self, store: &StoreId) -> HeadWatch {
        self.inner.watchers.watch(store)
    }

    fn check(&self) -> StoreFuture<()> {
        let inner = self.inner.clone();
        Box::pin(async move { inner.check().await })
    }

    fn close(&self) -> StoreFuture<()> {
        let inner = self.inner.clone();
        Box::pin(async move { inner.close().await })
    }
}
