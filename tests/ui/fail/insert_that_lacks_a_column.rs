//! A column without default has to be set.

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
    #[event(name = "v1.TodoCreated", insert(Todo))]
    Created { id: String },
    #[event(name = "v1.TodoAdded", insert(Todo))]
    Added { text: String },
}

fn main() {}
