//! The app's own rules for what may be pushed.

use headwater_core::StoreId;
use headwater_core::protocol::WireEvent;

/// What the app's rules say to an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Take it.
    Allow,
    /// Refuse it, and the batch with it. The client moves the event to its dead letters.
    Deny {
        /// A stable code, for the app.
        code: String,
        /// Why, for people.
        reason: String,
    },
}

impl Verdict {
    /// Refuses.
    #[must_use]
    pub fn deny(code: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Deny { code: code.into(), reason: reason.into() }
    }
}

/// The app's own rules on the backend: they see each event before it is appended.
///
/// An event is judged once its batch is known to be sound, new and numbered after the head, so that an event that is in
/// the log can't be refused later. The judgement should depend on the store and the event alone. It runs on a thread
/// that may block, and delays only the push that it judges; if it panics, the push fails with 500.
///
/// Closures are rules:
///
/// ```
/// use headwater_core::{StoreId, protocol::WireEvent};
/// use headwater_server::{Server, Storage, Verdict};
///
/// let server = Server::builder().storage(Storage::memory()).rules(|_: &StoreId, event: &WireEvent| {
///     if event.name.starts_with("v1.") { Verdict::Allow } else { Verdict::deny("old", "update the app") }
/// });
/// # let _ = server;
/// ```
pub trait EventRules: Send + Sync + 'static {
    /// Judges one event of a batch.
    fn judge(&self, store: &StoreId, event: &WireEvent) -> Verdict;
}

impl<F> EventRules for F
where
    F: Fn(&StoreId, &WireEvent) -> Verdict + Send + Sync + 'static,
{
    fn judge(&self, store: &StoreId, event: &WireEvent) -> Verdict {
        self(store, event)
    }
}
