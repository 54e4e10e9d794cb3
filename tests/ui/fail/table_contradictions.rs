//! Arguments that exclude each other.

use headwater::Table;

#[derive(Table)]
struct Todo {
    #[column(primary_key, unique)]
    id: String,
    #[column(generated = "upper(id)", default = "A")]
    upper: String,
    #[column(unique, unique, index = true)]
    rank: i64,
}

fn main() {}
