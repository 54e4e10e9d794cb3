//! Opening a store.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use headwater_core::leader::{Durability, SyncOptions};
use headwater_core::{ClientId, StoreId};
use tokio::sync::watch;

use super::Store;
use crate::error::{Error, Result};
use crate::leader::{LeaderBoot, LeaderConfig, LeaderHandle, Published};
use crate::schema::Schema;
use crate::storage::Storage;
use crate::sync_provider::SyncProvider;

/// Whether opening a store waits for the backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InitialSync {
    /// It does not: the store opens with what is there.
    #[default]
    Skip,
    /// It waits until the client has everything that the backend has, but no longer than this; then it opens with what
    /// is there.
    Blocking {
        /// How long.
        timeout: Duration,
    },
}

/// How far the opening of a store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BootStatus {
    /// Reading the files.
    Loading,
    /// Building the state anew from the eventlog, because the schema or a materializer changed or the state was not
    /// usable.
    Rebuilding {
        /// Events applied so far.
        applied: usize,
    },
    /// Waiting for the first sync.
    Syncing {
        /// The last position that is here.
        head: u64,
        /// The backend's last position, once known.
        backend_head: Option<u64>,
    },
    /// The store is open.
    Done,
}

type OnBoot = Box<dyn FnMut(BootStatus) + Send>;

/// Sets up a store. See [`Store::builder`].
pub struct StoreBuilder {
    schema: Schema,
    store_id: String,
    storage: Storage,
    provider: Option<Arc<dyn SyncProvider>>,
    durability: Durability,
    initial_sync: InitialSync,
    on_boot: OnBoot,
    sync_options: SyncOptions,
    online: bool,
}

impl StoreBuilder {
    pub(super) fn new(schema: Schema) -> Self {
        Self {
            schema,
            store_id: "default".to_owned(),
            storage: Storage::in_memory(),
            provider: None,
            durability: Durability::default(),
            initial_sync: InitialSync::default(),
            on_boot: Box::new(|_| ()),
            sync_options: SyncOptions::default(),
            online: true,
        }
    }

    /// The store's id: 1 to 64 characters out of `A-Z a-z 0-9 _ -`. Clients with the same id at the same backend share
    /// one eventlog. `default` unless set.
    #[must_use]
    pub fn store_id(mut self, id: impl Into<String>) -> Self {
        self.store_id = id.into();
        self
    }

    /// Where the data is kept. In memory unless set.
    #[must_use]
    pub fn storage(mut self, storage: Storage) -> Self {
        self.storage = storage;
        self
    }

    /// The way to the backend. Without one the store is local only; with one that is added later, all that was committed
    /// before is pushed then.
    #[must_use]
    pub fn sync(mut self, provider: impl SyncProvider) -> Self {
        self.provider = Some(Arc::new(provider));
        self
    }

    /// How long a commit must last, unless the commit says otherwise. [`Durability::Process`] unless set.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Whether [`StoreBuilder::open`] waits for the backend. It does not unless set.
    #[must_use]
    pub fn initial_sync(mut self, initial_sync: InitialSync) -> Self {
        self.initial_sync = initial_sync;
        self
    }

    /// Is told how far the opening is, on the thread that opens. It must not open another store itself: stores of data
    /// folders are opened one after the other.
    #[must_use]
    pub fn on_boot(mut self, on_boot: impl FnMut(BootStatus) + Send + 'static) -> Self {
        self.on_boot = Box::new(on_boot);
        self
    }

    /// Opens with sync switched off; [`Store::set_online`] switches it on.
    #[must_use]
    pub fn start_offline(mut self) -> Self {
        self.online = false;
        self
    }

    /// How many characters a new client id has: 6 unless set. Fewer make collisions likely, for tests of them.
    #[must_use]
    pub fn client_id_chars(mut self, chars: usize) -> Self {
        self.sync_options.client_id_chars = chars.clamp(1, headwater_core::limits::MAX_NAME_CHARS);
        self
    }

