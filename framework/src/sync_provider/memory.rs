//! A backend in the same process, and the way to it.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use headwater_core::backend::MemoryLog;
use headwater_core::limits::MAX_POLL_MS;
use headwater_core::protocol::{LogPosition, PullAnswer, PullRequest, PushAnswer, PushRequest, WireEvent};
use headwater_core::{BackendId, StoreId};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::{ProviderFuture, SyncProvider, TransportError};

/// A backend in the same process, for tests and examples. It decides as the real one does, and can be made to fail.
///
/// Clones are the same backend. It holds a log for each store that is asked for, until the last clone is dropped.
///
/// ```
/// use std::time::Duration;
///
/// use headwater::sync_provider::MemoryBackend;
/// use headwater::{Event, Schema, Store, StoreId, Table};
/// # use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Debug, PartialEq, Table)]
/// #[table(name = "notes")]
/// struct Note {
///     #[column(primary_key)]
///     id: String,
/// }
///
/// #[derive(Clone, Debug, Event, Serialize, Deserialize)]
/// enum NoteEvent {
///     #[event(name = "v1.NoteAdded", insert(Note))]
///     Added { id: String },
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let backend = MemoryBackend::new();
/// let link = backend.provider();
/// let schema = || Schema::builder().table::<Note>().event::<NoteEvent>().build();
/// let store = Store::builder(schema()).store_id("team-7").sync(link.clone()).open()?;
///
/// link.set_online(false);
/// let receipt = store.commit(NoteEvent::Added { id: "a".into() })?;
/// assert_eq!(backend.head(&StoreId::new("team-7")?), 0);
///
/// link.set_online(true);
/// receipt.wait_confirmed(Duration::from_secs(60))?;
/// assert_eq!(backend.head(&StoreId::new("team-7")?), 1);
/// # Ok(()) }
/// ```
#[derive(Clone, Default)]
pub struct MemoryBackend {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    stores: Mutex<HashMap<StoreId, Hosted>>,
    rules: Mutex<Option<Arc<Rules>>>,
}

type Rules = dyn Fn(&WireEvent) -> Result<(), Denied> + Send + Sync;

/// A log and who waits for it.
struct Hosted {
    log: MemoryLog,
    /// The head, for polls that are held. It is sent again whenever the log changes in another way than to grow.
    head: watch::Sender<u64>,
}

/// Why a [`MemoryBackend`] takes an event from nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// A stable code.
    pub code: String,
    /// For people.
    pub reason: String,
}

impl Denied {
    /// A denial.
    pub fn new(code: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { code: code.into(), reason: reason.into() }
    }
}

impl MemoryBackend {
    /// A backend without any event.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A way to this backend, with switches of its own. Each client takes one.
    #[must_use]
    pub fn provider(&self) -> MemorySync {
        let link = Link { online: watch::Sender::new(true), lost_answers: AtomicUsize::new(0) };
        MemorySync { backend: self.clone(), link: Arc::new(link) }
    }

    /// The last position of a store's log.
    #[must_use]
    pub fn head(&self, store: &StoreId) -> u64 {
        self.position(store).head
    }

    /// Where a store's log stands.
    #[must_use]
    pub fn position(&self, store: &StoreId) -> LogPosition {
        self.with_log(store, MemoryLog::position)
    }

    /// All events of a store, in order.
    #[must_use]
    pub fn events(&self, store: &StoreId) -> Vec<WireEvent> {
        self.with_log(store, |log| log.events().iter().map(|chained| WireEvent::from(&chained.event)).collect())
    }

    /// The app's own rules: from now on, a batch with an event that is denied is rejected.
    ///
    /// ```
    /// use headwater::sync_provider::{Denied, MemoryBackend};
    ///
    /// let backend = MemoryBackend::new();
    /// backend.set_rules(|event| match &*event.name {
    ///     "v1.TodoDeleted" => Err(Denied::new("read_only", "nothing may be deleted here")),
    ///     _ => Ok(()),
    /// });
    /// ```
    pub fn set_rules(&self, rules: impl Fn(&WireEvent) -> Result<(), Denied> + Send + Sync + 'static) {
        *lock(&self.shared.rules) = Some(Arc::new(rules));
    }

    /// Forgets everything after a position of a store's log, as if a backup had been restored without telling anybody.
    pub fn rewind(&self, store: &StoreId, head: u64) {
        self.disturb(store, |log| log.rewind(head));
    }

    /// Raises the epoch of a store's log, as an operator does after restoring a backup.
    pub fn raise_epoch(&self, store: &StoreId) {
        self.disturb(store, MemoryLog::raise_epoch);
    }

    /// Puts a new, empty log in the place of a store's log.
    pub fn replace(&self, store: &StoreId) {
        self.disturb(store, |log| *log = empty_log());
    }

    /// Changes a log in a way that pushes don't, and wakes whoever waits for it.
    fn disturb(&self, store: &StoreId, change: impl FnOnce(&mut MemoryLog)) {
        self.with(store, |hosted| {
            change(&mut hosted.log);
            hosted.head.send_replace(hosted.log.position().head);
        });
    }

