//! `#[derive(Event)]`.

mod expand;
mod facts;
mod materializer;
mod parse;
mod rows;
mod shape;
mod sql;
mod upcast;

use proc_macro2::TokenStream;
use syn::{DeriveInput, Field, Ident};

use crate::errors::Errors;
use facts::GivenFacts;
use materializer::Materializer;
use upcast::Upcast;

/// What an event derive says, validated.
struct EventSet<'a> {
    input: &'a DeriveInput,
    events: Vec<Event<'a>>,
}

/// A variant.
struct Event<'a> {
    ident: &'a Ident,
    fields: Vec<EventField<'a>>,
    name: String,
    ver: u32,
    client_only: bool,
    revision: Option<u32>,
    upcasts: Vec<Upcast>,
    materializer: Materializer,
    facts: GivenFacts,
    shape: String,
}

/// A field of a variant.
#[derive(Clone, Copy)]
struct EventField<'a> {
    ident: &'a Ident,
    field: &'a Field,
}

pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    let events = parse::parse(input, &mut errors);
    let expanded = events.map(|events| expand::expand(&events));
    errors.finish(expanded)
}

/// Checks that a name is one of the event's fields.
fn check_field(name: &Ident, fields: &[EventField<'_>], errors: &mut Errors) {
    if !fields.iter().any(|field| field.ident == name) {
        errors.at(name, format!("the event has no field `{name}`: {}", field_hint(&name.to_string(), fields)));
    }
}

/// Which field was probably meant.
fn field_hint(name: &str, fields: &[EventField<'_>]) -> String {
    let known: Vec<_> = fields.iter().map(|field| crate::names::plain(field.ident)).collect();
    let known: Vec<_> = known.iter().map(String::as_str).collect();
    match crate::names::closest(name, &known) {
        Some(closest) => format!("did you mean `{closest}`?"),
        None if known.is_empty() => "add it to the variant".to_owned(),
        None => format!("write one of {} or add it to the variant", crate::names::list(&known)),
    }
}
