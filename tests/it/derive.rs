//! What the derives emit.

mod by_hand;
mod columns;
mod example;
mod materializers;
