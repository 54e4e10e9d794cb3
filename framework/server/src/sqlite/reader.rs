//! Connections for reading.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::open::open_reader;
use crate::event_store::StoreError;

/// How many reads run at a time.
const MAX_READERS: u32 = 8;

/// Connections for reading, opened as needed and kept.
#[derive(Clone, Debug)]
pub(super) struct Readers {
    path: Arc<PathBuf>,
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path: Arc::new(path), idle: Arc::default(), permits: Arc::new(Semaphore::new(MAX_READERS as usize)) }
    }

    /// Reads on a thread that may block. What it reads is one view if it uses one transaction.
    pub(super) async fn run<T, F>(&self, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let permit = self.permits.clone().acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let readers = self.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let mut connection = readers.take()?;
            let answer = read(&mut connection);
            readers.lock().push(connection);
            drop(permit);
            answer
        });
        reading.await.map_err(|_| StoreError::Failed("a read ended early".into()))?
    }

    /// Waits for the reads that run and closes all connections.
    pub(super) async fn close(&self) {
        // It fails if it was closed before, and then there is nothing to wait for.
        let _ = self.permits.acquire_many(MAX_READERS).await;
        self.permits.close();
        self.lock().clear();
    }

    fn take(&self) -> Result<Connection, StoreError> {
        let idle = self.lock().pop();
        idle.map_or_else(|| Ok(open_reader(&self.path)?), Ok)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
