//! What an app declares: tables, events, documents.
//!
//! The derive macros emit implementations of these traits; each can be written by hand just as well.

mod bind;
mod bound;
mod builder;
mod column;
mod document;
mod event;
#[doc(hidden)]
pub mod fact;
mod row;
#[doc(hidden)]
pub mod sql;
mod table;
#[doc(hidden)]
pub mod variant;

pub use bind::Fits;
pub use builder::{Schema, SchemaBuilder, UnknownEvents};
pub use column::{ColumnType, Json, SqlType, Timestamp, ToColumn};
pub use document::Document;
pub use event::{Event, EventDef, Materialize, Upcast};
pub use row::{FromRow, Row};
pub use table::{Column, ColumnDef, IndexDef, Table, TableDef};

pub(crate) use bound::Bound;
pub(crate) use builder::Applied;
pub(crate) use table::quoted;
