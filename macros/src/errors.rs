//! All mistakes of one derive, so that the user sees them together.

use proc_macro2::TokenStream;
use quote::ToTokens;

use crate::names;

/// Collects mistakes, each at its place in the user's code.
#[derive(Default)]
pub(crate) struct Errors(Vec<syn::Error>);

impl Errors {
    /// Notes a mistake at these tokens.
    pub(crate) fn at(&mut self, place: impl ToTokens, message: impl std::fmt::Display) {
        self.0.push(syn::Error::new_spanned(place, message));
    }

    /// Notes a name that is none of `known`.
    pub(crate) fn unknown(&mut self, name: &syn::Ident, known: &[&str]) {
        let hint = match names::closest(&name.to_string(), known) {
            Some(closest) => format!("did you mean `{closest}`?"),
            None => format!("write one of {}", names::list(known)),
        };
        self.at(name, format!("unknown argument `{name}`: {hint}"));
    }

    /// Notes the mistake, if it is one.
    pub(crate) fn take<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.0.push(error)).ok()
    }

    /// The outcome of the derive: what was expanded, or all mistakes.
    pub(crate) fn finish(self, expanded: Option<TokenStream>) -> TokenStream {
        let all = self.0.into_iter().reduce(|mut all, error| {
            all.combine(error);
            all
        });
        match all {
            Some(error) => error.into_compile_error(),
            None => expanded.unwrap_or_default(),
        }
    }
}
