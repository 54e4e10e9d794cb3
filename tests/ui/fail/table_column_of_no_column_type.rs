//! A column's type can be stored, or is JSON.

use headwater::Table;

#[derive(Table)]
struct Todo {
    #[column(primary_key)]
    id: String,
    tags: Vec<String>,
}

fn main() {}
