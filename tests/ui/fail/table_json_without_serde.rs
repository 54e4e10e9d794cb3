//! What is stored as JSON is a serde type.

use headwater::Table;

struct Tags(Vec<String>);

#[derive(Table)]
struct Todo {
    #[column(primary_key)]
    id: String,
    #[column(json)]
    tags: Tags,
}

fn main() {}
