//! A reactive local-first app framework.
//!
//! An app commits typed *events*; *materializers* turn them into rows of a local SQLite database; *live queries*
//! over these rows update at once; a *sync engine* exchanges events with a central backend the way git does: pull,
//! rebase what is pending, push. The UI never waits for the network.

mod blocking;
mod db;
mod error;
mod eventlog;
mod leader;
mod mailbox;
pub mod query;
pub mod schema;
mod session;
mod state;
mod storage;
mod store;
pub mod sync_provider;

pub use db::Params;
pub use error::{Error, Result};
pub use headwater_core::leader::{Durability, Health};
pub use headwater_core::{Args, BackendId, ClientId, EventId, EventScope, Facts, SeqNum, SessionId, StoreId};
pub use headwater_macros::{Document, Event, FromRow, Table};
pub use leader::DeadLetter;
pub use nanoid::nanoid;
pub use query::{LiveQuery, Query, Select, Subscription, sql};
pub use schema::{Column, ColumnType, Document, Event, FromRow, Json, Materialize, Schema, Table, Timestamp};
pub use session::{Commit, Fate, IntoCommit, Receipt};
pub use state::{EventMeta, StateTx};
pub use storage::Storage;
pub use store::{
    BootStatus, DocumentHandle, EventStream, Events, Heads, InitialSync, LoggedEvent, StatusChanges, Store,
    StoreBuilder, SyncStatus,
};

/// What the derive macros name. Not part of the public interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::__sql as sql;
    pub use crate::schema::{fact, sql, variant};
    pub use serde;
    pub use serde_json;
}
