//! Typing errors get a suggestion.

use headwater::Table;

#[derive(Table)]
#[table(nme = "todos", colour = "red")]
struct Todo {
    #[column(primary_ky)]
    id: String,
    #[column(primary_key, defualt = false)]
    completed: bool,
}

fn main() {}
