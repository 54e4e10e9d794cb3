//! Facts name fields.

use headwater::Event;
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize)]
enum TodoEvent {
    #[event(name = "v1.A", sql = "DELETE FROM todos WHERE id = :id", facts(writes("todos/{idd}")))]
    A { id: String },
    #[event(name = "v1.B", sql = "DELETE FROM todos", facts(write("todos")))]
    B,
    #[event(name = "v1.C", sql = "DELETE FROM todos", facts(reads("todos/{id")))]
    C,
}

fn main() {}
