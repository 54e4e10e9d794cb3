//! Requests that end with a problem.

use std::any::Any;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use headwater_core::protocol::{PROBLEM_JSON, Problem, ProblemCode};

use crate::event_store::StoreError;

/// How long a client should leave a server alone that can't take more, in seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// A request that ends with a problem.
#[derive(Debug)]
pub(super) struct Failure(Box<Problem>);

impl Failure {
    pub(super) fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Problem::new(code, detail).into()
    }

    pub(super) fn code(&self) -> ProblemCode {
        self.0.code
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self(Box::new(problem))
    }
}

impl From<StoreError> for Failure {
    /// The client learns the kind, the log the rest.
    fn from(error: StoreError) -> Self {
        let (code, detail) = match &error {
            StoreError::Closed => (ProblemCode::Unavailable, "the backend is shutting down"),
            StoreError::Unavailable(_) => {
                (ProblemCode::Unavailable, "the backend can't take more now; try again later")
            }
            StoreError::Failed(_) | StoreError::Damaged { .. } => {
                (ProblemCode::Internal, "the backend's storage failed")
            }
        };
        match code {
            ProblemCode::Internal => tracing::error!(%error, "a request failed"),
            _ => tracing::warn!(%error, "a request was put off"),
        }
        Self::new(code, detail)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&*self.0).expect("a problem can be written as JSON");
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON)),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        let mut response = (status, headers, body).into_response();
        if matches!(self.0.code, ProblemCode::Unavailable | ProblemCode::RateLimited) {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        response
    }
}

/// Turns error answers that were not made here, such as the router's own, into problems.
pub(super) async fn into_problem(response: Response) -> Response {
    let status = response.status();
    let is_problem =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes() == PROBLEM_JSON.as_bytes());
    if is_problem || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let code = match status.as_u16() {
        404 => ProblemCode::NotFound,
        405 => ProblemCode::MethodNotAllowed,
        413 => ProblemCode::TooLarge,
        415 => ProblemCode::UnsupportedMediaType,
        503 => ProblemCode::Unavailable,
        500.. => ProblemCode::Internal,
        _ => ProblemCode::Malformed,
    };
    let detail = status.canonical_reason().unwrap_or("the request can't be answered").to_lowercase();
    Failure::new(code, detail).into_response()
}

/// A panic ends its request and nothing else. The panic's text is on stderr already; it may quote what it should not.
pub(super) fn of_panic(_panic: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a request met a defect of the server");
    Failure::new(ProblemCode::Internal, "the backend met a defect of its own").into_response()
}
