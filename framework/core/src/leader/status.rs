//! What a leader says about itself.

use crate::SeqNum;

/// What a leader's connection to its backend is like.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Health {
    /// There is no sync provider.
    LocalOnly,
    /// The app switched sync off.
    Paused,
    /// It has not heard from the backend yet.
    Connecting,
    /// The backend answers.
    Online,
    /// The backend can't be reached, or its answers are not of this protocol.
    Offline {
        /// Why.
        reason: String,
    },
    /// The backend refuses to serve: authentication, authorization, quota, limits.
    Refused {
        /// Why.
        reason: String,
    },
    /// The backend has another log than the one that this client knows: reset, restored, replaced or diverged.
    /// Nothing is exchanged; nothing local is lost.
    BackendChanged {
        /// What differs.
        reason: String,
    },
    /// A defect, or a local fault such as a full disk.
    Fault {
        /// What happened.
        reason: String,
    },
}

/// Where a leader stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaderStatus {
    /// The last event in its log.
    pub local_head: SeqNum,
    /// The last event that it has from the backend.
    pub upstream_head: SeqNum,
    /// The backend's head, as last heard; `None` before the first contact.
    pub backend_head: Option<u64>,
    /// Synced events that the backend has not confirmed.
    pub pending: usize,
    /// What the connection is like.
    pub health: Health,
    /// Since when, in milliseconds of the clock that `now` is of.
    pub since_ms: u64,
    /// Failures in a row.
    pub failures: u32,
    /// It has heard from the backend that there is nothing more, at least once.
    pub caught_up: bool,
}

impl LeaderStatus {
    /// Whether the backend has everything and this client too, as far as was heard.
    #[must_use]
    pub fn is_synced(&self) -> bool {
        let same_head = self.backend_head == Some(self.upstream_head.global);
        self.health == Health::Online && self.pending == 0 && self.caught_up && same_head
    }
}
