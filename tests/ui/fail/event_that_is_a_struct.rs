//! Events are variants.

use headwater::Event;
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize)]
struct Created {
    id: String,
}

fn main() {}
