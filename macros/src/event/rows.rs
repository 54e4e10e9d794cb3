//! Generated materializers: `insert`, `update`, `upsert`, `delete`.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, Ident, Path, Token};

use crate::arguments::{self, Argument, Value, once};
use crate::errors::Errors;
use crate::event::{EventField, check_field};

/// A statement on the rows of one table.
pub(super) struct Rows {
    pub(super) table: Path,
    pub(super) verb: Verb,
    /// The columns that are set.
    pub(super) set: Vec<Binding>,
    /// The columns that say which row; none for an insert or upsert.
    pub(super) key: Vec<Binding>,
    /// The columns that an upsert leaves as they are.
    pub(super) keep: Vec<Ident>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Insert,
    InsertOrIgnore,
    InsertOrReplace,
    Upsert,
    Update,
    Delete,
}

/// A column and what it is set to.
pub(super) struct Binding {
    /// The name of the table's field.
    pub(super) column: Ident,
    pub(super) value: Bound,
}

pub(super) enum Bound {
    /// A field of the event.
    Field(Ident),
    /// An expression over fields.
    Expr(Box<Expr>),
}

/// The arguments, before it is known which fields are left for columns of their own.
#[derive(Default)]
struct Given {
    set: Vec<Binding>,
    key: Option<Vec<Binding>>,
    keep: Option<Vec<Ident>>,
    skip: Option<Vec<Ident>>,
    or_ignore: Option<bool>,
    or_replace: Option<bool>,
}

pub(super) fn parse(argument: &Argument, fields: &[EventField<'_>], errors: &mut Errors) -> Option<Rows> {
    let verb = argument.key();
    let keyed = verb == "update" || verb == "delete";
    let list = argument.list(if keyed { "Table, key = id" } else { "Table" }, errors)?;
    let (table, arguments) = errors.take(table_and_arguments.parse2(list))?;
    let given = given(&verb, &arguments, fields, errors);
    let verb = match (&*verb, given.or_ignore, given.or_replace) {
        ("insert", None, None) => Verb::Insert,
        ("insert", Some(_), None) => Verb::InsertOrIgnore,
        ("insert", None, Some(_)) => Verb::InsertOrReplace,
        ("insert", ..) => {
            errors.at(&argument.name, "`or_ignore` and `or_replace` exclude each other: remove one of them");
            return None;
        }
        ("upsert", ..) => Verb::Upsert,
        ("update", ..) => Verb::Update,
        _ => Verb::Delete,
    };
    if keyed && given.key.is_none() {
        errors.at(argument, format!("`{0}` lacks the key of its row: write `{0}(…, key = id)`", argument.name));
    }
    Some(bind(argument, table, verb, given, fields, errors))
}

fn table_and_arguments(input: ParseStream<'_>) -> syn::Result<(Path, Vec<Argument>)> {
    let table = input.parse()?;
    if !input.is_empty() {
        input.parse::<Token![,]>()?;
    }
    let arguments = input.parse_terminated(<Argument as syn::parse::Parse>::parse, Token![,])?;
    Ok((table, arguments.into_iter().collect()))
}

fn known(verb: &str) -> &'static [&'static str] {
    match verb {
        "insert" => &["set", "skip", "or_ignore", "or_replace"],
        "upsert" => &["set", "skip", "keep"],
        "update" => &["key", "set", "skip"],
        _ => &["key", "skip"],
    }
}

