//! The derive macros of [Headwater](https://docs.rs/headwater), which re-exports them: `Table`, `Event`, `FromRow` and
//! `Document`.
//!
//! Each emits implementations of public traits that can be written by hand just as well. A mistake is an error at its
//! place in your code, and says what to write instead; all mistakes of a type are shown at once.

mod arguments;
mod document;
mod errors;
mod event;
mod from_row;
mod names;
mod row;
mod table;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

#[doc = include_str!("../docs/table.md")]
#[proc_macro_derive(Table, attributes(table, column))]
pub fn derive_table(input: TokenStream) -> TokenStream {
    table::derive(&parse_macro_input!(input as DeriveInput)).into()
}

#[doc = include_str!("../docs/from_row.md")]
#[proc_macro_derive(FromRow, attributes(column))]
pub fn derive_from_row(input: TokenStream) -> TokenStream {
    from_row::derive(&parse_macro_input!(input as DeriveInput)).into()
}

#[doc = include_str!("../docs/event.md")]
#[proc_macro_derive(Event, attributes(event))]
pub fn derive_event(input: TokenStream) -> TokenStream {
    event::derive(&parse_macro_input!(input as DeriveInput)).into()
}

#[doc = include_str!("../docs/document.md")]
#[proc_macro_derive(Document, attributes(document))]
pub fn derive_document(input: TokenStream) -> TokenStream {
    document::derive(&parse_macro_input!(input as DeriveInput)).into()
}
