//! Which materializer an event has.

use syn::Path;

use crate::arguments::Argument;
use crate::errors::Errors;
use crate::event::EventField;
use crate::event::rows::{self, Rows};
use crate::event::sql::{self, SqlStatement};

/// What turns the event into rows.
pub(super) enum Materializer {
    /// A statement on one table, generated.
    Rows(Rows),
    /// Statements that are given.
    Sql(Vec<SqlStatement>),
    /// A function.
    Function(Path),
}

/// The arguments that are materializers.
pub(super) const NAMES: &[&str] = &["insert", "update", "upsert", "delete", "sql", "materialize"];

pub(super) fn parse(argument: &Argument, fields: &[EventField<'_>], errors: &mut Errors) -> Option<Materializer> {
    match &*argument.key() {
        "sql" => {
            let (texts, skip) = sql::texts(argument, fields, errors)?;
            Some(Materializer::Sql(sql::parse(texts, fields, &skip, errors)))
        }
        "materialize" => argument.path(errors).map(Materializer::Function),
        _ => rows::parse(argument, fields, errors).map(Materializer::Rows),
    }
}
