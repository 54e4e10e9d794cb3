//! A table is a struct.

use headwater::Table;

#[derive(Table)]
enum Todo {
    Open,
}

fn main() {}
