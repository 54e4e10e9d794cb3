//! The pure core of Headwater.
//!
//! Identity, order, merge, the wire protocol, the leader's state machine and the limits, as plain data and plain
//! functions. Nothing here does I/O, reads a clock, draws a random number, starts a thread or writes a log:
//! whatever is impure comes in as an argument and goes out as data. The same code runs in the app, in the server
//! and in the tests' simulator.
//!
//! **Invariant:** this crate depends on no runtime, no database and no network crate, and calls nothing impure: its
//! `clippy.toml` forbids it. It never goes over a hash set or map, whose order is random.

#![warn(clippy::iter_over_hash_type, reason = "the order is random, and the core is a function of its arguments")]

pub mod backend;
pub mod backoff;
pub mod chain;
pub mod event;
pub mod ids;
pub mod leader;
pub mod limits;
pub mod protocol;
pub mod seq_num;
pub mod sync_state;

pub use chain::{Chain, Digest};
pub use event::{Args, EventBody, EventRecord, EventScope, Facts};
pub use ids::{BackendId, Claim, ClientId, EventId, SessionId, StoreId};
pub use seq_num::SeqNum;
pub use sync_state::{MergeResult, SyncState};
