//! The derive macros of Headwater.

use proc_macro::TokenStream;

/// A row type that is a table of the schema.
#[proc_macro_derive(Table, attributes(table, column))]
pub fn derive_table(_: TokenStream) -> TokenStream {
    TokenStream::new()
}

/// A struct that rows of a query are read as, by column names.
#[proc_macro_derive(FromRow, attributes(column))]
pub fn derive_from_row(_: TokenStream) -> TokenStream {
    TokenStream::new()
}

/// An enum of events with their materializers.
#[proc_macro_derive(Event, attributes(event))]
pub fn derive_event(_: TokenStream) -> TokenStream {
    TokenStream::new()
}

/// A struct that is a client document.
#[proc_macro_derive(Document, attributes(document))]
pub fn derive_document(_: TokenStream) -> TokenStream {
    TokenStream::new()
}
