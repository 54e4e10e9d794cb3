//! Logs in memory.

use std::collections::HashMap;
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use headwater_core::backend::{
    Append, ChainedEvent, PageBounds, PageCut, PageStep, PushDecision, PushView, judge_push,
};
use headwater_core::protocol::{LogPosition, PushAnswer, PushRequest, WireEvent};
use headwater_core::{Chain, Claim, ClientId, EventId, StoreId};

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

#[derive(Debug)]
struct MemoryLog {
    position: LogPosition,
    events: Vec<ChainedEvent>,
    ids: HashMap<EventId, u64>,
    claims: HashMap<ClientId, Claim>,
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
            stores.logs.insert(store.clone(), MemoryLog::new()?);
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
        Box::pin(ready(self.with_log(store, |log| log.position)))
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
        Box::pin(ready(self.with_log(store, |log| log.page(after, bounds))))
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

impl MemoryLog {
    fn new() -> Result<Self, StoreError> {
        let position = LogPosition { backend_id: random_backend_id()?, epoch: 0, head: 0, chain: Chain::ROOT };
        Ok(Self { position, events: Vec::new(), ids: HashMap::new(), claims: HashMap::new() })
    }

    /// What to append, or the answer if there is nothing to append.
    fn judge(&self, request: &PushRequest) -> Result<Append, PushAnswer> {
        let known: Vec<_> = request.events.iter().map(|event| self.ids.get(&event.id).copied()).collect();
        let claim = self.claims.get(&request.client_id).copied();
        let view = PushView { log: self.position, claim, known: &known };
        match judge_push(&view, request) {
            PushDecision::Append(append) => Ok(append),
            PushDecision::Behind => Err(self.page(request.parent, PageBounds::tail()).into_behind(request)),
            other => Err(super::definite_answer(self.position, other)),
        }
    }

    fn push(&mut self, request: &PushRequest) -> PushAnswer {
        let append = match self.judge(request) {
            Ok(append) => append,
            Err(answer) => return answer,
        };
        let reply = append.reply();
        if let Some(claim) = append.new_claim {
            self.claims.insert(request.client_id.clone(), claim);
        }
        for chained in append.events {
            self.ids.insert(chained.event.id(), chained.event.seq.global);
            self.events.push(chained);
        }
        self.position = append.log;
        PushAnswer::Accepted(reply)
    }

    fn page(&self, after: u64, bounds: PageBounds) -> Page {
        let start = usize::try_from(after).unwrap_or(usize::MAX).min(self.events.len());
        let mut cut = PageCut::new(bounds);
        for chained in &self.events[start..] {
            if cut.add(WireEvent::from(&chained.event)) == PageStep::Full {
                break;
            }
        }
        let events = cut.finish();
        let remaining = (self.events.len() - start - events.len()) as u64;
        Page { log: self.position, chain: self.chain_at(after), events, remaining }
    }

    fn chain_at(&self, position: u64) -> Option<Chain> {
        if position == 0 {
            return Some(Chain::ROOT);
        }
        let index = usize::try_from(position - 1).ok()?;
        self.events.get(index).map(|chained| chained.chain)
    }
}
