//! A delete uses its key alone.

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
    #[event(name = "v1.TodoGone", delete(Todo, key = id))]
    Gone { id: String, why: String },
}

fn main() {}
