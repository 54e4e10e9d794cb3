//! What the derives emit.

mod by_hand;
mod columns;
mod everything;
mod example;
mod materializers;
