//! Error answers.

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

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    /// The codes in order, beginning with `Malformed`. A code that is missing here does not compile.
    fn next(code: ProblemCode) -> Option<ProblemCode> {
        use ProblemCode::*;
        Some(match code {
            Malformed => UnsupportedProtocol,
            UnsupportedProtocol => Unauthenticated,
            Unauthenticated => Quota,
            Quota => Forbidden,
            Forbidden => NotFound,
            NotFound => MethodNotAllowed,
            MethodNotAllowed => BackendMismatch,
            BackendMismatch => Behind,
            Behind => ClientIdTaken,
            ClientIdTaken => Diverged,
            Diverged => Truncated,
            Truncated => TooLarge,
            TooLarge => UnsupportedMediaType,
            UnsupportedMediaType => Rejected,
            Rejected => RateLimited,
            RateLimited => Internal,
            Internal => Unavailable,
            Unavailable => Unknown,
            Unknown => return None,
        })
    }

    #[test]
    fn codes_and_their_statuses_are_stable() {
        let codes = std::iter::successors(Some(ProblemCode::Malformed), |code| next(*code));
        let lines = codes.map(|code| {
            let json = serde_json::to_string(&code).expect("a name is JSON");
            assert_eq!(serde_json::from_str::<ProblemCode>(&json).expect("it reads back"), code);
            format!("{} {json}\n", code.status())
        });
        expect![[r#"
            400 "malformed"
            400 "unsupported_protocol"
            401 "unauthenticated"
            402 "quota"
            403 "forbidden"
            404 "not_found"
            405 "method_not_allowed"
            409 "backend_mismatch"
            409 "behind"
            409 "client_id_taken"
            409 "diverged"
            410 "truncated"
            413 "too_large"
            415 "unsupported_media_type"
            422 "rejected"
            429 "rate_limited"
            500 "internal"
            503 "unavailable"
            500 "unknown"
        "#]]
        .assert_eq(&lines.collect::<String>());
    }

    #[test]
    fn a_code_of_a_later_version_is_read_as_unknown() {
        let read = serde_json::from_str::<ProblemCode>("\"teapot\"").expect("a later version may say that");
        assert_eq!(read, ProblemCode::Unknown);
    }
}
