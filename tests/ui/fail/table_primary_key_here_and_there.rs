//! The key is said once.

use headwater::Table;

#[derive(Table)]
#[table(primary_key(list, user))]
struct Member {
    #[column(primary_key)]
    list: String,
    user: String,
}

fn main() {}
