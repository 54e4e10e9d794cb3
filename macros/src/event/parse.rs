//! From the attributes of an enum of events to what they mean.

use std::collections::HashMap;

use syn::{Attribute, Data, DataEnum, DeriveInput, Fields, LitStr, Variant};

use crate::arguments::{self, Argument, once};
use crate::errors::Errors;
use crate::event::facts::{self, GivenFacts};
use crate::event::materializer::{self, Materializer};
use crate::event::upcast::{self, Upcast};
use crate::event::{Event, EventField, EventSet, shape};
use crate::names;

const ARGUMENTS: &[&str] = &[
    "name",
    "ver",
    "client_only",
    "revision",
    "upcast",
    "facts",
    "insert",
    "update",
    "upsert",
    "delete",
    "sql",
    "materialize",
];

pub(super) fn parse<'a>(input: &'a DeriveInput, errors: &mut Errors) -> Option<EventSet<'a>> {
    let data = events_of(input, errors)?;
    if !input.generics.params.is_empty() {
        errors.at(&input.generics, "a set of events has no generic parameters: write the types out");
    }
    check_serde(&input.attrs, errors);
    if let Some(attribute) = input.attrs.iter().find(|attribute| attribute.path().is_ident("event")) {
        errors.at(attribute, "`#[event(…)]` stands at the variants, not at the enum: move it");
    }
    let mut by_name: HashMap<String, &Variant> = HashMap::new();
    let mut events = Vec::new();
    for variant in &data.variants {
        let Some((event, name)) = event(input, variant, errors) else {
            continue;
        };
        if let Some(earlier) = by_name.insert(event.name.clone(), variant) {
            errors.at(
                name,
                format!("`{}` has this name already: an event's name is its identity, write another", earlier.ident),
            );
        }
        events.push(event);
    }
    Some(EventSet { input, events })
}

fn events_of<'a>(input: &'a DeriveInput, errors: &mut Errors) -> Option<&'a DataEnum> {
    match &input.data {
        Data::Enum(data) if data.variants.is_empty() => {
            errors.at(
                &input.ident,
                "there is no event: write a variant for each, `#[event(name = \"v1.Created\", …)] Created { … }`",
            );
            None
        }
        Data::Enum(data) => Some(data),
        Data::Struct(data) => {
            let hint = "write an enum with a variant for each event";
            errors.at(data.struct_token, format!("events are the variants of an enum: {hint}"));
            None
        }
        Data::Union(data) => {
            let hint = "write an enum with a variant for each event";
            errors.at(data.union_token, format!("events are the variants of an enum: {hint}"));
            None
        }
    }
}

/// Attributes of serde that change how variants are told apart: here the event's name does that.
fn check_serde(attributes: &[Attribute], errors: &mut Errors) {
    const REFUSED: &[&str] = &[
        "tag",
        "content",
        "untagged",
        "from",
        "try_from",
        "into",
        "remote",
        "other",
        "skip",
        "skip_serializing",
        "skip_deserializing",
        "with",
    ];
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        // What serde can't read, it complains of itself.
        let Ok(arguments) =
            attribute.parse_args_with(syn::punctuated::Punctuated::<Argument, syn::Token![,]>::parse_terminated)
        else {
            continue;
        };
        for argument in arguments.iter().filter(|argument| REFUSED.contains(&&*argument.key())) {
            let name = &argument.name;
            errors
                .at(argument, format!("an event's name tells which variant it is, serde's `{name}` can't: remove it"));
        }
    }
}

