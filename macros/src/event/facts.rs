//! Facts that are given by hand: `facts(writes("todos/{id}"))`.

use syn::ext::IdentExt;
use syn::{Ident, LitStr};

use crate::arguments::{self, Argument, once};
use crate::errors::Errors;
use crate::event::{EventField, field_hint};

/// The kinds that are given; each replaces what would be generated.
#[derive(Default)]
pub(super) struct GivenFacts {
    pub(super) writes: Option<Vec<Pattern>>,
    pub(super) requires: Option<Vec<Pattern>>,
    pub(super) reads: Option<Vec<Pattern>>,
}

/// A fact with places for fields.
pub(super) struct Pattern {
    /// Texts; between them stand the fields.
    pub(super) pieces: Vec<String>,
    pub(super) fields: Vec<Ident>,
}

pub(super) fn parse(argument: &Argument, fields: &[EventField<'_>], errors: &mut Errors) -> Option<GivenFacts> {
    let list = argument.list("writes(\"todos/{id}\")", errors)?;
    let mut facts = GivenFacts::default();
    for part in arguments::of_list(list, errors) {
        let key = part.key();
        let slot = match &*key {
            "writes" => &mut facts.writes,
            "requires" => &mut facts.requires,
            "reads" => &mut facts.reads,
            _ => {
                errors.unknown(&part.name, &["writes", "requires", "reads"]);
                continue;
            }
        };
        let texts = part.strings(errors);
        let patterns = texts.iter().filter_map(|text| pattern(text, fields, errors)).collect();
        once(slot, Some(patterns), &part, errors);
    }
    Some(facts)
}

/// `todos/{id}`; `{{` and `}}` stand for braces.
fn pattern(text: &LitStr, fields: &[EventField<'_>], errors: &mut Errors) -> Option<Pattern> {
    let value = text.value();
    let mut pattern = Pattern { pieces: vec![String::new()], fields: Vec::new() };
    let mut rest = value.as_str();
    while let Some(letter) = rest.chars().next() {
        rest = &rest[letter.len_utf8()..];
        match letter {
            '{' | '}' if rest.starts_with(letter) => {
                rest = &rest[1..];
                push(&mut pattern, letter);
            }
            '{' => {
                let Some((name, after)) = rest.split_once('}') else {
                    errors.at(text, "a `{` is not closed: write `{field}`, or `{{` for the brace itself");
                    return None;
                };
                rest = after;
                let Some(field) = fields.iter().find(|field| field.ident.unraw() == name) else {
                    errors.at(text, format!("the event has no field `{name}`: {}", field_hint(name, fields)));
                    return None;
                };
                pattern.fields.push(field.ident.clone());
                pattern.pieces.push(String::new());
            }
            '}' => {
                errors.at(text, "a `}` was not opened: write `{field}`, or `}}` for the brace itself");
                return None;
            }
            other => push(&mut pattern, other),
        }
    }
    Some(pattern)
}

fn push(pattern: &mut Pattern, letter: char) {
    if let Some(last) = pattern.pieces.last_mut() {
        last.push(letter);
    }
}
