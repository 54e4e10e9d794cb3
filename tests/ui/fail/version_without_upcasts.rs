//! Every older version can be lifted.

use headwater::Event;
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize)]
enum TodoEvent {
    #[event(name = "v1.A", ver = 0, sql = "DELETE FROM todos")]
    A,
    #[event(name = "v1.B", ver = 2, sql = "DELETE FROM todos")]
    B,
    #[event(name = "v1.C", ver = 3, upcast(from = 1, with = lift), sql = "DELETE FROM todos")]
    C,
    #[event(name = "v1.D", ver = 3, upcast(from = 2, with = lift), sql = "DELETE FROM todos")]
    D,
    #[event(name = "v1.E", ver = 2, upcast(from = 1, with = lift), upcast(from = 1, with = lift), sql = "DELETE FROM todos")]
    E,
    #[event(name = "v1.F", upcast(from = 1, with = lift), sql = "DELETE FROM todos")]
    F,
    #[event(name = "v1.G", ver = 2, upcast(from = 1), sql = "DELETE FROM todos")]
    G,
}

fn main() {}
