//! From a table to the code for it.

use proc_macro2::TokenStream;
use quote::quote;

use crate::table::constraint::Index;
use crate::table::{Column, Table};
use crate::{names, row};

pub(super) fn expand(table: &Table<'_>) -> TokenStream {
    let rows: Vec<_> = table.columns.iter().map(|column| &column.row).collect();
    let from_row = row::expand_from_row(&table.input.ident, &rows);
    let definition = definition(table);
    let constants = constants(table);
    quote! { #from_row #definition #constants }
}

fn definition(table: &Table<'_>) -> TokenStream {
    let Table { input, name, columns, primary_key, indexes, constraints } = table;
    let ident = &input.ident;
    let columns = columns.iter().map(column_def);
    let indexes = indexes.iter().map(index_def);
    quote! {
        #[automatically_derived]
        impl ::headwater::Table for #ident {
            const DEF: ::headwater::schema::TableDef = ::headwater::schema::TableDef {
                name: #name,
                columns: &[#(#columns),*],
                primary_key: &[#(#primary_key),*],
                indexes: &[#(#indexes),*],
                constraints: &[#(#constraints),*],
            };
        }
    }
}

fn column_def(column: &Column<'_>) -> TokenStream {
    // Named by its constant, which counts as used then.
    let constant = names::constant(column.row.ident);
    let constraints = &column.options.constraints;
    let default = optional(column.options.default.as_ref());
    let (sql_type, nullable) = column.row.sql_type();
    quote! {
        ::headwater::schema::ColumnDef {
            name: Self::#constant.name(),
            sql_type: #sql_type,
            nullable: #nullable,
            default: #default,
            constraints: &[#(#constraints),*],
        }
    }
}

fn index_def(index: &Index) -> TokenStream {
    let Index { name, columns, unique, filter } = index;
    let filter = optional(filter.as_ref());
    quote! {
        ::headwater::schema::IndexDef { name: #name, columns: &[#(#columns),*], unique: #unique, filter: #filter }
    }
}

fn optional(text: Option<&String>) -> TokenStream {
    match text {
        Some(text) => quote!(::std::option::Option::Some(#text)),
        None => quote!(::std::option::Option::None),
    }
}

/// `Todo::COMPLETED` for each column.
fn constants(table: &Table<'_>) -> TokenStream {
    let (ident, vis) = (&table.input.ident, &table.input.vis);
    let constants = table.columns.iter().map(|column| {
        let (name, column_type) = (&column.row.name, column.row.column_type());
        let constant = names::constant(column.row.ident);
        let read_only = if column.options.is_generated() { ", computed by SQLite" } else { "" };
        let doc = format!("The column `{name}` of `{}`{read_only}.", table.name);
        quote! {
            #[doc = #doc]
            #vis const #constant: ::headwater::Column<#ident, #column_type> = ::headwater::Column::new(#name);
        }
    });
    quote! {
        #[automatically_derived]
        impl #ident {
            #(#constants)*
        }
    }
}
