//! A table's columns have fixed types.

use headwater::Table;

#[derive(Table)]
struct Todo<T> {
    #[column(primary_key)]
    id: T,
}

fn main() {}
