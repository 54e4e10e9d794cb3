//! A document is a struct.

use headwater::Document;
use serde::{Deserialize, Serialize};

#[derive(Clone, Default, Document, Serialize, Deserialize)]
enum Theme {
    #[default]
    Dark,
}

fn main() {}
