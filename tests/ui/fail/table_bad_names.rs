//! Names must be plain, and not SQLite's own.

use headwater::Table;

#[derive(Table)]
#[table(name = "sqlite_todos")]
struct Todo {
    #[column(primary_key)]
    id: String,
    #[column(name = "the text")]
    text: String,
    rowid: i64,
}

fn main() {}
