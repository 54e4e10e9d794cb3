//! The arguments of an attribute: `flag, name = value, name(…)`.

use proc_macro2::{Delimiter, Group, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, Ident, Lit, LitInt, LitStr, Path, Token, parenthesized};

use crate::errors::Errors;

/// One argument.
#[derive(Clone)]
pub(crate) struct Argument {
    pub(crate) name: Ident,
    pub(crate) value: Value,
}

/// What an argument is given.
#[derive(Clone)]
pub(crate) enum Value {
    /// `name`
    None,
    /// `name = …`
    Expr(Box<Expr>),
    /// `name(…)`
    List(TokenStream),
}

impl Parse for Argument {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let name = input.call(Ident::parse_any)?;
        let value = if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            Value::Expr(Box::new(input.parse()?))
        } else if input.peek(syn::token::Paren) {
            let content;
            parenthesized!(content in input);
            Value::List(content.parse()?)
        } else {
            Value::None
        };
        Ok(Self { name, value })
    }
}

impl ToTokens for Argument {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let name = &self.name;
        tokens.extend(match &self.value {
            Value::None => quote!(#name),
            Value::Expr(value) => quote!(#name = #value),
            Value::List(list) => {
                // A mistake in a list is shown at the argument's name.
                let mut list = Group::new(Delimiter::Parenthesis, list.clone());
                list.set_span(name.span());
                quote!(#name #list)
            }
        });
    }
}

/// The arguments of all attributes of this name, in order.
pub(crate) fn of_attributes(attributes: &[Attribute], name: &str, errors: &mut Errors) -> Vec<Argument> {
    let ours = attributes.iter().filter(|attribute| attribute.path().is_ident(name));
    let lists = ours.filter_map(|attribute| {
        let parsed = attribute.parse_args_with(Punctuated::<Argument, Token![,]>::parse_terminated);
        errors.take(parsed)
    });
    lists.flatten().collect()
}

/// The arguments within `name(…)`.
pub(crate) fn of_list(list: TokenStream, errors: &mut Errors) -> Vec<Argument> {
    let parsed = Punctuated::<Argument, Token![,]>::parse_terminated.parse2(list);
    errors.take(parsed).into_iter().flatten().collect()
}

impl Argument {
    /// The name as text.
    pub(crate) fn key(&self) -> String {
        self.name.unraw().to_string()
    }

    /// Nothing may be given.
    pub(crate) fn flag(&self, errors: &mut Errors) -> bool {
        if !matches!(self.value, Value::None) {
            errors.at(self, format!("`{}` takes no value: write `{0}` alone", self.name));
        }
        true
    }

    /// A string.
    pub(crate) fn string(&self, errors: &mut Errors) -> Option<LitStr> {
        if let Value::Expr(value) = &self.value
            && let Expr::Lit(literal) = &**value
            && let Lit::Str(text) = &literal.lit
        {
            return Some(text.clone());
        }
        errors.at(self, format!("`{0}` takes a string: write `{0} = \"…\"`", self.name));
        None
    }

    /// A whole number.
    pub(crate) fn number(&self, errors: &mut Errors) -> Option<(u32, LitInt)> {
        if let Value::Expr(value) = &self.value
            && let Expr::Lit(literal) = &**value
            && let Lit::Int(number) = &literal.lit
            && let Ok(value) = number.base10_parse()
        {
            return Some((value, number.clone()));
        }
        errors.at(self, format!("`{0}` takes a whole number: write `{0} = 2`", self.name));
        None
    }

    /// The path of a function or a type.
    pub(crate) fn path(&self, errors: &mut Errors) -> Option<Path> {
        if let Value::Expr(value) = &self.value
            && let Expr::Path(path) = &**value
            && path.qself.is_none()
        {
            return Some(path.path.clone());
        }
        errors.at(self, format!("`{0}` takes a path: write `{0} = function`", self.name));
        None
    }

    /// What stands in parentheses.
    pub(crate) fn list(&self, example: &str, errors: &mut Errors) -> Option<TokenStream> {
        if let Value::List(list) = &self.value
            && !list.is_empty()
        {
            return Some(list.clone());
        }
        errors.at(self, format!("`{}` takes a list: write `{0}({example})`", self.name));
        None
    }

    /// Names in parentheses.
    pub(crate) fn names(&self, errors: &mut Errors) -> Vec<Ident> {
        let Some(list) = self.list("a, b", errors) else {
            return Vec::new();
        };
        let parser =
            |input: ParseStream<'_>| Punctuated::<Ident, Token![,]>::parse_terminated_with(input, Ident::parse_any);
        errors.take(parser.parse2(list)).into_iter().flatten().collect()
    }

    /// Strings in parentheses.
    pub(crate) fn strings(&self, errors: &mut Errors) -> Vec<LitStr> {
        let Some(list) = self.list("\"…\", \"…\"", errors) else {
            return Vec::new();
        };
        errors.take(Punctuated::<LitStr, Token![,]>::parse_terminated.parse2(list)).into_iter().flatten().collect()
    }
}

/// Keeps the first of several values and notes the others as mistakes.
pub(crate) fn once<T>(slot: &mut Option<T>, value: Option<T>, argument: &Argument, errors: &mut Errors) {
    match (&slot, value) {
        (Some(_), _) => errors.at(&argument.name, format!("`{}` is given twice: remove one of them", argument.name)),
        (None, value) => *slot = value,
    }
}
