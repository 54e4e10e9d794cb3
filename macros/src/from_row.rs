//! `#[derive(FromRow)]`.

use proc_macro2::TokenStream;
use syn::DeriveInput;

use crate::errors::Errors;
use crate::row;

const ARGUMENTS: &[&str] = &["name", "json"];

pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    let fields = row::fields(input, "a row", &mut errors);
    row::check_distinct(&fields, &mut errors);
    for argument in fields.iter().flat_map(|field| &field.arguments) {
        if !ARGUMENTS.contains(&&*argument.key()) {
            errors.unknown(&argument.name, ARGUMENTS);
        }
    }
    let fields: Vec<_> = fields.iter().collect();
    let expanded = row::expand_from_row(&input.ident, &fields);
    errors.finish(Some(expanded))
}
