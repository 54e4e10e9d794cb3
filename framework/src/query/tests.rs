//! The contract of live queries, S1 to S9, over a state that is written to by hand.

mod builder;
mod contract;
mod delivery;
mod differential;
mod evaluate;
mod fixture;
mod reads;
