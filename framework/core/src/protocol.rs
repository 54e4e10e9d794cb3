//! The wire protocol, version 1: JSON bodies over HTTP, shared by client, server and simulator.
//!
//! Unknown fields are ignored on both sides. The encoding is pinned by golden files in the tests.

mod event;
mod problem;
mod pull;
mod push;

pub use event::WireEvent;
pub use problem::{Problem, ProblemCode};
pub use pull::{PullAnswer, PullReply, PullRequest};
pub use push::{PushAnswer, PushReply, PushRequest};

use serde::{Deserialize, Serialize};

use crate::{BackendId, Chain};

/// The version that this crate speaks.
pub const VERSION: u32 = 1;

/// The media type of errors (RFC 9457).
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Where a store's log stands on a backend. It comes with every reply about a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogPosition {
    /// Which log it is.
    pub backend_id: BackendId,
    /// How often an operator restored or reset it.
    pub epoch: u64,
    /// The last position; 0 when empty.
    pub head: u64,
    /// The chain value at `head`.
    pub chain: Chain,
}
