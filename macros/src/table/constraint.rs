//! What is said of a whole table: indexes and constraints.

use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Ident, LitStr, Token};

use crate::arguments::{self, Argument, once};
use crate::errors::Errors;
use crate::names;
use crate::table::{Column, quoted};

/// An index.
pub(super) struct Index {
    pub(super) name: String,
    /// SQL.
    pub(super) columns: Vec<String>,
    pub(super) unique: bool,
    /// SQL.
    pub(super) filter: Option<String>,
}

impl Index {
    /// The index of `#[column(index)]`.
    pub(super) fn of_column(table: &str, column: &str) -> Self {
        Self { name: default_name(table, &[column]), columns: vec![quoted(column)], unique: false, filter: None }
    }
}

fn default_name(table: &str, columns: &[&str]) -> String {
    format!("{table}_by_{}", columns.join("_"))
}

/// `index(columns(a, "b DESC"), name = "…", unique, where = "…")`.
pub(super) fn index(argument: &Argument, table: &str, columns: &[Column<'_>], errors: &mut Errors) -> Option<Index> {
    let list = argument.list("columns(list_id, \"created_at DESC\")", errors)?;
    let (mut name, mut over, mut unique, mut filter) = (None, None, None, None);
    for part in arguments::of_list(list, errors) {
        match &*part.key() {
            "name" => once(&mut name, part.string(errors), &part, errors),
            "columns" => once(&mut over, part.list("list_id, \"created_at DESC\"", errors), &part, errors),
            "unique" => once(&mut unique, Some(part.flag(errors)), &part, errors),
            "where" => once(&mut filter, part.string(errors), &part, errors),
            _ => errors.unknown(&part.name, &["columns", "name", "unique", "where"]),
        }
    }
    let Some(over) = over else {
        errors.at(argument, "an index lacks its columns: write `index(columns(list_id))`");
        return None;
    };
    let over = indexed(over, columns, errors);
    let plain: Option<Vec<_>> = over.iter().map(|column| column.name.as_deref()).collect();
    let name = match (name, plain) {
        (Some(name), _) => {
            names::check_sql(&name, "an index", errors);
            name.value()
        }
        (None, Some(columns)) => default_name(table, &columns),
        (None, None) => {
            errors.at(argument, "an index over SQL has no name of its own: write `index(name = \"…\", …)`");
            return None;
        }
    };
    let columns = over.into_iter().map(|column| column.sql).collect();
    Some(Index { name, columns, unique: unique.unwrap_or_default(), filter: filter.map(|filter| filter.value()) })
}

struct Indexed {
    /// The column's name, unless it is SQL.
    name: Option<String>,
    sql: String,
}

fn indexed(list: TokenStream, columns: &[Column<'_>], errors: &mut Errors) -> Vec<Indexed> {
    let part = |input: ParseStream<'_>| {
        if input.peek(LitStr) { input.parse().map(Err) } else { input.call(Ident::parse_any).map(Ok) }
    };
    let parser =
        |input: ParseStream<'_>| Punctuated::<Result<Ident, LitStr>, Token![,]>::parse_terminated_with(input, part);
    let parts = errors.take(parser.parse2(list)).into_iter().flatten();
    let resolve = |part| match part {
        Ok(field) => {
            let name = column_name(&field, columns, errors)?;
            Some(Indexed { sql: quoted(&name), name: Some(name) })
        }
        Err(sql) => Some(Indexed { name: None, sql: LitStr::value(&sql) }),
    };
    parts.filter_map(resolve).collect()
}

/// The name of the column that this field is.
pub(super) fn column_name(field: &Ident, columns: &[Column<'_>], errors: &mut Errors) -> Option<String> {
    if let Some(column) = columns.iter().find(|column| column.is(field)) {
        return Some(column.row.name.clone());
    }
    let fields: Vec<_> = columns.iter().map(|column| names::plain(column.row.ident)).collect();
    let fields: Vec<_> = fields.iter().map(String::as_str).collect();
    let hint = match names::closest(&field.to_string(), &fields) {
        Some(closest) => format!("did you mean `{closest}`?"),
        None => format!("write one of {}", names::list(&fields)),
    };
    errors.at(field, format!("the struct has no field `{field}`: {hint}"));
    None
}

/// `unique(a, b)` as SQL.
pub(super) fn unique(argument: &Argument, columns: &[Column<'_>], errors: &mut Errors) -> String {
    let fields = argument.names(errors);
    let names: Vec<_> = fields.iter().filter_map(|field| column_name(field, columns, errors)).collect();
    let quoted: Vec<_> = names.iter().map(|name| quoted(name)).collect();
    format!("UNIQUE ({})", quoted.join(", "))
}

/// `foreign_key = "(a) REFERENCES b (c)"` as SQL; the words FOREIGN KEY may be left out.
pub(super) fn foreign_key(sql: &LitStr) -> String {
    let sql = sql.value();
    if sql.trim_start().starts_with('(') { format!("FOREIGN KEY {}", sql.trim_start()) } else { sql }
}
