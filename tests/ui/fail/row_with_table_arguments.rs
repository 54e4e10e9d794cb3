//! A row that is read knows names and JSON, no constraints.

use headwater::FromRow;

#[derive(FromRow)]
struct Count {
    #[column(primary_key)]
    list: String,
    #[column(nam = "n")]
    count: i64,
}

fn main() {}
