//! A materializer writes rows.

use headwater::Event;
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize)]
enum TodoEvent {
    #[event(name = "v1.A", sql = "SELECT * FROM todos")]
    A,
    #[event(name = "v1.B", sql = "WITH open AS (SELECT * FROM todos) SELECT * FROM open")]
    B,
    #[event(name = "v1.C", sql = "CREATE TABLE todos (id TEXT)")]
    C,
    #[event(name = "v1.D", sql = "UPDAET todos SET id = 1")]
    D,
    #[event(name = "v1.E", sql = "  -- nothing")]
    E,
    #[event(name = "v1.F", sql(skip(id)))]
    F { id: String },
    #[event(name = "v1.G", sql = "DELETE FROM todos RETURNING id")]
    G,
}

fn main() {}
