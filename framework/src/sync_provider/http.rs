//! The protocol over HTTP.

mod address;
mod answer;
mod reply;

use std::fmt;
use std::time::Duration;

use headwater_core::StoreId;
use headwater_core::limits::MAX_POLL_MS;
use headwater_core::protocol::{LogPosition, PullAnswer, PullRequest, PushAnswer, PushRequest};
use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Client, RequestBuilder, Url};

use super::{ProviderFuture, SyncProvider, TransportError};
use crate::{Error, Result};
use reply::Reply;

/// How long making a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the backend may be silent, unless it was asked to hold a pull.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a connection is kept for the next request: less than servers keep it, so that no request meets one that is
/// just being closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);
/// A body that moves at least this fast gets more time.
const MIN_BYTES_PER_SECOND: usize = 16 * 1024;
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(30);
const MAX_IDLE_CONNECTIONS: usize = 4;
const ACCEPTED: &str = "application/json, application/problem+json";

/// A way to a backend over HTTP, with long-polling.
///
/// ```
/// use headwater::sync_provider::HttpSync;
///
/// let local = HttpSync::new("http://127.0.0.1:8787")?;
/// let hosted = HttpSync::new("https://example.com/sync")?.token("s3cret")?;
/// # Ok::<(), headwater::Error>(())
/// ```
///
/// Connections are kept open and used again. A pull that the backend holds has one of its own, so that it never
/// delays a push. Nothing is sent before the first request, and no runtime is needed to make one.
///
/// # What counts as an answer
/// The other end is not trusted. An answer is a complete reply with the right status, the right content type and a body
/// that decodes; all else, such as a proxy's page or a redirect, is a [`TransportError`], which leaves the outcome
/// of the request open. Redirects are not followed. A reply may have at most
/// [`MAX_REPLY_BODY_BYTES`](headwater_core::limits::MAX_REPLY_BODY_BYTES) after decompression.
///
/// # Compression
/// Replies may come as gzip. Not as zstd, because the sender of a zstd frame chooses how much memory reading it takes.
/// Requests are sent as they are: a push of one small event has about 300 bytes and one of a hundred about 25 kB, which
/// gzip would make 5 kB; either is little against the time that the backend takes to make it durable.
///
/// # Proxies
/// The system's proxy settings (`HTTPS_PROXY` and so on) are used, except for a backend on this machine.
#[derive(Clone)]
pub struct HttpSync {
    base: Url,
    client: Client,
    authorization: Option<HeaderValue>,
    timeout: Duration,
}

impl HttpSync {
    /// A way to the backend at `url`, such as `https://example.com` or `http://127.0.0.1:8787/sync`.
    ///
    /// # Errors
    /// [`Error::Provider`] if the address is not one of HTTP or has parts that it can't have here, and if TLS can't be
    /// set up on this machine.
    ///
    /// ```
    /// use headwater::sync_provider::HttpSync;
    ///
    /// let error = HttpSync::new("127.0.0.1:8787").unwrap_err();
    /// assert!(error.to_string().contains("http://127.0.0.1:8787"));
    /// ```
    pub fn new(url: impl AsRef<str>) -> Result<Self> {
        let base = address::parse(url.as_ref()).map_err(Error::Provider)?;
        let client = client(&base)?;
        Ok(Self { base, client, authorization: None, timeout: DEFAULT_TIMEOUT })
    }