fn given(verb: &str, arguments: &[Argument], fields: &[EventField<'_>], errors: &mut Errors) -> Given {
    let mut given = Given::default();
    for argument in arguments {
        let key = argument.key();
        if !known(verb).contains(&&*key) {
            errors.unknown(&argument.name, known(verb));
            continue;
        }
        match &*key {
            "set" => {
                let bindings = argument.list("completed = true", errors).map(|list| bindings(list, fields, errors));
                given.set.extend(bindings.into_iter().flatten());
            }
            "key" => once(&mut given.key, Some(key_bindings(argument, fields, errors)), argument, errors),
            "keep" => once(&mut given.keep, Some(argument.names(errors)), argument, errors),
            "or_ignore" => once(&mut given.or_ignore, Some(argument.flag(errors)), argument, errors),
            "or_replace" => once(&mut given.or_replace, Some(argument.flag(errors)), argument, errors),
            _ => {
                let names = argument.names(errors);
                names.iter().for_each(|name| check_field(name, fields, errors));
                once(&mut given.skip, Some(names), argument, errors);
            }
        }
    }
    given
}

/// `column = expression, …`; a column alone is set to the field of its name.
fn bindings(list: TokenStream, fields: &[EventField<'_>], errors: &mut Errors) -> Vec<Binding> {
    let arguments = arguments::of_list(list, errors);
    let binding = |argument: Argument| match &argument.value {
        Value::Expr(value) => Some(Binding { column: argument.name.clone(), value: Bound::of(value, fields) }),
        Value::None => {
            check_field(&argument.name, fields, errors);
            Some(Binding { column: argument.name.clone(), value: Bound::Field(argument.name.clone()) })
        }
        Value::List(_) => {
            errors.at(&argument, format!("a column is set with `=`: write `{} = …`", argument.name));
            None
        }
    };
    arguments.into_iter().filter_map(binding).collect()
}

/// `key = id`, `key(list_id, id)` or `key(id = todo_id)`.
fn key_bindings(argument: &Argument, fields: &[EventField<'_>], errors: &mut Errors) -> Vec<Binding> {
    if let Value::Expr(value) = &argument.value {
        let Bound::Field(field) = Bound::of(value, fields) else {
            match &**value {
                Expr::Path(path) if path.path.get_ident().is_some() => {
                    let name = path.path.require_ident();
                    errors.take(name).into_iter().for_each(|name| check_field(name, fields, errors));
                }
                _ => errors.at(value, "`key` names a field: write `key = id`, or `key(column = expression)`"),
            }
            return Vec::new();
        };
        return vec![Binding { column: field.clone(), value: Bound::Field(field) }];
    }
    argument.list("list_id, id", errors).map(|list| bindings(list, fields, errors)).unwrap_or_default()
}

/// Gives each field that is left a column of its own name.
fn bind(
    argument: &Argument,
    table: Path,
    verb: Verb,
    given: Given,
    fields: &[EventField<'_>],
    errors: &mut Errors,
) -> Rows {
    let Given { mut set, key, keep, skip, .. } = given;
    let (key, keep, skip) = (key.unwrap_or_default(), keep.unwrap_or_default(), skip.unwrap_or_default());
    check_distinct(key.iter().chain(&set), errors);
    let used: HashSet<String> =
        key.iter().chain(&set).flat_map(Binding::uses_up).map(|name| name.unraw().to_string()).collect();
    let is_left =
        |field: &&EventField<'_>| !used.contains(&field.ident.unraw().to_string()) && !skip.contains(field.ident);
    let left: Vec<_> = fields.iter().filter(is_left).collect();
    if verb == Verb::Delete {
        // Without a key that is the only mistake.
        for field in left.into_iter().filter(|_| !key.is_empty()) {
            let hint = "name it in `key`, leave it out with `skip(…)` or remove it";
            errors.at(
                field.ident,
                format!("a delete uses nothing but its key, and `{}` is not in it: {hint}", field.ident),
            );
        }
    } else {
        let own =
            left.iter().map(|field| Binding { column: field.ident.clone(), value: Bound::Field(field.ident.clone()) });
        set.splice(0..0, own.collect::<Vec<_>>());
    }
    if set.is_empty() && verb == Verb::Update && !key.is_empty() {
        errors.at(argument, "the update sets nothing: add a field, or write `set(column = …)`");
    }
    for column in keep.iter().filter(|column| !set.iter().any(|binding| binding.column == **column)) {
        errors.at(column, format!("`{column}` is not set, so there is nothing to keep: remove it here"));
    }
    Rows { table, verb, set, key, keep }
}

fn check_distinct<'a>(bindings: impl Iterator<Item = &'a Binding>, errors: &mut Errors) {
    let mut seen = HashSet::new();
    for binding in bindings {
        if !seen.insert(binding.column.unraw().to_string()) {
            errors.at(&binding.column, format!("`{}` is given twice: remove one of them", binding.column));
        }
    }
}

impl Binding {
    /// The fields that need no column of their own any more: the one of this column's name, and the one that is its
    /// value.
    fn uses_up(&self) -> impl Iterator<Item = &Ident> {
        let value = match &self.value {
            Bound::Field(field) => Some(field),
            Bound::Expr(_) => None,
        };
        std::iter::once(&self.column).chain(value)
    }
}

impl Bound {
    fn of(value: &Expr, fields: &[EventField<'_>]) -> Self {
        if let Expr::Path(path) = value
            && let Some(name) = path.path.get_ident()
            && fields.iter().any(|field| field.ident == name)
        {
            return Self::Field(name.clone());
        }
        Self::Expr(Box::new(value.clone()))
    }
}
