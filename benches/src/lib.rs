//! What Headwater costs, beside the raw SQLite cost of the same work.
//!
//! [`job`] is the job runner: each [`jobs`] entry measures one thing that a user would wait for and prints one line of
//! JSON. Costs are given as CPU time of the process, all threads together: on a machine that does other work too, this
//! is what can be compared between two runs.

pub mod child;
pub mod held_backend;
pub mod job;
pub mod jobs;
pub mod measure;
pub mod model;
pub mod raw;