    /// Sends this token with every request, as `Authorization: Bearer …`. It is never part of an address or a log.
    ///
    /// # Errors
    /// [`Error::Provider`] if it is empty or has characters other than visible ASCII.
    ///
    /// ```
    /// use headwater::sync_provider::HttpSync;
    ///
    /// let sync = HttpSync::new("https://example.com")?.token("s3cret")?;
    /// assert!(!format!("{sync:?}").contains("s3cret"));
    /// # Ok::<(), headwater::Error>(())
    /// ```
    pub fn token(mut self, token: impl AsRef<str>) -> Result<Self> {
        let token = token.as_ref();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::Provider("the token must be visible ASCII characters without blanks".into()));
        }
        if self.base.scheme() == "http" && !address::is_loopback(&self.base) {
            tracing::warn!(host = self.base.host_str(), "a token is sent over plain HTTP: use https");
        }
        let value = HeaderValue::try_from(format!("Bearer {token}"));
        let mut value = value.expect("visible ASCII is a valid header value");
        value.set_sensitive(true);
        self.authorization = Some(value);
        Ok(self)
    }

    /// How long the backend may be silent before a request counts as failed. Default: 30 seconds.
    ///
    /// A pull that asks to be held gets that time on top, and a large body the time that it takes at 16 KiB a second.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    fn url(&self, store: &StoreId, action: Option<&str>) -> Url {
        let mut url = self.base.clone();
        let mut path = url.path_segments_mut().expect("an address of HTTP has a path");
        path.pop_if_empty().extend(["v1", "stores", store.as_str()]).extend(action);
        drop(path);
        url
    }

    fn pull_url(&self, store: &StoreId, request: &PullRequest, wait_ms: u64) -> Url {
        let mut url = self.url(store, Some("pull"));
        let mut query = url.query_pairs_mut();
        query.append_pair("after", &request.after.to_string());
        if let Some(chain) = request.chain {
            query.append_pair("chain", &chain.to_string());
        }
        if wait_ms > 0 {
            query.append_pair("waitMs", &wait_ms.to_string());
        }
        if let Some(limit) = request.limit {
            query.append_pair("limit", &limit.to_string());
        }
        drop(query);
        url
    }

    /// Sends a request and reads the whole reply. `more_time` is what this request may take beyond the usual.
    async fn exchange(&self, mut request: RequestBuilder, more_time: Duration) -> Result<Reply, TransportError> {
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization.clone());
        }
        let sent = tokio::time::timeout(self.timeout + more_time, request.send()).await;
        let sent = sent.map_err(|_| TransportError::Offline("no answer in time".into()))?;
        let response = sent.map_err(|error| TransportError::Offline(reply::cause(&error)))?;
        Reply::read(response, self.timeout).await
    }
}

impl SyncProvider for HttpSync {
    fn pull<'a>(&'a self, store: &'a StoreId, request: PullRequest) -> ProviderFuture<'a, PullAnswer> {
        Box::pin(async move {
            let wait_ms = request.wait_ms.min(MAX_POLL_MS);
            let get = self.client.get(self.pull_url(store, &request, wait_ms));
            // The backend may add a tenth, so that not all clients come back at once.
            let held = Duration::from_millis(wait_ms + wait_ms / 10);
            answer::pull(&self.exchange(get, held).await?)
        })
    }

    fn push<'a>(&'a self, store: &'a StoreId, request: PushRequest) -> ProviderFuture<'a, PushAnswer> {
        Box::pin(async move {
            let body = serde_json::to_vec(&request).expect("a request can be written as JSON");
            let upload = time_for(body.len());
            let post = self.client.post(self.url(store, Some("push")));
            let post = post.header(header::CONTENT_TYPE, HeaderValue::from_static("application/json")).body(body);
            answer::push(&self.exchange(post, upload).await?)
        })
    }

    fn ping<'a>(&'a self, store: &'a StoreId) -> ProviderFuture<'a, LogPosition> {
        Box::pin(async move {
            let get = self.client.get(self.url(store, None));
            answer::ping(&self.exchange(get, Duration::ZERO).await?)
        })
    }
}

/// Shows where it leads, and whether there is a token.
impl fmt::Debug for HttpSync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSync")
            .field("url", &self.base.as_str())
            .field("token", &self.authorization.is_some())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

fn time_for(bytes: usize) -> Duration {
    Duration::from_secs((bytes / MIN_BYTES_PER_SECOND) as u64)
}

fn client(base: &Url) -> Result<Client> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // It fails if somebody else was faster, and then theirs is used.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static(ACCEPTED));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    let mut builder = Client::builder()
        .user_agent(concat!("headwater/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers)
        .redirect(reqwest::redirect::Policy::none())
        .zstd(false)
        // With HTTP/2 a held pull and a push would share one connection, and its losses.
        .http1_only()
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .tcp_keepalive(KEEP_ALIVE_INTERVAL)
        .pool_max_idle_per_host(MAX_IDLE_CONNECTIONS)
        .pool_idle_timeout(IDLE_TIMEOUT);
    if base.scheme() == "http" {
        // Then no certificate is needed, and a machine without any will do.
        builder = builder.tls_certs_only([]);
    }
    if address::is_loopback(base) {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| Error::Provider(format!("HTTP can't be set up: {}", reply::cause(&error))))
}

#[cfg(test)]
mod tests;
