use serde::{Deserialize, Serialize};

use super::{LogPosition, WireEvent};
use crate::EventId;

/// The stable code of an error answer, with its HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProblemCode {
    /// 400: the request is not of this protocol.
    Malformed,
    /// 400: the protocol version is not served.
    UnsupportedProtocol,
    /// 401: who is asking is not known.
    Unauthenticated,
    /// 402: a quota is used up.
    Quota,
    /// 403: who is asking may not do that.
    Forbidden,
    /// 404: there is nothing at this address.
    NotFound,
    /// 405: not with this method.
    MethodNotAllowed,
    /// 409: another log or epoch.
    BackendMismatch,
    /// 409: the batch is not numbered after the head.
    Behind,
    /// 409: the client id is somebody else's.
    ClientIdTaken,
    /// 409: the histories differ.
    Diverged,
    /// 410: the log does not reach back that far.
    Truncated,
    /// 413: too large.
    TooLarge,
    /// 415: not JSON.
    UnsupportedMediaType,
    /// 422: an event is refused.
    Rejected,
    /// 429: too many requests.
    RateLimited,
    /// 500: a fault of the server.
    Internal,
    /// 503: shutting down or overloaded.
    Unavailable,
    /// Anything that this version doesn't know.
    #[serde(other)]
    Unknown,
}

impl ProblemCode {
    /// The HTTP status that goes with it.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Malformed | Self::UnsupportedProtocol => 400,
            Self::Unauthenticated => 401,
            Self::Quota => 402,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::BackendMismatch | Self::Behind | Self::ClientIdTaken | Self::Diverged => 409,
            Self::Truncated => 410,
            Self::TooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::Rejected => 422,
            Self::RateLimited => 429,
            Self::Internal | Self::Unknown => 500,
            Self::Unavailable => 503,
        }
    }
}

/// An error answer: `application/problem+json` with a stable `code`. The fields that a code needs are set with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// What kind of problem; stable.
    pub code: ProblemCode,
    /// The HTTP status.
    pub status: u16,
    /// What was wrong and what to do, for people.
    pub detail: String,
    /// Where the store's log stands, where a store is concerned.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub log: Option<LogPosition>,
    /// With `behind`: the missing events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tail: Vec<WireEvent>,
    /// With `behind`: whether there are more than `tail`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
    /// With `diverged`: the last position that may be common.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub common_seq_num: Option<u64>,
    /// With `rejected`: which event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<EventId>,
    /// With `rejected`: the rule's own code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason_code: Option<String>,
    /// With `unsupported_protocol`: the versions that are served.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<u32>,
}

impl Problem {
    /// A problem with nothing but its code and a text for people.
    #[must_use]
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            status: code.status(),
            detail: detail.into(),
            log: None,
            tail: Vec::new(),
            more: false,
            common_seq_num: None,
            id: None,
            reason_code: None,
            versions: Vec::new(),
        }
    }

    /// The same with the position of the log.
    #[must_use]
    pub fn at(self, log: LogPosition) -> Self {
        Self { log: Some(log), ..self }
    }
}
