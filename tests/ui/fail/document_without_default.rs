//! A document that was never set has its default.

use headwater::Document;
use serde::{Deserialize, Serialize};

#[derive(Clone, Document, Serialize, Deserialize)]
struct Ui {
    draft: String,
}

fn main() {}
