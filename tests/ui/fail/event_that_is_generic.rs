//! An event's arguments have fixed types.

use headwater::Event;
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize)]
enum TodoEvent<T> {
    #[event(name = "v1.Done", sql = "DELETE FROM todos WHERE id = :id")]
    Done { id: T },
}

fn main() {}
