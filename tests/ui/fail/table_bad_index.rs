//! An index says what it is over, and has a name.

use headwater::Table;

#[derive(Table)]
#[table(index(unique), index(columns("lower(text)")), index(columns(text), wher = "text <> ''"))]
struct Todo {
    #[column(primary_key)]
    id: String,
    text: String,
}

fn main() {}
