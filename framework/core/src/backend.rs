//! What a backend decides, without its storage: the checks of a push, in the order of the protocol.
//!
//! A storage reads what [`PushView`] asks for, calls [`judge_push`] and writes what [`Append`] holds, all in one
//! transaction. [`judge_pull`] and [`PageCut`] do the same for reading. [`MemoryLog`] does all this in memory.
//!
//! **Invariant:** a batch is judged as a whole. Whatever is not [`PushDecision::Append`] changes nothing.

mod batch;
mod memory_log;
mod page;
mod push;

pub use batch::check_batch;
pub use memory_log::MemoryLog;
pub use page::{PageBounds, PageCut, PageStep, judge_pull};
pub use push::{Append, ChainedEvent, PushDecision, PushView, judge_push};

#[cfg(test)]
mod tests;