fn event<'a>(input: &DeriveInput, variant: &'a Variant, errors: &mut Errors) -> Option<(Event<'a>, LitStr)> {
    check_serde(&variant.attrs, errors);
    let fields = fields(variant, errors)?;
    let given = given(variant, &fields, errors);
    let shape = shape::of(&input.attrs, variant, &fields);
    let (ver, upcasts) = versions(variant, given.ver, given.upcasts, errors);
    if given.name.is_none() && !given.has_name {
        let hint = format!("write `name = \"v1.{}\"`, and never change it once it is published", variant.ident);
        errors.at(&variant.ident, format!("the event `{}` has no name: {hint}", variant.ident));
    }
    if given.materializer.is_none() && !given.has_materializer {
        let hint = "write one of `insert(Table)`, `update(Table, key = id)`, `upsert(Table)`, `delete(Table, key = id)`, \
                    `sql = \"…\"` or `materialize = function`";
        errors.at(&variant.ident, format!("the event `{}` has no materializer: {hint}", variant.ident));
    }
    let (name, materializer) = (given.name?, given.materializer?);
    let event = Event {
        ident: &variant.ident,
        fields,
        name: name.value(),
        ver,
        client_only: given.client_only.unwrap_or_default(),
        revision: given.revision,
        upcasts,
        materializer,
        facts: given.facts.unwrap_or_default(),
        shape,
    };
    Some((event, name))
}

fn fields<'a>(variant: &'a Variant, errors: &mut Errors) -> Option<Vec<EventField<'a>>> {
    match &variant.fields {
        Fields::Named(fields) => {
            let named = fields.named.iter();
            Some(named.filter_map(|field| Some(EventField { ident: field.ident.as_ref()?, field })).collect())
        }
        Fields::Unit => Some(Vec::new()),
        Fields::Unnamed(fields) => {
            let hint = format!("write `{} {{ id: String, … }}`", variant.ident);
            errors.at(fields, format!("an event has named fields, they are its arguments on the wire: {hint}"));
            None
        }
    }
}

/// The arguments of a variant.
#[derive(Default)]
struct Given {
    name: Option<LitStr>,
    ver: Option<u32>,
    client_only: Option<bool>,
    revision: Option<u32>,
    upcasts: Vec<Upcast>,
    facts: Option<GivenFacts>,
    materializer: Option<Materializer>,
    /// Whether there is a name or a materializer, be it a wrong one.
    has_name: bool,
    has_materializer: bool,
}

fn given(variant: &Variant, fields: &[EventField<'_>], errors: &mut Errors) -> Given {
    let mut given = Given::default();
    for argument in arguments::of_attributes(&variant.attrs, "event", errors) {
        let key = argument.key();
        match &*key {
            "name" => {
                given.has_name = true;
                let name = argument.string(errors);
                name.iter().for_each(|name| names::check_event(name, errors));
                once(&mut given.name, name, &argument, errors);
            }
            "ver" => once(&mut given.ver, version(&argument, errors), &argument, errors),
            "client_only" => once(&mut given.client_only, Some(argument.flag(errors)), &argument, errors),
            "revision" => once(&mut given.revision, argument.number(errors).map(|number| number.0), &argument, errors),
            "upcast" => given.upcasts.extend(upcast::parse(&argument, errors)),
            "facts" => once(&mut given.facts, facts::parse(&argument, fields, errors), &argument, errors),
            other if materializer::NAMES.contains(&other) => {
                materializer_argument(&mut given, &argument, fields, errors);
            }
            _ => errors.unknown(&argument.name, ARGUMENTS),
        }
    }
    given
}

fn materializer_argument(given: &mut Given, argument: &Argument, fields: &[EventField<'_>], errors: &mut Errors) {
    if given.has_materializer {
        let hint = "remove one of them, or write both as `sql(\"…\", \"…\")` or a function";
        errors.at(&argument.name, format!("the event has a materializer already: {hint}"));
        return;
    }
    given.has_materializer = true;
    given.materializer = materializer::parse(argument, fields, errors);
}

fn version(argument: &Argument, errors: &mut Errors) -> Option<u32> {
    let (ver, literal) = argument.number(errors)?;
    if ver == 0 {
        errors.at(literal, "versions count from 1: write `ver = 1` or leave it out");
        return None;
    }
    Some(ver)
}

fn versions(variant: &Variant, ver: Option<u32>, upcasts: Vec<Upcast>, errors: &mut Errors) -> (u32, Vec<Upcast>) {
    let ver = ver.unwrap_or(1);
    (ver, upcast::check(&variant.ident, ver, upcasts, errors))
}
