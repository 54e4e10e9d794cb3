//! From a generated materializer to the code for it.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::Ident;
use syn::spanned::Spanned;

use super::text;
use crate::event::rows::{Binding, Bound, Rows, Verb};
use crate::names;

impl Rows {
    /// What is bound to the columns that tell the row.
    pub(super) fn row_bindings(&self) -> &[Binding] {
        if self.key.is_empty() { &self.set } else { &self.key }
    }

    fn def(&self) -> TokenStream {
        let table = &self.table;
        quote_spanned!(table.span()=> &<#table as ::headwater::Table>::DEF)
    }

    pub(super) fn statements(&self, sql: &Ident, columns: &Ident, key: &Ident) -> TokenStream {
        let def = self.def();
        let names =
            |bindings: &[Binding]| bindings.iter().map(|binding| self.column_name(&binding.column)).collect::<Vec<_>>();
        let (set, keyed) = (names(&self.set), names(&self.key));
        let keep = self.keep.iter().map(|column| self.column_name(column));
        let columns_const = quote!(const #columns: &[&str] = &[#(#set),*];);
        let key_const = quote!(const #key: &[&str] = &[#(#keyed),*];);
        let check = |name: &str, list: &Ident| {
            let span = Span::call_site().located_at(self.table.span());
            let (name, list) = (Ident::new(name, span), Ident::new(&list.to_string(), span));
            quote_spanned!(span=> const _: () = ::headwater::__private::sql::#name(#def, #list);)
        };
        let (constants, checks, build) = match self.verb {
            Verb::Insert | Verb::InsertOrIgnore | Verb::InsertOrReplace => {
                let verb = self.verb.words();
                (columns_const, check("check_insert", columns), quote!(insert(#verb, #def, #columns)))
            }
            Verb::Upsert => {
                (columns_const, check("check_insert", columns), quote!(upsert(#def, #columns, &[#(#keep),*])))
            }
            Verb::Update => {
                let (key_check, update_check) = (check("check_key", key), check("check_update", columns));
                (
                    quote!(#columns_const #key_const),
                    quote!(#key_check #update_check),
                    quote!(update(#def, #columns, #key)),
                )
            }
            Verb::Delete => (key_const, check("check_key", key), quote!(delete(#def, #key))),
        };
        quote! {
            #constants
            #checks
            const #sql: &[&str] = &[::headwater::__private::sql!(#build)];
        }
    }

    /// `Todo::ID`. That there is no such column is to be said at the field, so that the whole path stands there.
    fn column(&self, column: &Ident) -> TokenStream {
        let constant = names::constant(column);
        let table = located_at(self.table.to_token_stream(), column.span());
        quote_spanned!(Span::call_site().located_at(column.span())=> #table::#constant)
    }

    /// `Todo::ID.name()`.
    fn column_name(&self, column: &Ident) -> TokenStream {
        let column = self.column(column);
        quote!(#column.name())
    }

    /// The values in the order of the statement's parameters.
    pub(super) fn bound(&self) -> impl Iterator<Item = TokenStream> {
        self.set.iter().chain(&self.key).map(|binding| self.bind(binding))
    }

    /// `Todo::ID.bind(id)`.
    fn bind(&self, binding: &Binding) -> TokenStream {
        let column = self.column(&binding.column);
        match &binding.value {
            Bound::Field(field) => {
                quote_spanned!(Span::mixed_site().located_at(field.span())=> #column.bind(#field))
            }
            Bound::Expr(value) => {
                quote_spanned!(Span::mixed_site().located_at(value.span())=> #column.bind(&(#value)))
            }
        }
    }

    /// The fact of the row: its key is among what is bound.
    pub(super) fn fact(&self) -> TokenStream {
        let def = self.def();
        let values = self.row_bindings().iter().map(|binding| {
            let (name, value) = (self.column_name(&binding.column), self.bind(binding));
            quote!((#name, &#value))
        });
        quote!(::headwater::__private::fact::row(#def, &[#(#values),*]))
    }

    /// What is bound other than a field to the column of its name.
    pub(super) fn expressions(&self) -> Vec<String> {
        let bindings = self.set.iter().chain(&self.key);
        let written = bindings.filter_map(|binding| match &binding.value {
            Bound::Field(field) if *field == binding.column => None,
            Bound::Field(field) => Some(format!("{} = {field}", binding.column)),
            Bound::Expr(value) => Some(format!("{} = {}", binding.column, text(value))),
        });
        written.collect()
    }
}

impl Verb {
    fn words(self) -> &'static str {
        match self {
            Self::InsertOrIgnore => "INSERT OR IGNORE INTO",
            Self::InsertOrReplace => "INSERT OR REPLACE INTO",
            Self::Insert | Self::Upsert | Self::Update | Self::Delete => "INSERT INTO",
        }
    }
}

impl Binding {
    pub(super) fn uses(&self, field: &Ident) -> bool {
        match &self.value {
            Bound::Field(bound) => bound == field,
            Bound::Expr(value) => mentions(value.to_token_stream(), field),
        }
    }
}

fn mentions(tokens: TokenStream, name: &Ident) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == *name,
        TokenTree::Group(group) => mentions(group.stream(), name),
        TokenTree::Literal(literal) => literal.to_string().contains(&name.to_string()),
        TokenTree::Punct(_) => false,
    })
}

/// The same tokens, shown at another place.
fn located_at(tokens: TokenStream, place: Span) -> TokenStream {
    let moved = tokens.into_iter().map(|mut token| {
        token.set_span(token.span().located_at(place));
        token
    });
    moved.collect()
}
