//! Reading a reply, as long as it looks like one of the protocol.

use std::error::Error as _;
use std::time::Duration;

use headwater_core::leader::TransportError;
use headwater_core::limits::MAX_REPLY_BODY_BYTES;
use headwater_core::protocol::{PROBLEM_JSON, Problem, ProblemCode};
use reqwest::Response;
use reqwest::header::{self, HeaderMap};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};

use super::time_for;

/// Longest text of a backend that is passed on, in characters.
const MAX_TEXT_CHARS: usize = 500;
/// A backend can't ask for a longer wait, in seconds.
const MAX_RETRY_AFTER_SECONDS: u64 = 60 * 60;

/// A complete reply of something that may speak the protocol.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) is_problem: bool,
    pub(super) retry_after_ms: Option<u64>,
    pub(super) body: Vec<u8>,
}

impl Reply {
    /// Reads a reply to its end, as far as it looks like one of the protocol.
    pub(super) async fn read(response: Response, timeout: Duration) -> Result<Self, TransportError> {
        let status = response.status().as_u16();
        let headers = response.headers();
        let is_problem = match content_type(headers) {
            Some(kind) if kind == "application/json" => false,
            Some(kind) if kind == PROBLEM_JSON => true,
            Some(kind) => return Err(not_ours(status, &format!("with {kind}"))),
            None => return Err(not_ours(status, "without a content type")),
        };
        let retry_after_ms = retry_after_ms(headers);
        let body = read_body(response, timeout).await.map_err(|why| not_ours(status, why))?;
        Ok(Self { status, is_problem, retry_after_ms, body })
    }

    /// The body of a 200; `None` for other replies.
    pub(super) fn success<T: DeserializeOwned>(&self) -> Result<Option<T>, TransportError> {
        if self.status != 200 {
            return Ok(None);
        }
        if self.is_problem {
            return Err(not_ours(200, "with a problem"));
        }
        self.decode().map(Some)
    }

    /// The problem of any other reply.
    pub(super) fn problem(&self) -> Result<Problem, TransportError> {
        if !self.is_problem {
            return Err(not_ours(self.status, "without a problem"));
        }
        let mut problem: Problem = self.decode()?;
        let due = problem.code == ProblemCode::Unknown || problem.code.status() == self.status;
        if problem.status != self.status || !due {
            return Err(not_ours(
                self.status,
                &format!("with the problem {:?} of status {}", problem.code, problem.status),
            ));
        }
        problem.detail = text(&problem.detail);
        problem.reason_code = problem.reason_code.map(|code| text(&code));
        Ok(problem)
    }

    fn decode<T: DeserializeOwned>(&self) -> Result<T, TransportError> {
        // Where it went wrong, but not what stands there.
        let place = |error: serde_json::Error| {
            let (category, line, column) = (error.classify(), error.line(), error.column());
            not_ours(
                self.status,
                &format!("with a body that does not decode ({category:?}, line {line} column {column})"),
            )
        };
        serde_json::from_slice(&self.body).map_err(place)
    }
}

/// The only content type, in lower case and without parameters.
fn content_type(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    let essence = value.to_str().ok()?.split(';').next()?;
    Some(text(&essence.trim().to_ascii_lowercase()))
}

/// A wait in seconds. A date is as good as nothing: clocks differ.
fn retry_after_ms(headers: &HeaderMap) -> Option<u64> {
    let seconds: u64 = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(seconds.min(MAX_RETRY_AFTER_SECONDS) * 1_000)
}

/// Reads the body while it is decompressed, with bounds on its size, on each silence and on the time in all.
async fn read_body(mut response: Response, timeout: Duration) -> Result<Vec<u8>, &'static str> {
    const TOO_LARGE: &str = "with a body that is too large";
    if response.content_length().is_some_and(|bytes| bytes > MAX_REPLY_BODY_BYTES as u64) {
        return Err(TOO_LARGE);
    }
    let start = Instant::now();
    let mut body = Vec::new();
    loop {
        let deadline = start + timeout + time_for(body.len());
        let chunk = timeout_at(deadline, response.chunk()).await.map_err(|_| "that comes too slowly")?;
        let Some(chunk) = chunk.map_err(|_| "that breaks off")? else {
            return Ok(body);
        };
        if body.len() + chunk.len() > MAX_REPLY_BODY_BYTES {
            return Err(TOO_LARGE);
        }
        body.extend_from_slice(&chunk);
    }
}

pub(super) fn not_ours(status: u16, what: &str) -> TransportError {
    TransportError::NotOurs(format!("a reply of status {status} {what}"))
}

/// A text from outside, fit for a log or a screen.
fn text(from: &str) -> String {
    from.chars().filter(|char| !char.is_control()).take(MAX_TEXT_CHARS).collect()
}

/// What is at the bottom of an error. The outer ones only repeat the address.
pub(super) fn cause(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    while let Some(deeper) = cause.and_then(|cause| cause.source()) {
        cause = Some(deeper);
    }
    cause.map_or_else(|| "the request could not be sent".to_owned(), |cause| text(&cause.to_string()))
}
