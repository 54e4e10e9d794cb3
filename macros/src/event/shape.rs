//! What the arguments of an event look like, as text that is compared with what was published.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, Variant};

use crate::event::EventField;
use crate::names;

/// `id: String, note: Option<String>`. Attributes of serde are part of it: they decide what is on the wire.
pub(super) fn of(enum_attributes: &[Attribute], variant: &Variant, fields: &[EventField<'_>]) -> String {
    let outer = serde(enum_attributes) + &serde(&variant.attrs);
    let fields = fields.iter().map(|field| {
        let ty = text(field.field.ty.to_token_stream());
        format!("{}{}: {ty}", serde(&field.field.attrs), names::plain(field.ident))
    });
    outer + &fields.collect::<Vec<_>>().join(", ")
}

fn serde(attributes: &[Attribute]) -> String {
    let ours = attributes.iter().filter(|attribute| attribute.path().is_ident("serde"));
    ours.map(|attribute| format!("#[{}] ", text(attribute.meta.to_token_stream()))).collect()
}

/// Tokens as text with spaces where a person would write them, whatever the compiler's own printing does.
pub(super) fn text(tokens: TokenStream) -> String {
    let mut text = String::new();
    push(tokens, &mut text);
    text
}

fn push(tokens: TokenStream, text: &mut String) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::None => ("", ""),
                };
                text.push_str(open);
                push(group.stream(), text);
                text.push_str(close);
            }
            TokenTree::Punct(punct) => match punct.as_char() {
                mark @ (',' | ';') => text.extend([mark, ' ']),
                '=' if punct.spacing() == proc_macro2::Spacing::Alone => {
                    text.push_str(if text.ends_with(' ') { "= " } else { " = " });
                }
                mark => text.push(mark),
            },
            word @ (TokenTree::Ident(_) | TokenTree::Literal(_)) => {
                if text.ends_with(|last: char| last.is_alphanumeric() || last == '_' || last == '"') {
                    text.push(' ');
                }
                text.push_str(&word.to_string());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_written_as_people_do() {
        let cases = [
            "Option<Vec<String>>",
            "HashMap<String, (u8, [u8; 4])>",
            "serde_json::Value",
            "Box<dyn Fn(&'static str)>",
            "serde(rename = \"a\", default)",
        ];
        for case in cases {
            assert_eq!(text(case.parse().expect("tokens")), case);
        }
    }
}
