//! Columns have names.

use headwater::Table;

#[derive(Table)]
struct Todo(String, bool);

fn main() {}
