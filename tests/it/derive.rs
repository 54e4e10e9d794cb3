//! What the derives emit.

mod by_hand;
mod example;
