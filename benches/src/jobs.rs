//! The jobs.

mod boot;
mod commit;
mod live;
mod memory;
mod rebase;
mod sync;

pub use boot::{Boot, State};
pub use commit::{BatchCommit, CommitLatency, CommitWithLiveQueries, Durable, Place};
pub use live::{LiveAggregate, LiveList, Where};
pub use memory::MemoryUse;
pub use rebase::Rebase;
pub use sync::{CatchUp, SyncLatency, SyncThroughput};

use crate::job::Entry;

/// All of them.
pub const JOBS: &[Entry] = &[
    Entry::of::<CommitLatency>(),
    Entry::of::<CommitWithLiveQueries>(),
    Entry::of::<LiveList>(),
    Entry::of::<LiveAggregate>(),
    Entry::of::<BatchCommit>(),
    Entry::of::<Boot>(),
    Entry::of::<Rebase>(),
    Entry::of::<SyncLatency>(),
    Entry::of::<SyncThroughput>(),
    Entry::of::<CatchUp>(),
    Entry::of::<MemoryUse>(),
];

const N: (&str, &str) = ("n", "how often");
const ROWS: (&str, &str) = ("rows", "how many todos there are");
