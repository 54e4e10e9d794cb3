//! Arguments stand at the variants.

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
#[event(client_only)]
enum TodoEvent {
    #[event(name = "v1.TodoDone", delete(Todo, key = id))]
    Done { id: String },
}

fn main() {}
