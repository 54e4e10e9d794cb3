//! A table has columns.

use headwater::Table;

#[derive(Table)]
struct Todo;

fn main() {}
