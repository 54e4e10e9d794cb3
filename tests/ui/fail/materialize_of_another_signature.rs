//! A materializer takes the transaction and the fields.

use headwater::Event;
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize)]
enum TodoEvent {
    #[event(name = "v1.TodoDone", materialize = done)]
    Done { id: String },
}

fn done(tx: &mut headwater::StateTx<'_>, id: &u64) -> headwater::Result<()> {
    tx.execute("DELETE FROM todos WHERE id = ?1", headwater::params![id]).map(drop)
}

fn main() {}
