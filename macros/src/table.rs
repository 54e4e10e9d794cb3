//! `#[derive(Table)]`.

mod column;
mod constraint;
mod expand;
mod parse;

use proc_macro2::TokenStream;
use syn::{DeriveInput, Ident};

use crate::errors::Errors;
use crate::row::RowField;
use column::ColumnOptions;
use constraint::Index;

/// What a table derive says, validated.
struct Table<'a> {
    input: &'a DeriveInput,
    name: String,
    columns: Vec<Column<'a>>,
    primary_key: Vec<String>,
    indexes: Vec<Index>,
    /// SQL of the whole table's constraints.
    constraints: Vec<String>,
}

struct Column<'a> {
    row: RowField<'a>,
    options: ColumnOptions,
}

impl Column<'_> {
    fn is(&self, field: &Ident) -> bool {
        self.row.ident == field
    }
}

pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    let table = parse::parse(input, &mut errors);
    let expanded = expand::expand(&table);
    errors.finish(Some(expanded))
}

/// An SQL identifier, quoted.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
