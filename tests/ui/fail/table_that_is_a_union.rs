//! A table is a struct.

use headwater::Table;

#[derive(Table)]
union Todo {
    id: u64,
}

fn main() {}
