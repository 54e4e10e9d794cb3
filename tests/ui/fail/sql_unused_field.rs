//! A field that the SQL does not use is a mistake, or said to be none.

use headwater::Event;
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize)]
enum TodoEvent {
    #[event(name = "v1.TodoDone", sql = "UPDATE todos SET completed = TRUE WHERE id = :id AND note <> ':note'")]
    Done { id: String, note: String },
}

fn main() {}
