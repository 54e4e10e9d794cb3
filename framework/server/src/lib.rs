//! The sync backend of Headwater: a library, and a binary around it.
//!
//! It orders the events of each store, keeps them for good, and hands them to whoever pulls. It never interprets their
//! arguments. The protocol is HTTP with JSON and long-polling; its types are in [`headwater_core::protocol`], its
//! decisions in [`headwater_core::backend`].
//!
//! ```
//! use headwater_server::{Server, Storage};
//!
//! let server = Server::builder().storage(Storage::memory()).listen("127.0.0.1:0").start()?;
//! println!("sync with {}", server.url());
//! server.shutdown();
//! # Ok::<(), headwater_server::ServerError>(())
//! ```
//!
//! **Invariant:** this crate does not depend on the client.

pub mod cli;
pub mod event_store;
pub mod sqlite;

mod http;
mod net;
mod random;
mod rules;
mod running;
mod server;

pub use rules::{EventRules, Verdict};
pub use running::RunningServer;
pub use server::{Server, ServerBuilder, ServerError, Storage};
