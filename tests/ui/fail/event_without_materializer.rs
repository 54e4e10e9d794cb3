//! What an event does is always said.

use headwater::Event;
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize)]
enum TodoEvent {
    #[event(name = "v1.TodoDone")]
    Done { id: String },
    Undone { id: String },
}

fn main() {}
