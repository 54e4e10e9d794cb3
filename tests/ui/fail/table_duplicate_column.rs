//! Each column has a name of its own, in whatever case.

use headwater::Table;

#[derive(Table)]
struct Todo {
    #[column(primary_key)]
    id: String,
    text: String,
    #[column(name = "Text")]
    title: String,
}

fn main() {}
