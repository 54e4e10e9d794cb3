//! SQLite's authorizer: it says exactly what a statement reads and writes while it is prepared, and refuses what it may
//! not do.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use crate::db::Purpose;
use crate::db::footprint::{Columns, Footprint};

/// Names that the framework keeps for itself.
pub(crate) const RESERVED_PREFIX: &str = "__headwater";

#[derive(Default)]
struct Recording {
    purpose: Option<Purpose>,
    footprint: Footprint,
    refused: Option<String>,
}

/// The recording end of a connection's authorizer.
pub(crate) struct Authorizer(Arc<Mutex<Recording>>);

impl Authorizer {
    /// Installs it. It has to be the first thing done with a connection: an authorizer installed later expires the
    /// statements that are already prepared.
    pub(crate) fn install(connection: &mut Connection) -> rusqlite::Result<Self> {
        let recording = Arc::<Mutex<Recording>>::default();
        let hook = recording.clone();
        let authorize =
            move |context: AuthContext<'_>| hook.lock().unwrap_or_else(PoisonError::into_inner).authorize(&context);
        connection.authorizer(Some(authorize))?;
        Ok(Self(recording))
    }

    /// Records what is prepared in `prepare`, and what of it was refused.
    pub(crate) fn recording<T>(&self, purpose: Purpose, prepare: impl FnOnce() -> T) -> (T, Footprint, Option<String>) {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *lock() = Recording { purpose: Some(purpose), ..Recording::default() };
        let prepared = prepare();
        let recording = std::mem::take(&mut *lock());
        (prepared, recording.footprint, recording.refused)
    }
}

impl Recording {
    fn authorize(&mut self, context: &AuthContext<'_>) -> Authorization {
        let Some(purpose) = self.purpose else {
            return Authorization::Allow;
        };
        if let Some(what) = refusal(purpose, &context.action) {
            self.refused.get_or_insert(what);
            return Authorization::Deny;
        }
        self.note(&context.action);
        Authorization::Allow
    }

    fn note(&mut self, action: &AuthAction<'_>) {
        match *action {
            AuthAction::Read { table_name, column_name } => column(&mut self.footprint.reads, table_name, column_name),
            AuthAction::Update { table_name, column_name } => {
                column(&mut self.footprint.writes, table_name, column_name);
            }
            AuthAction::Insert { table_name } | AuthAction::Delete { table_name } => {
                rows(&mut self.footprint.writes, table_name);
            }
            _ => {}
        }
    }
}

type Tables = std::collections::BTreeMap<Box<str>, Columns>;

fn entry<'a>(tables: &'a mut Tables, table: &str) -> &'a mut Columns {
    tables.entry(table.to_lowercase().into()).or_default()
}

/// An empty column name stands for the rows as such: `SELECT count(*)`.
fn column(tables: &mut Tables, table: &str, column: &str) {
    let columns = entry(tables, table);
    if !column.is_empty() {
        columns.names.insert(column.to_lowercase().into());
    }
}

fn rows(tables: &mut Tables, table: &str) {
    entry(tables, table).rows = true;
}

/// What of an action a purpose may not do, in words.
fn refusal(purpose: Purpose, action: &AuthAction<'_>) -> Option<String> {
    let table = match *action {
        AuthAction::Read { .. } | AuthAction::Select | AuthAction::Recursive => return None,
        AuthAction::Function { function_name } => return refused_function(purpose, function_name),
        AuthAction::Insert { table_name }
        | AuthAction::Delete { table_name }
        | AuthAction::Update { table_name, .. } => table_name,
        _ if purpose == Purpose::Internal => return None,
        ref other => {
            return Some(format!("{}: only SELECT, INSERT, UPDATE and DELETE are, so this statement", name(other)));
        }
    };
    match purpose {
        Purpose::Internal => None,
        Purpose::Read => Some(format!("writing to {table} in a query")),
        Purpose::Materialize if table.starts_with(RESERVED_PREFIX) => {
            Some(format!("writing to {table}, a table of the framework,"))
        }
        Purpose::Materialize => None,
    }
}

/// Functions with effects or results that don't belong to the rows.
fn refused_function(purpose: Purpose, function: &str) -> Option<String> {
    let effects = function.eq_ignore_ascii_case("load_extension");
    let random = ["random", "randomblob", "changes", "total_changes", "last_insert_rowid"];
    let undetermined = purpose == Purpose::Materialize && random.iter().any(|name| function.eq_ignore_ascii_case(name));
    (effects || undetermined).then(|| format!("calling {function}(), whose result does not follow from the rows,"))
}

fn name(action: &AuthAction<'_>) -> String {
    let text = format!("{action:?}");
    text.split([' ', '{', '(']).next().unwrap_or_default().to_owned()
}
