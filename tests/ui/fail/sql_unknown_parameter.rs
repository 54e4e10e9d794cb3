//! A parameter is a field.

use headwater::Event;
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize)]
enum TodoEvent {
    #[event(name = "v1.TodoDone", sql = "UPDATE todos SET completed = :completd WHERE id = :id")]
    Done { id: String, completed: bool },
    #[event(name = "v1.TodoGone", sql = "DELETE FROM todos WHERE id = ?1")]
    Gone,
}

fn main() {}
