//! From the attributes of a table to what they mean.

use syn::{DeriveInput, Ident};

use crate::arguments::{self, Argument, once};
use crate::errors::Errors;
use crate::table::column::{self, ColumnOptions};
use crate::table::constraint::{self, Index};
use crate::table::{Column, Table};
use crate::{names, row};

const ARGUMENTS: &[&str] = &["check", "foreign_key", "index", "name", "primary_key", "unique"];

pub(super) fn parse<'a>(input: &'a DeriveInput, errors: &mut Errors) -> Table<'a> {
    let fields = row::fields(input, "a table", errors);
    row::check_distinct(&fields, errors);
    let columns: Vec<_> = fields
        .into_iter()
        .map(|row| {
            let options = column::options(&row, errors);
            check_name(&row, errors);
            Column { row, options }
        })
        .collect();
    let arguments = arguments::of_attributes(&input.attrs, "table", errors);
    let name = name(input, &arguments, errors);
    let primary_key = primary_key(input, &arguments, &columns, errors);
    let mut table = Table { input, name, columns, primary_key, indexes: Vec::new(), constraints: Vec::new() };
    indexes_and_constraints(&mut table, &arguments, errors);
    table
}

fn check_name(field: &row::RowField<'_>, errors: &mut Errors) {
    let given = field.arguments.iter().find(|argument| argument.name == "name");
    match given.and_then(|argument| argument.string(&mut Errors::default())) {
        Some(name) => names::check_sql(&name, "a column", errors),
        None => names::check_sql_ident(field.ident, &field.name, "a column", errors),
    }
}

fn name(input: &DeriveInput, arguments: &[Argument], errors: &mut Errors) -> String {
    let mut name = None;
    for argument in arguments.iter().filter(|argument| argument.name == "name") {
        let value = argument.string(errors);
        once(&mut name, value, argument, errors);
    }
    if let Some(name) = name {
        names::check_sql(&name, "a table", errors);
        return name.value();
    }
    let name = names::snake_case(&names::plain(&input.ident));
    names::check_sql_ident(&input.ident, &name, "a table", errors);
    name
}

/// Either one field that says `primary_key`, or the table that says `primary_key(a, b)`.
fn primary_key(
    input: &DeriveInput,
    arguments: &[Argument],
    columns: &[Column<'_>],
    errors: &mut Errors,
) -> Vec<String> {
    let mut listed: Option<Vec<Ident>> = None;
    for argument in arguments.iter().filter(|argument| argument.name == "primary_key") {
        let fields = argument.names(errors);
        once(&mut listed, Some(fields), argument, errors);
    }
    let marked: Vec<_> = columns.iter().filter(|column| column.options.primary_key).collect();
    match (listed, &*marked) {
        (Some(fields), []) => {
            fields.iter().filter_map(|field| constraint::column_name(field, columns, errors)).collect()
        }
        (Some(_), [first, ..]) => {
            errors.at(first.row.ident, "the table has `primary_key(…)` already: remove `primary_key` here or there");
            Vec::new()
        }
        (None, [only]) => vec![only.row.name.clone()],
        (None, [_, second, ..]) => {
            let all: Vec<_> = marked.iter().map(|column| names::plain(column.row.ident)).collect();
            let hint = format!("write `#[table(primary_key({}))]` for a key of several", all.join(", "));
            errors.at(second.row.ident, format!("a second field says `primary_key`: {hint}"));
            Vec::new()
        }
        (None, []) => {
            if !columns.is_empty() {
                let hint = "write `#[column(primary_key)]` at a field or `#[table(primary_key(a, b))]`";
                errors.at(&input.ident, format!("the table has no primary key: {hint}"));
            }
            Vec::new()
        }
    }
}

fn indexes_and_constraints(table: &mut Table<'_>, arguments: &[Argument], errors: &mut Errors) {
    let indexed = table.columns.iter().filter(|column| column.options.index);
    let mut indexes: Vec<_> = indexed.map(|column| Index::of_column(&table.name, &column.row.name)).collect();
    for argument in arguments {
        match &*argument.key() {
            "name" | "primary_key" => {}
            "index" => indexes.extend(constraint::index(argument, &table.name, &table.columns, errors)),
            "unique" => table.constraints.push(constraint::unique(argument, &table.columns, errors)),
            "check" => table.constraints.extend(argument.string(errors).map(|sql| format!("CHECK ({})", sql.value()))),
            "foreign_key" => table.constraints.extend(argument.string(errors).as_ref().map(constraint::foreign_key)),
            _ => errors.unknown(&argument.name, ARGUMENTS),
        }
    }
    for (position, index) in indexes.iter().enumerate() {
        if indexes[..position].iter().any(|earlier| earlier.name.eq_ignore_ascii_case(&index.name)) {
            errors.at(
                &table.input.ident,
                format!("two indexes are named `{}`: write `index(name = \"…\", …)`", index.name),
            );
        }
    }
    table.indexes = indexes;
}

impl ColumnOptions {
    /// Whether SQLite computes it.
    pub(super) fn is_generated(&self) -> bool {
        self.constraints.iter().any(|constraint| constraint.starts_with("AS ("))
    }
}
