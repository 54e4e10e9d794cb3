//! One string, one statement.

use headwater::Event;
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize)]
enum TodoEvent {
    #[event(name = "v1.TodoGone", sql = "DELETE FROM todos WHERE id = :id; DELETE FROM tags WHERE todo = :id")]
    Gone { id: String },
}

fn main() {}
