//! Structs that rows are read as: what `Table` and `FromRow` have in common.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Field, Fields, GenericArgument, Ident, LitStr, PathArguments, Type};

use crate::arguments::{self, Argument, once};
use crate::errors::Errors;
use crate::names;

/// A field and the column that it is.
pub(crate) struct RowField<'a> {
    pub(crate) field: &'a Field,
    pub(crate) ident: &'a Ident,
    /// The column's name.
    pub(crate) name: String,
    /// Whether it is stored as JSON.
    pub(crate) json: bool,
    /// All its arguments, for those that only tables know.
    pub(crate) arguments: Vec<Argument>,
}

/// The named fields of a struct without parameters.
pub(crate) fn fields<'a>(input: &'a DeriveInput, what: &str, errors: &mut Errors) -> Vec<RowField<'a>> {
    if !input.generics.params.is_empty() {
        errors.at(&input.generics, format!("{what} has no generic parameters: write the types out"));
    }
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) if !fields.named.is_empty() => {
                fields.named.iter().filter_map(|field| row_field(field, errors)).collect()
            }
            Fields::Named(_) | Fields::Unit => {
                errors.at(
                    &input.ident,
                    format!("{what} has at least one field: write `struct {} {{ id: String }}`", input.ident),
                );
                Vec::new()
            }
            Fields::Unnamed(fields) => {
                errors.at(fields, format!("{what} has named fields, one for each column: write `{{ id: String, … }}`"));
                Vec::new()
            }
        },
        Data::Enum(data) => {
            errors.at(data.enum_token, format!("{what} is a struct, not an enum"));
            Vec::new()
        }
        Data::Union(data) => {
            errors.at(data.union_token, format!("{what} is a struct, not a union"));
            Vec::new()
        }
    }
}

fn row_field<'a>(field: &'a Field, errors: &mut Errors) -> Option<RowField<'a>> {
    let ident = field.ident.as_ref()?;
    let arguments = arguments::of_attributes(&field.attrs, "column", errors);
    let mut name: Option<LitStr> = None;
    let mut json = None;
    for argument in &arguments {
        match &*argument.key() {
            "name" => {
                let value = argument.string(errors);
                once(&mut name, value, argument, errors);
            }
            "json" => {
                let value = argument.flag(errors);
                once(&mut json, Some(value), argument, errors);
            }
            _ => {}
        }
    }
    let name = name.map_or_else(|| names::plain(ident), |name| name.value());
    Some(RowField { field, ident, name, json: json.unwrap_or_default(), arguments })
}

/// Notes columns that have the same name. SQLite does not tell upper from lower case.
pub(crate) fn check_distinct(fields: &[RowField<'_>], errors: &mut Errors) {
    for (index, field) in fields.iter().enumerate() {
        if fields[..index].iter().any(|earlier| earlier.name.eq_ignore_ascii_case(&field.name)) {
            errors.at(
                field.ident,
                format!("two columns are named `{}`: give one of them another `name = \"…\"`", field.name),
            );
        }
    }
}

impl RowField<'_> {
    /// The type of the column's values: `Json<T>` for a field of JSON.
    pub(crate) fn column_type(&self) -> TokenStream {
        let ty = &self.field.ty;
        match (self.json, option_of(ty)) {
            (false, _) => quote!(#ty),
            (true, Some(inner)) => quote!(::std::option::Option<::headwater::Json<#inner>>),
            (true, None) => quote!(::headwater::Json<#ty>),
        }
    }

    /// The column's storage class and whether it can be NULL.
    pub(crate) fn sql_type(&self) -> (TokenStream, TokenStream) {
        let ty = &self.field.ty;
        if self.json {
            let nullable = option_of(ty).is_some();
            return (quote!(::headwater::schema::SqlType::Text), quote!(#nullable));
        }
        let span = Span::call_site().located_at(ty.span());
        let constant = |name: Ident| quote_spanned!(span=> <#ty as ::headwater::ColumnType>::#name);
        (constant(Ident::new("SQL_TYPE", span)), constant(Ident::new("NULLABLE", span)))
    }

    /// Reads column `index` of a row.
    fn read(&self, index: usize) -> TokenStream {
        let column_type = self.column_type();
        let span = Span::mixed_site().located_at(self.field.ty.span());
        let row = Ident::new("row", span);
        match (self.json, option_of(&self.field.ty)) {
            (false, _) => quote_spanned!(span=> #row.get(#index)?),
            (true, Some(_)) => quote_spanned!(span=> #row.get::<#column_type>(#index)?.map(|json| json.0)),
            (true, None) => quote_spanned!(span=> #row.get::<#column_type>(#index)?.0),
        }
    }
}

/// `impl FromRow`.
pub(crate) fn expand_from_row(ident: &Ident, fields: &[&RowField<'_>]) -> TokenStream {
    let row = Ident::new("row", Span::mixed_site());
    let names = fields.iter().map(|field| &field.name);
    let idents = fields.iter().map(|field| field.ident);
    let reads = fields.iter().enumerate().map(|(index, field)| field.read(index));
    quote! {
        #[automatically_derived]
        impl ::headwater::FromRow for #ident {
            const COLUMNS: ::std::option::Option<&'static [&'static str]> = ::std::option::Option::Some(&[#(#names),*]);

            fn from_row(#row: &::headwater::schema::Row<'_>) -> ::headwater::Result<Self> {
                ::std::result::Result::Ok(Self { #(#idents: #reads),* })
            }
        }
    }
}

/// The `T` of an `Option<T>`, as far as the name tells.
pub(crate) fn option_of(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else {
        return None;
    };
    let last = path.path.segments.last().filter(|last| last.ident == "Option")?;
    match &last.arguments {
        PathArguments::AngleBracketed(arguments) => match arguments.args.first()? {
            GenericArgument::Type(inner) => Some(inner),
            _ => None,
        },
        _ => None,
    }
}
