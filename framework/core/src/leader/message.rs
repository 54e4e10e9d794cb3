//! What goes into a leader and what comes out of it.

use super::log::{Durability, Rejection};
use crate::SeqNum;
use crate::event::EventRecord;
use crate::ids::{ClientId, EventId, SessionId};
use crate::protocol::{PullAnswer, PullRequest, PushAnswer, PushRequest};
use crate::sync_state::Payload;

/// Everything that can happen to a leader.
#[derive(Clone, Debug)]
pub enum Input {
    /// A session starts: from now on it is told everything.
    Attach {
        /// Which.
        session: SessionId,
    },
    /// A session ends.
    Detach {
        /// Which.
        session: SessionId,
    },
    /// A session commits.
    Push {
        /// Which.
        session: SessionId,
        /// The session's number for it, to recognise the answer.
        push: u64,
        /// The events, numbered after the leader's local head as the session knows it.
        events: Vec<EventRecord>,
        /// How long the write must last.
        durability: Durability,
    },
    /// A session has worked through updates.
    Drained {
        /// Which.
        session: SessionId,
        /// How many events were in them.
        events: usize,
    },
    /// The outcome of [`Effect::Pull`].
    Pulled {
        /// The number of the request.
        request: u64,
        /// The backend's answer, or why there is none.
        result: Result<PullAnswer, TransportError>,
    },
    /// The outcome of [`Effect::Push`].
    Pushed {
        /// The number of the request.
        request: u64,
        /// The backend's answer, or why there is none.
        result: Result<PushAnswer, TransportError>,
    },
    /// Whether to talk to the backend at all.
    SetOnline(bool),
    /// The deadline has come.
    Tick,
}

/// Everything that a leader can ask of the world.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Hand this to a session, in order.
    ToSession {
        /// Which.
        session: SessionId,
        /// What.
        message: ToSession,
    },
    /// Pull, and answer with [`Input::Pulled`].
    Pull {
        /// The number of the request. A later one makes this one void.
        request: u64,
        /// What to ask.
        pull: PullRequest,
    },
    /// Push, and answer with [`Input::Pushed`].
    Push {
        /// The number of the request. A later one makes this one void.
        request: u64,
        /// What to send.
        push: Box<PushRequest>,
    },
    /// Give up the requests that are under way.
    Cancel,
}

/// What a leader tells a session, on one ordered channel.
#[derive(Clone, Debug)]
pub enum ToSession {
    /// The answer to a push. Updates that came before it happened before it.
    Pushed {
        /// The session's number for the push.
        push: u64,
        /// Whether the events are in the log.
        result: Result<(), PushError>,
        /// The last settled event.
        settled: SeqNum,
    },
    /// The log moved.
    Update(Update),
    /// The client has another id from now on.
    ClientId(ClientId),
}

/// A movement of the leader's log.
#[derive(Clone, Debug)]
pub struct Update {
    /// What it means for a session.
    pub payload: Payload,
    /// The last settled event.
    pub settled: SeqNum,
    /// Events of this client that the backend confirmed, with their final numbers.
    pub confirmed: Vec<(EventId, SeqNum)>,
    /// Events of this client that the backend refused.
    pub rejected: Vec<Rejection>,
}

/// Why a leader did not take a session's push. Nothing of it is in the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PushError {
    /// The log moved meanwhile; the update that says how came before this answer. Number again and push again.
    #[error("the log moved meanwhile")]
    Stale,
    /// Too many events are pending.
    #[error("{pending} events are pending, the limit is {limit}: connect to the backend first")]
    Full {
        /// How many there are.
        pending: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The log could not be written.
    #[error("{0}")]
    Storage(String),
}

/// Why there is no definite answer from a backend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// No connection, or it broke, or it took too long. What was asked may have happened.
    #[error("offline: {0}")]
    Offline(String),
    /// The backend does not know who is asking.
    #[error("the backend asks for authentication: {0}")]
    NeedsAuth(String),
    /// The backend knows, and says no.
    #[error("forbidden: {0}")]
    Forbidden(String),
    /// A quota is used up.
    #[error("quota: {0}")]
    Quota(String),
    /// The backend does not take so much at once.
    #[error("too large: {0}")]
    TooLarge(String),
    /// The backend asks to wait.
    #[error("too many requests: {reason}")]
    RateLimited {
        /// How long to wait, in milliseconds, if it says so.
        retry_after_ms: Option<u64>,
        /// For people.
        reason: String,
    },
    /// The backend had a fault. What was asked may have happened.
    #[error("the backend has a fault: {0}")]
    Server(String),
    /// Something answered that does not speak this protocol. What was asked may have happened.
    #[error("not an answer of this protocol: {0}")]
    NotOurs(String),
}