    /// Opens the store. If this process has the data folder open already, the two share one leader, and this is another
    /// session of the same client.
    ///
    /// # Errors
    /// [`Error::Schema`]; [`Error::NotOurs`], [`Error::WrongStore`], [`Error::Locked`], [`Error::Damaged`],
    /// [`Error::Io`] for a data folder that can't be used. Nothing is changed in it then. A damaged or outdated state is
    /// no error: it is rebuilt from the eventlog.
    pub fn open(mut self) -> Result<Store> {
        let store_id = StoreId::new(&self.store_id).map_err(|error| Error::Provider(error.to_string()))?;
        let leader = self.leader(&store_id)?;
        self.wait_for_sync(&leader);
        let store = Store::open(store_id, self.schema, leader, self.durability)?;
        (self.on_boot)(BootStatus::Done);
        Ok(store)
    }

    fn leader(&mut self, store_id: &StoreId) -> Result<Arc<LeaderHandle>> {
        let Some(path) = self.storage.path().map(|path| path.canonicalize().unwrap_or_else(|_| path.to_owned())) else {
            return self.start_leader(store_id);
        };
        let mut leaders = LEADERS.lock().unwrap_or_else(PoisonError::into_inner);
        leaders.retain(|_, leader| leader.published.has_changed().is_ok());
        let shared = leaders.get(&path).and_then(|shared| Some((shared.handle.upgrade()?, shared)));
        if let Some((leader, shared)) = shared.filter(|(leader, _)| leader.is_running()) {
            return shared.check(store_id, &self.schema, &path).map(|()| leader);
        }
        if let Some(ending) = leaders.remove(&path) {
            ending.wait();
        }
        let leader = self.start_leader(store_id)?;
        let path = leader.folder().map_or(path, ToOwned::to_owned);
        let shared = Shared {
            handle: Arc::downgrade(&leader),
            published: leader.published(),
            store_id: store_id.clone(),
            schema: self.schema.clone(),
        };
        leaders.insert(path, shared);
        Ok(leader)
    }

    fn start_leader(&mut self, store_id: &StoreId) -> Result<Arc<LeaderHandle>> {
        let chars = self.sync_options.client_id_chars;
        let config = LeaderConfig {
            schema: self.schema.clone(),
            store_id: store_id.clone(),
            storage: self.storage.clone(),
            provider: self.provider.clone(),
            client_id: ClientId::new(nanoid::nanoid!(chars)).map_err(Error::app)?,
            sync_options: self.sync_options,
            online: self.online,
        };
        let on_boot = &mut self.on_boot;
        LeaderHandle::start(config, &mut |boot| {
            on_boot(match boot {
                LeaderBoot::Loading => BootStatus::Loading,
                LeaderBoot::Rebuilding { applied } => BootStatus::Rebuilding { applied },
            });
        })
    }

    fn wait_for_sync(&mut self, leader: &LeaderHandle) {
        let InitialSync::Blocking { timeout } = self.initial_sync else { return };
        if self.provider.is_none() {
            return;
        }
        let mut published = leader.published();
        let on_boot = &mut self.on_boot;
        let caught_up = published.wait_for(|published| {
            let status = &published.status;
            on_boot(BootStatus::Syncing { head: status.upstream_head.global, backend_head: status.backend_head });
            status.caught_up
        });
        // When the time is up, or the leader gone, the store opens with what is there.
        let _ = crate::blocking::wait(caught_up, timeout);
    }
}

impl fmt::Debug for StoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreBuilder")
            .field("store_id", &self.store_id)
            .field("storage", &self.storage)
            .finish_non_exhaustive()
    }
}

/// A leader of this process, for others that open the same folder.
struct Shared {
    handle: Weak<LeaderHandle>,
    published: watch::Receiver<Published>,
    store_id: StoreId,
    schema: Schema,
}

impl Shared {
    /// Waits until the leader, whose last handle is gone, has written everything and let go of the folder.
    fn wait(mut self) {
        // The error is what is waited for.
        let _ = crate::blocking::wait(self.published.wait_for(|_| false), Duration::MAX);
    }

    fn check(&self, store_id: &StoreId, schema: &Schema, path: &std::path::Path) -> Result<()> {
        if self.store_id != *store_id {
            return Err(Error::WrongStore {
                path: path.to_owned(),
                found: self.store_id.clone(),
                expected: store_id.clone(),
            });
        }
        if self.schema.fingerprint() != schema.fingerprint() {
            return Err(Error::Schema(format!("{} is open in this process with another schema", path.display())));
        }
        Ok(())
    }
}

/// The leaders of this process by data folder.
static LEADERS: Mutex<BTreeMap<PathBuf, Shared>> = Mutex::new(BTreeMap::new());
