//! Pushes and their answers.

use serde::{Deserialize, Serialize};

use super::{LogPosition, WireEvent};
use crate::{BackendId, Chain, Claim, ClientId, EventId};

/// `POST /v1/stores/{store}/push`: one batch, appended whole or not at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PushRequest {
    /// The protocol version: [`VERSION`](super::VERSION).
    pub protocol: u32,
    /// The log that the client knows; absent on first contact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend_id: Option<BackendId>,
    /// The epoch that the client knows; absent on first contact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// The client.
    pub client_id: ClientId,
    /// Proof that the client id is its own.
    pub claim: Claim,
    /// The head that the batch is numbered after.
    pub parent: u64,
    /// The chain value at `parent`.
    pub parent_chain: Chain,
    /// At least one event, ascending, without gaps, whole groups.
    pub events: Vec<WireEvent>,
}

/// The body of a 200 on a push.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PushReply {
    /// The log after the push.
    #[serde(flatten)]
    pub log: LogPosition,
    /// The position of each event of the batch.
    pub positions: Vec<u64>,
    /// The batch was in the log already: a resend.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub duplicate: bool,
}

/// A definite answer to a push. Whatever is not one of these is an unknown outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PushAnswer {
    /// The batch is in the log.
    Accepted(PushReply),
    /// The batch is not numbered after the head. Nothing was appended.
    Behind {
        /// The log.
        log: LogPosition,
        /// The events after the batch's parent, as many as fit.
        tail: Vec<WireEvent>,
        /// Whether there are more than `tail`.
        more: bool,
    },
    /// It is another log, or another epoch of it.
    BackendMismatch {
        /// The log that is there.
        log: LogPosition,
    },
    /// Somebody else claimed this client id.
    ClientIdTaken,
    /// The backend does not take this event, nor the batch with it.
    Rejected {
        /// Which event.
        id: EventId,
        /// A stable code.
        code: String,
        /// For people.
        reason: String,
    },
    /// The backend can't read the batch: a defect of one of the two.
    Malformed {
        /// For people.
        reason: String,
    },
}
