//! An update says which row.

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
    #[event(name = "v1.TodoDone", update(Todo, set(completed = true)))]
    Done { id: String },
    #[event(name = "v1.TodoGone", delete(Todo))]
    Gone { id: String },
    #[event(name = "v1.TodoWent", delete(Todo, key = ids))]
    Went { id: String },
}

fn main() {}
