//! An event's name is plain, its own, and not the framework's.

use headwater::Event;
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize)]
enum TodoEvent {
    #[event(name = "todo done", sql = "DELETE FROM todos")]
    Spaces,
    #[event(name = "headwater.Done", sql = "DELETE FROM todos")]
    Reserved,
    #[event(name = "", sql = "DELETE FROM todos")]
    Empty,
    #[event(name = 5, sql = "DELETE FROM todos")]
    Number,
    #[event(name = "v1.Done", sql = "DELETE FROM todos")]
    First,
    #[event(name = "v1.Done", sql = "DELETE FROM todos")]
    Second,
}

fn main() {}