    fn push(&self, store: &StoreId, request: &PushRequest) -> PushAnswer {
        // The rules are the app's code: no lock is held while they run.
        if let Err(answer) = self.with_log(store, |log| log.judge(request)) {
            return answer;
        }
        let rules = lock(&self.shared.rules).clone();
        let denied = rules.and_then(|rules| {
            request.events.iter().find_map(|event| rules(event).err().map(|denied| (event.id, denied)))
        });
        if let Some((id, Denied { code, reason })) = denied {
            return PushAnswer::Rejected { id, code, reason };
        }
        self.with(store, |hosted| {
            let answer = hosted.log.push(request);
            let head = hosted.log.position().head;
            hosted.head.send_if_modified(|known| std::mem::replace(known, head) != head);
            answer
        })
    }

    async fn pull(&self, store: &StoreId, request: &PullRequest) -> PullAnswer {
        let deadline = Instant::now() + Duration::from_millis(request.wait_ms.min(MAX_POLL_MS));
        let mut head = self.with(store, |hosted| hosted.head.subscribe());
        loop {
            let answer = self.with_log(store, |log| log.pull(request));
            let has_news = !matches!(&answer, PullAnswer::Page(page) if page.events.is_empty());
            if has_news || Instant::now() >= deadline {
                return answer;
            }
            // Whether the time is over or the log has changed, the next look tells.
            let _ = timeout_at(deadline, head.changed()).await;
        }
    }

    fn with_log<T>(&self, store: &StoreId, f: impl FnOnce(&MemoryLog) -> T) -> T {
        self.with(store, |hosted| f(&hosted.log))
    }

    fn with<T>(&self, store: &StoreId, f: impl FnOnce(&mut Hosted) -> T) -> T {
        let mut stores = lock(&self.shared.stores);
        let hosted = stores.entry(store.clone());
        f(hosted.or_insert_with(|| Hosted { log: empty_log(), head: watch::Sender::new(0) }))
    }
}

fn empty_log() -> MemoryLog {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the system has random numbers");
    MemoryLog::new(BackendId::from_bytes(bytes))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for MemoryBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stores = lock(&self.shared.stores);
        let heads = stores.iter().map(|(store, hosted)| (store.clone(), hosted.log.position().head));
        let mut heads: Vec<_> = heads.collect();
        heads.sort();
        f.debug_struct("MemoryBackend").field("heads", &heads).finish_non_exhaustive()
    }
}

/// A way to a [`MemoryBackend`], with switches to make it fail. Clones share their switches: give one to the store and
/// keep one.
///
/// ```
/// use headwater::sync_provider::MemoryBackend;
///
/// let link = MemoryBackend::new().provider();
/// let of_the_store = link.clone();
/// link.lose_next_answers(1);
/// assert_eq!(of_the_store.answers_to_lose(), 1);
/// ```
#[derive(Clone, Debug)]
pub struct MemorySync {
    backend: MemoryBackend,
    link: Arc<Link>,
}

#[derive(Debug)]
struct Link {
    online: watch::Sender<bool>,
    lost_answers: AtomicUsize,
}

impl MemorySync {
    /// Cuts the connection, or mends it. A pull that is held while it is cut fails at once.
    pub fn set_online(&self, online: bool) {
        self.link.online.send_replace(online);
    }

    /// Loses the answers to the next pushes: they reach the backend, and the client learns nothing of it.
    ///
    /// Call it with 0 to stop.
    pub fn lose_next_answers(&self, count: usize) {
        self.link.lost_answers.store(count, Ordering::Relaxed);
    }

    /// How many answers are still to be lost.
    #[must_use]
    pub fn answers_to_lose(&self) -> usize {
        self.link.lost_answers.load(Ordering::Relaxed)
    }

    fn check_online(&self) -> Result<(), TransportError> {
        if *self.link.online.borrow() { Ok(()) } else { Err(switched_off()) }
    }

    async fn cut(&self) -> TransportError {
        let mut online = self.link.online.subscribe();
        // It can't fail: `self` holds the sender.
        let _ = online.wait_for(|online| !online).await;
        switched_off()
    }

    fn loses_answer(&self) -> bool {
        let one_less = |count: usize| count.checked_sub(1);
        self.link.lost_answers.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok()
    }
}

fn switched_off() -> TransportError {
    TransportError::Offline("switched off".into())
}

impl SyncProvider for MemorySync {
    fn pull<'a>(&'a self, store: &'a StoreId, request: PullRequest) -> ProviderFuture<'a, PullAnswer> {
        Box::pin(async move {
            self.check_online()?;
            tokio::select! {
                biased;
                error = self.cut() => Err(error),
                answer = self.backend.pull(store, &request) => Ok(answer),
            }
        })
    }

    fn push<'a>(&'a self, store: &'a StoreId, request: PushRequest) -> ProviderFuture<'a, PushAnswer> {
        Box::pin(async move {
            self.check_online()?;
            let answer = self.backend.push(store, &request);
            if self.loses_answer() {
                return Err(TransportError::Offline("the answer was lost".into()));
            }
            Ok(answer)
        })
    }

    fn ping<'a>(&'a self, store: &'a StoreId) -> ProviderFuture<'a, LogPosition> {
        Box::pin(async move {
            self.check_online()?;
            Ok(self.backend.position(store))
        })
    }
}

#[cfg(test)]
mod tests;
