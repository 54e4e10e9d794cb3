//! A row is told by its primary key.

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
    #[event(name = "v1.TodoTextDone", update(Todo, key = text, set(completed = true)))]
    TextDone { text: String },
    #[event(name = "v1.TodoGone", delete(Todo, key(id, text)))]
    Gone { id: String, text: String },
}

fn main() {}
