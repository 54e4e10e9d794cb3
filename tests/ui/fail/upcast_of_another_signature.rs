//! An upcast takes JSON and gives JSON.

use headwater::Event;
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize)]
enum TodoEvent {
    #[event(name = "v1.A", ver = 2, upcast(from = 1, with = lift), sql = "DELETE FROM todos")]
    A,
}

fn lift(args: String) -> String {
    args
}

fn main() {}
