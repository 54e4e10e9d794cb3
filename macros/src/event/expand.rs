//! From a set of events to the code for it.

mod rows;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Ident;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use crate::event::facts::Pattern;
use crate::event::materializer::Materializer;
use crate::event::rows::Verb;
use crate::event::sql::SqlStatement;
use crate::event::{Event, EventSet, shape};
use crate::names;

pub(super) fn expand(set: &EventSet<'_>) -> TokenStream {
    let statements = set.events.iter().map(Event::statements);
    let event = impl_event(set);
    let materialize = impl_materialize(set);
    quote! {
        const _: () = {
            #(#statements)*
            #event
            #materialize
        };
    }
}

fn impl_event(set: &EventSet<'_>) -> TokenStream {
    let ident = &set.input.ident;
    let defs = set.events.iter().map(Event::def);
    let variants = set.events.iter().map(|event| event.ident);
    let indexes = 0..set.events.len();
    // Errors about `Serialize` and `Deserialize` are to stand at the enum.
    let encode = quote_spanned! {Span::call_site().located_at(ident.span())=>
        ::headwater::__private::variant::encode::<#ident>
    };
    let decode = quote_spanned! {Span::call_site().located_at(ident.span())=>
        ::headwater::__private::variant::decode::<#ident>
    };
    quote! {
        #[automatically_derived]
        impl ::headwater::Event for #ident {
            const DEFS: &'static [::headwater::schema::EventDef] = &[#(#defs),*];

            fn def(&self) -> &'static ::headwater::schema::EventDef {
                match self {
                    #(Self::#variants { .. } => &<Self as ::headwater::Event>::DEFS[#indexes],)*
                }
            }

            fn encode(
                &self,
            ) -> ::std::result::Result<::headwater::Args, ::headwater::__private::serde_json::Error> {
                #encode(self)
            }

            fn decode(
                index: usize,
                args: &::headwater::Args,
            ) -> ::std::result::Result<Self, ::headwater::__private::serde_json::Error> {
                #decode(index, args)
            }
        }
    }
}

fn impl_materialize(set: &EventSet<'_>) -> TokenStream {
    let (ident, tx) = (&set.input.ident, tx());
    let applied = set.events.iter().map(Event::apply);
    let facts = set.events.iter().map(Event::facts);
    quote! {
        #[automatically_derived]
        impl ::headwater::Materialize for #ident {
            fn materialize(&self, #tx: &mut ::headwater::StateTx<'_>) -> ::headwater::Result<()> {
                match self {
                    #(#applied)*
                }
                ::std::result::Result::Ok(())
            }

            fn facts(&self) -> ::headwater::Facts {
                match self {
                    #(#facts)*
                }
            }
        }
    }
}

/// The materializer's transaction, out of reach of the user's expressions and fields.
fn tx() -> Ident {
    Ident::new("tx", Span::mixed_site())
}

