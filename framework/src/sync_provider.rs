//! The way to a backend.

mod http;
mod memory;

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use headwater_core::StoreId;
use headwater_core::protocol::{LogPosition, PullAnswer, PullRequest, PushAnswer, PushRequest};

pub use headwater_core::leader::TransportError;
pub use headwater_core::protocol;
pub use http::HttpSync;
pub use memory::{Denied, MemoryBackend, MemorySync};

/// What a provider's methods return.
pub type ProviderFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, TransportError>> + Send + 'a>>;

/// What a backend can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// It can hold a pull until there is news. If not, it is asked at intervals.
    pub live_pull: bool,
    /// How long to wait between two pulls that can't be held, in milliseconds.
    pub poll_interval_ms: u64,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self { live_pull: true, poll_interval_ms: 5_000 }
    }
}

/// A way to a backend: HTTP in [`HttpSync`], another transport, or a log in the same process for tests in [`MemorySync`].
///
/// Retries, timers, order and identity are not its concern: it carries one request and says what came back. The
/// futures are run on a tokio runtime of the framework's own; each may be dropped at any time, and then the outcome
/// of its request counts as unknown.
///
/// A provider around another one:
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use headwater::StoreId;
/// use headwater::sync_provider::protocol::{LogPosition, PullAnswer, PullRequest, PushAnswer, PushRequest};
/// use headwater::sync_provider::{MemoryBackend, ProviderFuture, SyncProvider};
///
/// struct Counted<P> {
///     inner: P,
///     pushes: AtomicU64,
/// }
///
/// impl<P: SyncProvider> SyncProvider for Counted<P> {
///     fn pull<'a>(&'a self, store: &'a StoreId, request: PullRequest) -> ProviderFuture<'a, PullAnswer> {
///         self.inner.pull(store, request)
///     }
///
///     fn push<'a>(&'a self, store: &'a StoreId, request: PushRequest) -> ProviderFuture<'a, PushAnswer> {
///         self.pushes.fetch_add(1, Ordering::Relaxed);
///         self.inner.push(store, request)
///     }
///
///     fn ping<'a>(&'a self, store: &'a StoreId) -> ProviderFuture<'a, LogPosition> {
///         self.inner.ping(store)
///     }
/// }
///
/// let counted = Counted { inner: MemoryBackend::new().provider(), pushes: AtomicU64::new(0) };
/// # let _: &dyn SyncProvider = &counted;
/// ```
pub trait SyncProvider: Send + Sync + 'static {
    /// What the backend can do.
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    /// Prepares for requests, for example by opening a connection. Called once before the first request.
    fn connect<'a>(&'a self, store: &'a StoreId) -> ProviderFuture<'a, ()> {
        let _ = store;
        Box::pin(async { Ok(()) })
    }

    /// Events after a position. With `request.wait_ms` above 0 and nothing new, the answer may take that long.
    ///
    /// # Errors
    /// [`TransportError`] unless there is a definite answer.
    fn pull<'a>(&'a self, store: &'a StoreId, request: PullRequest) -> ProviderFuture<'a, PullAnswer>;

    /// Appends a batch, whole or not at all.
    ///
    /// # Errors
    /// [`TransportError`] unless there is a definite answer. The batch may have been appended then.
    fn push<'a>(&'a self, store: &'a StoreId, request: PushRequest) -> ProviderFuture<'a, PushAnswer>;

    /// Where the log stands.
    ///
    /// # Errors
    /// [`TransportError`] if the backend can't be reached.
    fn ping<'a>(&'a self, store: &'a StoreId) -> ProviderFuture<'a, LogPosition>;
}

impl fmt::Debug for dyn SyncProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SyncProvider")
    }
}
