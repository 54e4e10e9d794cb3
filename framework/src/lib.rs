//! A reactive local-first app framework.
//!
//! An app commits typed *events*; *materializers* turn them into rows of a local SQLite database; *live queries*
//! over these rows update at once; a *sync engine* exchanges events with a central backend the way git does: pull,
//! rebase what is pending, push. The UI never waits for the network.
//!
//! # Schema
//!
//! Tables are structs, events are the variants of an enum. A variant says what it does to rows; the derive generates the
//! rest. An event's name is its identity for ever, its fields are its arguments as JSON.
//!
//! ```
//! use headwater::{Event, Schema, StateTx, Table, Timestamp, params};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Clone, Debug, PartialEq, Table)]
//! #[table(name = "todos")]
//! pub struct Todo {
//!     #[column(primary_key)]
//!     pub id: String,
//!     pub text: String,
//!     #[column(default = false)]
//!     pub completed: bool,
//! }
//!
//! #[derive(Clone, Debug, Event, Serialize, Deserialize)]
//! pub enum TodoEvent {
//!     #[event(name = "v1.TodoCreated", insert(Todo))]
//!     Created { id: String, text: String },
//!     #[event(name = "v1.TodoCompleted", update(Todo, key = id, set(completed = true)))]
//!     Completed { id: String },
//!     #[event(name = "v1.CompletedCleared", materialize = clear_completed)]
//!     CompletedCleared,
//! }
//!
//! fn clear_completed(tx: &mut StateTx<'_>) -> headwater::Result<()> {
//!     tx.execute("DELETE FROM todos WHERE completed", params![]).map(drop)
//! }
//!
//! let schema = Schema::builder().table::<Todo>().event::<TodoEvent>().build();
//! schema.check()?; // prepares every statement: a good line for a test
//! # Ok::<(), headwater::Error>(())
//! ```
//!
//! # Store, commits, queries, sync
//!
//! ```
//! # use headwater::{Event, Schema, Table};
//! # use serde::{Deserialize, Serialize};
//! # #[derive(Clone, Debug, PartialEq, Table)]
//! # #[table(name = "todos")]
//! # pub struct Todo { #[column(primary_key)] pub id: String, pub text: String, #[column(default = false)] pub completed: bool }
//! # #[derive(Clone, Debug, Event, Serialize, Deserialize)]
//! # pub enum TodoEvent {
//! #     #[event(name = "v1.TodoCreated", insert(Todo))] Created { id: String, text: String },
//! #     #[event(name = "v1.TodoCompleted", update(Todo, key = id, set(completed = true)))] Completed { id: String },
//! # }
//! # let schema = || Schema::builder().table::<Todo>().event::<TodoEvent>().build();
//! use std::time::Duration;
//!
//! use headwater::sync_provider::MemoryBackend;
//! use headwater::{Fate, Storage, Store, nanoid};
//!
//! let backend = MemoryBackend::new(); // `HttpSync::new("http://127.0.0.1:8787")?` for a real one
//! let store = Store::builder(schema())
//!     .store_id("team-7")
//!     .storage(Storage::in_memory()) // `Storage::directory("./data")` for data that stays
//!     .sync(backend.provider())
//!     .open()?;
//!
//! let open = store.live_query(Todo::query().filter(Todo::COMPLETED.eq(false)).order_by(Todo::ID))?;
//! let _subscription = open.subscribe(|todos| println!("{} open", todos.len()));
//!
//! // Synchronous: when it returns, live queries show it and it is saved. Offline or not makes no difference.
//! let id = nanoid!();
//! let receipt = store.commit(TodoEvent::Created { id: id.clone(), text: "draw the owl".into() })?;
//! assert_eq!(open.get().len(), 1);
//!
//! // Several events at once are one group: all or nothing.
//! store.commit([TodoEvent::Created { id: nanoid!(), text: "rest".into() }, TodoEvent::Completed { id }])?;
//! assert_eq!(open.get()[0].text, "rest");
//!
//! // In async code: `receipt.confirmed().await?`.
//! let fate = receipt.wait_confirmed(Duration::from_secs(60))?;
//! assert!(matches!(fate, Fate::Confirmed { .. }));
//! # Ok::<(), headwater::Error>(())
//! ```
//!
//! # Where to look
//!
//! - [`Store`]: what an app holds; [`StoreBuilder`] sets it up. [`SyncStatus`] says where it stands.
//! - [`Table`], [`Event`], [`Document`], [`Materialize`], [`Schema`]: what an app declares. The derives of the same names
//!   have the reference of their attributes.
//! - [`Query`], [`Select`], [`sql`], [`LiveQuery`]: reading.
//! - [`sync_provider`]: the way to a backend. [`Receipt`], [`Fate`], [`DeadLetter`]: what became of events.
//! - [`Error`]: all that can go wrong; an error has changed nothing.

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
