//! A reactive local-first app framework.
//!
//! An app commits typed *events*; *materializers* turn them into rows of a local SQLite database; *live queries*
//! over these rows update at once; a *sync engine* exchanges events with a central backend the way git does: pull,
//! rebase what is pending, push. The UI never waits for the network.

mod db;
mod error;
pub mod query;
pub mod schema;
mod state;
pub mod sync_provider;

pub use db::Params;
pub use error::{Error, Result};
pub use headwater_core::{Args, BackendId, ClientId, EventId, EventScope, Facts, SeqNum, SessionId, StoreId};
pub use headwater_macros::{Document, Event, FromRow, Table};
pub use nanoid::nanoid;
pub use schema::{Column, ColumnType, Document, Event, FromRow, Json, Materialize, Schema, Table, Timestamp};
pub use state::{EventMeta, StateTx};

/// What the derive macros name. Not part of the public interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::schema::variant;
    pub use serde;
    pub use serde_json;
}
