//! The function is named by its path.

use headwater::Event;
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize)]
enum TodoEvent {
    #[event(name = "v1.TodoGone", materialize = "gone")]
    Gone { id: String },
}

fn main() {}
