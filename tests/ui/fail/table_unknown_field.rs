//! What is said of the whole table names its fields.

use headwater::Table;

#[derive(Table)]
#[table(primary_key(lst, user), unique(user, rank), index(columns(usr)))]
struct Member {
    list: String,
    user: String,
}

fn main() {}
