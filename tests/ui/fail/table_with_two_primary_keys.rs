//! A key of several columns is said at the table.

use headwater::Table;

#[derive(Table)]
struct Member {
    #[column(primary_key)]
    list: String,
    #[column(primary_key)]
    user: String,
}

fn main() {}
