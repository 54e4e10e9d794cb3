//! A document has nothing but a name.

use headwater::Document;
use serde::{Deserialize, Serialize};

#[derive(Clone, Default, Document, Serialize, Deserialize)]
#[document(table = "ui")]
struct Ui {
    draft: String,
}

#[derive(Clone, Default, Document, Serialize, Deserialize)]
#[document(name = "my ui")]
struct Other {
    draft: String,
}

fn main() {}
