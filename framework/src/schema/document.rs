//! Client documents: small typed states that the sessions of a client share.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A typed value that all sessions of a client share and that never leaves it, such as the state of a UI.
///
/// It is stored as JSON in a table of its own name, by client-only events. A stored value of an older shape is read
/// over the default: fields that are not stored have their default, fields that are no longer known are ignored.
pub trait Document: Serialize + DeserializeOwned + Default + Clone + Send + Sync + 'static {
    /// The name of its table.
    const NAME: &'static str;
}
