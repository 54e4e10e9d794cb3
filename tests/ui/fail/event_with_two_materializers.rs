//! An event has one materializer.

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
enum TodoEvent {
    #[event(name = "v1.TodoDone", update(Todo, key = id, set(completed = true)), sql = "DELETE FROM todos WHERE id = :id")]
    Done { id: String },
}

fn main() {}
