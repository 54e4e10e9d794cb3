//! Which arguments an insert has.

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
    #[event(name = "v1.A", insert(Todo, key = id))]
    A { id: String, text: String },
    #[event(name = "v1.B", insert(Todo, or_ignore, or_replace))]
    B { id: String, text: String },
    #[event(name = "v1.C", insert(Todo, set(text = "a", text = "b")))]
    C { id: String },
    #[event(name = "v1.D", insert(Todo, skip(nte)))]
    D { id: String, text: String },
    #[event(name = "v1.E", insert)]
    E { id: String, text: String },
    #[event(name = "v1.F", insert(Todo, set(text("a"))))]
    F { id: String },
    #[event(name = "v1.G", upsert(Todo, keep(completed)))]
    G { id: String, text: String },
}

fn main() {}
