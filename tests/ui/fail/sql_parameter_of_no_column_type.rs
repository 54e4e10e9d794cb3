//! A parameter can be bound.

use headwater::Event;
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize)]
enum TodoEvent {
    #[event(name = "v1.TodoTagged", sql = "UPDATE todos SET tags = :tags")]
    Tagged { tags: Vec<String> },
}

fn main() {}
