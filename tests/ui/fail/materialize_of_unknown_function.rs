//! The function exists.

use headwater::Event;
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize)]
enum TodoEvent {
    #[event(name = "v1.TodoDone", materialize = dnoe)]
    Done { id: String },
}

fn done(tx: &mut headwater::StateTx<'_>, id: &String) -> headwater::Result<()> {
    tx.execute("DELETE FROM todos WHERE id = ?1", headwater::params![id]).map(drop)
}

fn main() {}
