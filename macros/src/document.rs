//! `#[derive(Document)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Fields};

use crate::arguments::{self, once};
use crate::errors::Errors;
use crate::names;

pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    check_shape(input, &mut errors);
    let name = name(input, &mut errors);
    let ident = &input.ident;
    let expanded = quote! {
        #[automatically_derived]
        impl ::headwater::Document for #ident {
            const NAME: &'static str = #name;
        }
    };
    errors.finish(Some(expanded))
}

fn check_shape(input: &DeriveInput, errors: &mut Errors) {
    let named = matches!(&input.data, Data::Struct(data) if matches!(data.fields, Fields::Named(_)));
    if !named {
        errors.at(&input.ident, "a document is a struct with named fields: each can be set on its own");
    }
    if !input.generics.params.is_empty() {
        errors.at(&input.generics, "a document has no generic parameters: write the types out");
    }
}

fn name(input: &DeriveInput, errors: &mut Errors) -> String {
    let mut name = None;
    for argument in arguments::of_attributes(&input.attrs, "document", errors) {
        match &*argument.key() {
            "name" => {
                let value = argument.string(errors);
                once(&mut name, value, &argument, errors);
            }
            _ => errors.unknown(&argument.name, &["name"]),
        }
    }
    match name {
        Some(name) => {
            names::check_sql(&name, "a document", errors);
            name.value()
        }
        None => {
            let name = names::snake_case(&names::plain(&input.ident));
            names::check_sql_ident(&input.ident, &name, "a document", errors);
            name
        }
    }
}
