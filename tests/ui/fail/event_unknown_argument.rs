//! Typing errors get a suggestion.

use headwater::Event;
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize)]
enum TodoEvent {
    #[event(name = "v1.A", sql = "DELETE FROM todos", clientonly)]
    A,
    #[event(name = "v1.B", materialise = b)]
    B,
    #[event(name = "v1.C", sql = "DELETE FROM todos", local)]
    C,
}

fn main() {}
