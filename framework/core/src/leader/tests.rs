//! Scenarios of leaders and a backend: see `notation`.

mod answers;
mod backends;
mod disk;
mod exchange;
mod notation;
mod refusals;
mod sessions;
