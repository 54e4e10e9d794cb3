//! A backend in the same process that gives out what it is told to, when it is told to, and answers no push: what a
//! client does with upstream's events can be measured without a network's jitter.

use std::sync::{Arc, Mutex, PoisonError};

use headwater::sync_provider::protocol::{LogPosition, PullAnswer, PullReply, PullRequest, PushAnswer, PushRequest};
use headwater::sync_provider::{ProviderFuture, SyncProvider, TransportError};
use headwater::{BackendId, ClientId, Event, EventId, EventScope, SessionId, StoreId};
use headwater_core::protocol::WireEvent;
use headwater_core::{Chain, EventBody, EventRecord, SeqNum};
use tokio::sync::watch;

/// See the [module](self). Clones are the same backend.
#[derive(Clone)]
pub struct HeldBackend(Arc<Shared>);

struct Shared {
    log: Mutex<Log>,
    head: watch::Sender<u64>,
}

#[derive(Default)]
struct Log {
    events: Vec<WireEvent>,
    chain: Option<Chain>,
}

impl Default for HeldBackend {
    fn default() -> Self {
        Self(Arc::new(Shared { log: Mutex::default(), head: watch::channel(0).0 }))
    }
}

impl HeldBackend {
    /// Appends events of another client, and answers the pull that waits for them.
    ///
    /// # Errors
    /// If one can't be encoded.
    pub fn publish<E: Event>(&self, events: &[E]) -> anyhow::Result<()> {
        let (client, session) = (ClientId::new("other1")?, SessionId::new("other2")?);
        let mut log = self.0.log.lock().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            let global = log.events.len() as u64 + 1;
            let body = EventBody {
                id: EventId::from_bytes((u128::from(global) | 7 << 100).to_le_bytes()),
                name: event.def().name.into(),
                ver: event.def().ver,
                args: event.encode()?,
                client_id: client.clone(),
                session_id: session.clone(),
                scope: EventScope::Synced,
                group_rest: 0,
                facts: event.facts(),
            };
            log.chain = Some(log.chain.unwrap_or(Chain::ROOT).next(global, &body.digest()));
            let record = EventRecord::after(&SeqNum::global(global - 1), Arc::new(body));
            log.events.push(WireEvent::from(&record));
        }
        let head = log.events.len() as u64;
        drop(log);
        self.0.head.send_replace(head);
        Ok(())
    }

    fn position(&self) -> LogPosition {
        let log = self.0.log.lock().unwrap_or_else(PoisonError::into_inner);
        LogPosition {
            backend_id: BackendId::from_bytes(*b"held for benches"),
            epoch: 1,
            head: log.events.len() as u64,
            chain: log.chain.unwrap_or(Chain::ROOT),
        }
    }

    async fn page(&self, request: PullRequest) -> Result<PullAnswer, TransportError> {
        let mut head = self.0.head.subscribe();
        if request.wait_ms > 0 {
            let closed = |_| TransportError::Offline("the backend is gone".to_owned());
            head.wait_for(|head| *head > request.after).await.map_err(closed)?;
        }
        let log = self.position();
        let held = self.0.log.lock().unwrap_or_else(PoisonError::into_inner);
        let start = usize::try_from(request.after).unwrap_or(usize::MAX);
        let events = held.events.get(start..).unwrap_or_default().to_vec();
        Ok(PullAnswer::Page(PullReply { log, events, remaining: 0 }))
    }
}

impl SyncProvider for HeldBackend {
    fn pull<'a>(&'a self, _: &'a StoreId, request: PullRequest) -> ProviderFuture<'a, PullAnswer> {
        Box::pin(self.page(request))
    }

    fn push<'a>(&'a self, _: &'a StoreId, _: PushRequest) -> ProviderFuture<'a, PushAnswer> {
        Box::pin(std::future::pending())
    }

    fn ping<'a>(&'a self, _: &'a StoreId) -> ProviderFuture<'a, LogPosition> {
        Box::pin(async { Ok(self.position()) })
    }
}
