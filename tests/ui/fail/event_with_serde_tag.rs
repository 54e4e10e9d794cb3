//! The name tells the variants apart, not serde.

use headwater::{Event, Table};
use serde::{Deserialize, Serialize};

#[derive(Table)]
#[table(name = "todos")]
struct Todo {
    #[column(primary_key)]
    id: String,
    text: String,
    #[column(default = false)]
    completed: bool,
}

#[derive(Event, Serialize, Deserialize)]
#[serde(tag = "type")]
enum TodoEvent {
    #[event(name = "v1.TodoDone", delete(Todo, key = id))]
    Done { id: String },
    #[serde(skip)]
    #[event(name = "v1.TodoUndone", delete(Todo, key = id))]
    Undone { id: String },
}

fn main() {}
