//! Pulls and their answers.

use serde::{Deserialize, Serialize};

use super::{LogPosition, WireEvent};
use crate::Chain;

/// `GET /v1/stores/{store}/pull?after=…&chain=…&waitMs=…&limit=…`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PullRequest {
    /// The last position that the client has; 0 for none.
    pub after: u64,
    /// The chain value at `after`, for the backend to compare.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<Chain>,
    /// How long to wait when there is nothing new, in milliseconds. 0: answer at once.
    #[serde(default)]
    pub wait_ms: u64,
    /// Most events to return. The backend may return fewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// The body of a 200 on a pull: a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PullReply {
    /// The log.
    #[serde(flatten)]
    pub log: LogPosition,
    /// The events after the request's position, in order, whole groups; empty when there is nothing new.
    pub events: Vec<WireEvent>,
    /// How many more events the log has after this page.
    pub remaining: u64,
}

/// A definite answer to a pull.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PullAnswer {
    /// The next events.
    Page(PullReply),
    /// The client's history is not the backend's.
    Diverged {
        /// The log.
        log: LogPosition,
        /// The last position up to which the backend can't rule out that they agree.
        common_seq_num: u64,
    },
    /// The log no longer reaches back to the position asked for.
    Truncated {
        /// The log.
        log: LogPosition,
    },
}