impl Event<'_> {
    /// `Self::Created { id, text, .. }`, with the fields that are used.
    fn pattern(&self, is_used: impl Fn(&Ident) -> bool) -> TokenStream {
        let ident = self.ident;
        let used: Vec<_> = self.fields.iter().map(|field| field.ident).filter(|field| is_used(field)).collect();
        let rest = (used.len() < self.fields.len()).then(|| quote!(..));
        quote!(Self::#ident { #(#used,)* #rest })
    }

    /// The name of a constant about this event.
    fn constant(&self, suffix: &str) -> Ident {
        let name = names::snake_case(&self.ident.unraw().to_string()).to_uppercase();
        format_ident!("__{name}_{suffix}")
    }

    /// Constants with the SQL, and checks against the table's declaration.
    fn statements(&self) -> TokenStream {
        let sql = self.constant("SQL");
        match &self.materializer {
            Materializer::Rows(rows) => rows.statements(&sql, &self.constant("COLUMNS"), &self.constant("KEY")),
            Materializer::Sql(statements) => {
                let texts = statements.iter().map(|statement| &statement.text);
                quote!(const #sql: &[&str] = &[#(#texts),*];)
            }
            Materializer::Function(_) => TokenStream::new(),
        }
    }

    fn def(&self) -> TokenStream {
        let Self { name, ver, shape, .. } = self;
        let scope = if self.client_only { quote!(ClientOnly) } else { quote!(Synced) };
        let statements = match &self.materializer {
            Materializer::Rows(_) | Materializer::Sql(_) => self.constant("SQL").into_token_stream(),
            Materializer::Function(_) => quote!(&[]),
        };
        let materializer = self.materializer_text();
        let upcasts = self.upcasts.iter().map(|upcast| {
            let (from, to, with) = (upcast.from, upcast.from + 1, &upcast.with);
            quote!(::headwater::schema::Upcast { from: #from, to: #to, with: #with })
        });
        quote! {
            ::headwater::schema::EventDef {
                name: #name,
                ver: #ver,
                scope: ::headwater::EventScope::#scope,
                shape: #shape,
                materializer: #materializer,
                statements: #statements,
                upcasts: &[#(#upcasts),*],
            }
        }
    }

    /// All that decides what the materializer does, as far as it can be known: the SQL, the expressions that are bound,
    /// the functions that are called and the declared revision.
    fn materializer_text(&self) -> TokenStream {
        let mut notes: Vec<String> =
            self.upcasts.iter().map(|upcast| format!("upcast {}", text(&upcast.with))).collect();
        notes.extend(self.revision.map(|revision| format!("revision {revision}")));
        let sql = self.constant("SQL");
        let statements = match &self.materializer {
            Materializer::Function(path) => {
                notes.insert(0, text(path));
                notes.resize_with(notes.len().max(2), || "revision 1".to_owned());
                let text = notes.join(" ");
                return quote!(#text);
            }
            Materializer::Rows(rows) => {
                notes.splice(0..0, rows.expressions());
                1
            }
            Materializer::Sql(statements) => statements.len(),
        };
        if notes.is_empty() && statements == 1 {
            return quote!(#sql[0]);
        }
        let indexes = 0..statements;
        let notes = notes.join("; ");
        quote!(::headwater::__private::sql!(concat(&[#(#sql[#indexes], "; ",)* #notes])))
    }

    /// The arm of `materialize`.
    fn apply(&self) -> TokenStream {
        let (sql, tx) = (self.constant("SQL"), tx());
        let pattern = self.pattern(|field| self.materializer.uses(field));
        let body = match &self.materializer {
            Materializer::Rows(rows) => {
                let values = rows.bound();
                quote!(#tx.execute(#sql[0], ::headwater::params![#(#values),*])?;)
            }
            Materializer::Sql(statements) => {
                let executed = statements.iter().enumerate().map(|(index, statement)| {
                    let parameters = statement.bound();
                    quote!(#tx.execute(#sql[#index], #parameters)?;)
                });
                quote!(#(#executed)*)
            }
            Materializer::Function(path) => {
                let fields = self.fields.iter().map(|field| field.ident);
                quote_spanned!(Span::mixed_site().located_at(path.span())=> #path(#tx, #(#fields),*)?;)
            }
        };
        quote!(#pattern => { #body })
    }

    /// The arm of `facts`.
    fn facts(&self) -> TokenStream {
        let (writes, requires) = match &self.materializer {
            Materializer::Rows(rows) => {
                let row = rows.fact();
                let requires = matches!(rows.verb, Verb::Update | Verb::Delete);
                (vec![row.clone()], if requires { vec![row] } else { vec![] })
            }
            Materializer::Sql(_) | Materializer::Function(_) => (vec![], vec![]),
        };
        let generates = (self.facts.writes.is_none() && !writes.is_empty())
            || (self.facts.requires.is_none() && !requires.is_empty());
        let given = |given: &Option<Vec<Pattern>>, generated| match given {
            Some(patterns) => patterns.iter().map(Pattern::fact).collect(),
            None => generated,
        };
        let (writes, requires) = (given(&self.facts.writes, writes), given(&self.facts.requires, requires));
        let reads = given(&self.facts.reads, vec![]);
        let given = [&self.facts.writes, &self.facts.requires, &self.facts.reads];
        let in_given = |field: &Ident| given.into_iter().flatten().flatten().any(|fact| fact.fields.contains(field));
        let pattern = self.pattern(|field| in_given(field) || (generates && self.materializer.is_in_row_fact(field)));
        quote! {
            #pattern => ::headwater::Facts {
                writes: ::std::vec![#(#writes),*],
                requires: ::std::vec![#(#requires),*],
                reads: ::std::vec![#(#reads),*],
            },
        }
    }
}

impl Materializer {
    /// Whether `materialize` uses the field.
    fn uses(&self, field: &Ident) -> bool {
        match self {
            Self::Rows(rows) => rows.set.iter().chain(&rows.key).any(|binding| binding.uses(field)),
            Self::Sql(statements) => statements.iter().any(|statement| statement.parameters.contains(field)),
            Self::Function(_) => true,
        }
    }

    /// Whether the fact of the row uses the field.
    fn is_in_row_fact(&self, field: &Ident) -> bool {
        matches!(self, Self::Rows(rows) if rows.row_bindings().iter().any(|binding| binding.uses(field)))
    }
}

impl SqlStatement {
    fn bound(&self) -> TokenStream {
        if self.parameters.is_empty() {
            return quote!(::headwater::params![]);
        }
        let parameters = self.parameters.iter().map(|field| {
            let name = format!(":{}", field.unraw());
            quote_spanned!(field.span()=> (#name, #field as &dyn ::headwater::schema::ToColumn))
        });
        quote!([#(#parameters),*].as_slice())
    }
}

impl Pattern {
    fn fact(&self) -> TokenStream {
        let Self { pieces, fields } = self;
        quote!(::headwater::__private::fact::text(&[#(#pieces),*], &[#(&#fields),*]))
    }
}

fn text(tokens: &impl ToTokens) -> String {
    shape::text(tokens.to_token_stream())
}
