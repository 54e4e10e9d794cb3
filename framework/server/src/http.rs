//! The protocol over HTTP: addresses, requests and answers.

mod body;
mod guard;
mod problem;
mod pull;
mod push;

use std::fmt;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use headwater_core::StoreId;
use headwater_core::protocol::ProblemCode;
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::SizeAbove;

use crate::event_store::EventStore;
use crate::rules::EventRules;
pub(crate) use guard::Guard;
use problem::{Failure, into_problem};

/// Smaller answers are not compressed.
const MIN_COMPRESSED_BYTES: u64 = 1_024;

/// What every request needs.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) store: Arc<dyn EventStore>,
    pub(crate) rules: Option<Arc<dyn EventRules>>,
    /// Cancelled when the server is about to end: then no poll is held.
    pub(crate) draining: CancellationToken,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("draining", &self.draining.is_cancelled()).finish_non_exhaustive()
    }
}

pub(crate) fn router(app: App) -> Router {
    let compression =
        CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(SizeAbove::new(MIN_COMPRESSED_BYTES));
    Router::new()
        .route("/v1/stores/{store}", get(ping))
        .route("/v1/stores/{store}/push", post(push::push))
        .route("/v1/stores/{store}/pull", get(pull::pull))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::map_response(into_problem))
        .layer(CatchPanicLayer::custom(problem::of_panic))
        .layer(compression)
        .with_state(app)
}

/// The store that a request is about. There is no other way to one.
#[derive(Debug)]
struct Store(StoreId);

impl<S: Send + Sync> FromRequestParts<S> for Store {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let malformed = |detail: String| Failure::new(ProblemCode::Malformed, detail);
        let path = Path::<String>::from_request_parts(parts, state).await;
        let Path(name) = path.map_err(|error| malformed(error.body_text()))?;
        StoreId::new(name).map(Self).map_err(|error| malformed(error.to_string()))
    }
}

async fn ping(State(app): State<App>, Store(store): Store) -> Result<Response, Failure> {
    let log = app.store.position(&store).await?;
    Ok(live(&log))
}

async fn healthz() -> Response {
    live(&Status { status: "ok" })
}

async fn readyz(State(app): State<App>) -> Result<Response, Failure> {
    if app.draining.is_cancelled() {
        return Err(Failure::new(ProblemCode::Unavailable, "the backend is shutting down"));
    }
    app.store.check().await?;
    Ok(live(&Status { status: "ok" }))
}

#[derive(Serialize)]
struct Status {
    status: &'static str,
}

async fn not_found() -> Failure {
    Failure::new(ProblemCode::NotFound, "there is nothing at this address")
}

async fn method_not_allowed() -> Failure {
    Failure::new(ProblemCode::MethodNotAllowed, "this address does not take this method")
}

/// A 200 that is true only now.
fn live(body: &impl Serialize) -> Response {
    ([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(body)).into_response()
}
