//! A table needs a primary key.

use headwater::Table;

#[derive(Table)]
struct Todo {
    id: String,
}

fn main() {}
