//! A default is of the column's type.

use headwater::Table;

#[derive(Table)]
struct Todo {
    #[column(primary_key)]
    id: String,
    #[column(default = 0)]
    completed: bool,
    #[column(default = "high")]
    priority: Option<i64>,
    #[column(default = false)]
    text: String,
    #[column(json, default = "[]")]
    tags: Vec<String>,
    #[column(default = now())]
    at: i64,
    #[column(default)]
    note: String,
}

fn main() {}
