//! An event's arguments are JSON through serde.

use headwater::{Event, Table};

#[derive(Table)]
#[table(name = "todos")]
struct Todo {
    #[column(primary_key)]
    id: String,
    text: String,
    #[column(default = false)]
    completed: bool,
}

#[derive(Event)]
enum TodoEvent {
    #[event(name = "v1.TodoDone", delete(Todo, key = id))]
    Done { id: String },
}

fn main() {}
