//! How a server is set up.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use tokio_util::sync::CancellationToken;

use crate::event_store::{EventStore, MemoryEventStore, StoreError};
use crate::http;
use crate::rules::EventRules;
use crate::running::RunningServer;
use crate::sqlite::{OpenError, SqliteEventStore};

/// Where a server keeps its logs.
#[derive(Debug)]
pub struct Storage(Kind);

#[derive(Debug)]
enum Kind {
    Memory,
    Sqlite(PathBuf),
    Other(Arc<dyn EventStore>),
}

impl Storage {
    /// In memory, until the server ends.
    #[must_use]
    pub fn memory() -> Self {
        Self(Kind::Memory)
    }

    /// In an SQLite database in this folder. Both are made if they are not there.
    #[must_use]
    pub fn sqlite(folder: impl Into<PathBuf>) -> Self {
        Self(Kind::Sqlite(folder.into()))
    }

    /// In a storage of one's own. Shutting the server down closes it.
    #[must_use]
    pub fn custom(store: Arc<dyn EventStore>) -> Self {
        Self(Kind::Other(store))
    }

    fn open(self) -> Result<Arc<dyn EventStore>, OpenError> {
        Ok(match self.0 {
            Kind::Memory => Arc::new(MemoryEventStore::new()),
            Kind::Sqlite(folder) => Arc::new(SqliteEventStore::open(folder)?),
            Kind::Other(store) => store,
        })
    }
}

/// Why a server can't be made, started or ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The address to listen on can't be read.
    #[error("{0:?} is not an address to listen on; write it like 127.0.0.1:8787 or [::1]:8787")]
    Address(String),
    /// The address can't be listened on.
    #[error("can't listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The storage can't be opened.
    #[error(transparent)]
    Storage(#[from] OpenError),
    /// The threads of the server can't be started.
    #[error("the server's threads can't be started: {0}")]
    Threads(#[source] io::Error),
    /// The storage did not close well.
    #[error(transparent)]
    Close(#[from] StoreError),
}

/// Settings of a server.
#[must_use]
pub struct ServerBuilder {
    storage: Storage,
    listen: String,
    rules: Option<Arc<dyn EventRules>>,
    max_connections: usize,
    allowed_hosts: Vec<String>,
}

impl fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("ServerBuilder");
        debug.field("storage", &self.storage).field("listen", &self.listen).finish_non_exhaustive()
    }
}

impl ServerBuilder {
    /// Where the logs are kept. Default: in memory.
    pub fn storage(self, storage: Storage) -> Self {
        Self { storage, ..self }
    }

    /// The address to listen on, such as `127.0.0.1:8787`; port 0 takes a free one. Default: `127.0.0.1:0`.
    pub fn listen(self, address: impl fmt::Display) -> Self {
        Self { listen: address.to_string(), ..self }
    }

    /// The app's own rules for events. Default: every sound event is taken.
    pub fn rules(self, rules: impl EventRules) -> Self {
        Self { rules: Some(Arc::new(rules)), ..self }
    }

    /// Most connections at a time; more of them wait to be accepted. Default: 10,000.
    pub fn max_connections(self, max_connections: usize) -> Self {
        Self { max_connections, ..self }
    }

    /// Adds a host name, without a port, that requests may go to and that web pages may call from. Without any, a
    /// server that listens on a loopback address is only called by the names of this machine, and never by a page of
    /// another server. Behind a proxy it is the proxy's name that is needed here.
    pub fn allow_host(mut self, host: impl Into<String>) -> Self {
        self.allowed_hosts.push(host.into());
        self
    }

    /// Opens the storage.
    ///
    /// # Errors
    /// [`ServerError::Storage`]
    pub fn build(self) -> Result<Server, ServerError> {
        let store = self.storage.open()?;
        let draining = CancellationToken::new();
        let app = http::App { store, rules: self.rules, draining };
        let Self { listen, max_connections, allowed_hosts, .. } = self;
        Ok(Server { app, listen, max_connections, allowed_hosts })
    }

    /// Opens the storage, listens, and serves on threads of its own. No runtime is needed.
    ///
    /// # Errors
    /// [`ServerError`]
    pub fn start(self) -> Result<RunningServer, ServerError> {
        let listener = listen(&self.listen)?;
        RunningServer::start(self.build()?, listener)
    }
}

/// A backend with its storage open.
#[derive(Clone, Debug)]
pub struct Server {
    pub(crate) app: http::App,
    pub(crate) listen: String,
    pub(crate) max_connections: usize,
    pub(crate) allowed_hosts: Vec<String>,
}

impl Server {
    /// Settings to begin with.
    pub fn builder() -> ServerBuilder {
        let listen = "127.0.0.1:0".to_owned();
        ServerBuilder {
            storage: Storage::memory(),
            listen,
            rules: None,
            max_connections: 10_000,
            allowed_hosts: Vec::new(),
        }
    }

    /// The backend as a router, to be part of another axum app. It has its own answers for errors, and its own limits
    /// on bodies. Connections, their time limits, and checks of `Host` and `Origin` are the app's.
    pub fn router(&self) -> Router {
        http::router(self.app.clone())
    }

    /// The storage.
    #[must_use]
    pub fn event_store(&self) -> &Arc<dyn EventStore> {
        &self.app.store
    }

    /// Listens and serves on threads of its own. No runtime is needed.
    ///
    /// # Errors
    /// [`ServerError`]
    pub fn start(self) -> Result<RunningServer, ServerError> {
        let listener = listen(&self.listen)?;
        RunningServer::start(self, listener)
    }

    /// Answers the polls that are held, with an empty page, and holds none from now on: the first step of a shutdown
    /// of an app that embeds the [`router`](Self::router).
    pub fn drain(&self) {
        self.app.draining.cancel();
    }

    /// Closes the storage: the last step of a shutdown of an app that embeds the [`router`](Self::router).
    ///
    /// # Errors
    /// [`ServerError::Close`]
    pub async fn close(&self) -> Result<(), ServerError> {
        Ok(self.app.store.close().await?)
    }
}

fn listen(text: &str) -> Result<TcpListener, ServerError> {
    let address: SocketAddr = text.parse().map_err(|_| ServerError::Address(text.to_owned()))?;
    TcpListener::bind(address).map_err(|source| ServerError::Listen { address, source })
}
