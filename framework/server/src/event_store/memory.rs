//! Logs in memory.

use std::collections::HashMap;
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use headwater_core::StoreId;
use headwater_core::backend::{MemoryLog, PageBounds};
use headwater_core::protocol::{LogPosition, PushAnswer, PushRequest};

use super::{EventStore, HeadWatch, HeadWatchers, Page, StoreError, StoreFuture};
use crate::random::random_backend_id;

/// Logs in memory, for tests, examples and demos. They end with the process.
#[derive(Clone, Debug, Default)]
pub struct MemoryEventStore {
    stores: Arc<Mutex<Stores>>,
    watchers: HeadWatchers,
}

#[derive(Debug, Default)]
struct Stores {
    closed: bool,
    logs: HashMap<StoreId, MemoryLog>,
}

impl MemoryEventStore {
    /// A backend without any store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn with_log<T>(&self, store: &StoreId, f: impl FnOnce(&mut MemoryLog) -> T) -> Result<T, StoreError> {
        let mut stores = self.lock();
        if stores.closed {
            return Err(StoreError::Closed);
        }
        if !stores.logs.contains_key(store) {
            stores.logs.insert(store.clone(), MemoryLog::new(random_backend_id()?));
        }
        let log = stores.logs.get_mut(store).expect("it was inserted above");
        Ok(f(log))
    }

    fn lock(&self) -> MutexGuard<'_, Stores> {
        self.stores.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventStore for MemoryEventStore {
    fn position(&self, store: &StoreId) -> StoreFuture<LogPosition> {
        Box::pin(ready(self.with_log(store, |log| log.position())))
    }

    fn push(&self, store: &StoreId, request: PushRequest) -> StoreFuture<PushAnswer> {
        let answer = self.with_log(store, |log| log.push(&request));
        if let Ok(PushAnswer::Accepted(reply)) = &answer {
            self.watchers.notify(store, reply.log.head);
        }
        Box::pin(ready(answer))
    }

    fn probe(&self, store: &StoreId, request: &PushRequest) -> StoreFuture<Option<PushAnswer>> {
        let answer = self.with_log(store, |log| log.judge(request).err());
        Box::pin(ready(answer))
    }

    fn page(&self, store: &StoreId, after: u64, bounds: PageBounds) -> StoreFuture<Page> {
        let page = self.with_log(store, |log| {
            let (events, remaining) = log.page(after, bounds);
            Page { log: log.position(), chain: log.chain_at(after), events, remaining }
        });
        Box::pin(ready(page))
    }

    fn watch(&self, store: &StoreId) -> HeadWatch {
        self.watchers.watch(store)
    }

    fn check(&self) -> StoreFuture<()> {
        let open = if self.lock().closed { Err(StoreError::Closed) } else { Ok(()) };
        Box::pin(ready(open))
    }

    fn close(&self) -> StoreFuture<()> {
        *self.lock() = Stores { closed: true, logs: HashMap::new() };
        Box::pin(ready(Ok(())))
    }
}
