//! The app that is measured: a table of todos and three events.

use anyhow::Result;
use headwater::schema::{EventDef, variant};
use headwater::{Args, Event, EventScope, Facts, Materialize, Schema, StateTx, Store, params};
use serde::{Deserialize, Serialize};

/// The table, as SQL.
pub const CREATE_TODOS: &str = "CREATE TABLE todos (
    id TEXT NOT NULL PRIMARY KEY,
    text TEXT NOT NULL,
    completed INTEGER NOT NULL,
    list_id TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT";
/// The index of jobs that measure with one.
pub const CREATE_INDEX: &str = "CREATE INDEX todos_by_list ON todos (list_id, created_at)";
/// How a todo is made.
pub const INSERT: &str = "INSERT INTO todos VALUES (?1, ?2, FALSE, ?3, ?4)";
/// How its text is changed.
pub const SET_TEXT: &str = "UPDATE todos SET text = ?2 WHERE id = ?1";
/// How it is completed or opened again.
pub const SET_COMPLETED: &str = "UPDATE todos SET completed = ?2 WHERE id = ?1";

/// Among how many lists the todos are spread.
pub const LISTS: usize = 100;

/// What happens to todos.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all_fields = "camelCase")]
pub enum TodoEvent {
    /// A new one.
    Created {
        /// Its key.
        id: String,
        /// What is to be done.
        text: String,
        /// The list that it is in.
        list_id: String,
        /// Its place in the list.
        created_at: i64,
    },
    /// Another text.
    TextChanged {
        /// Of which todo.
        id: String,
        /// The new text.
        text: String,
    },
    /// Done, or not.
    CompletedChanged {
        /// Of which todo.
        id: String,
        /// Whether it is done.
        completed: bool,
    },
}

const fn def(
    name: &'static str,
    shape: &'static str,
    sql: &'static str,
    statements: &'static [&'static str],
) -> EventDef {
    EventDef { name, ver: 1, scope: EventScope::Synced, shape, materializer: sql, statements, upcasts: &[] }
}

impl Event for TodoEvent {
    const DEFS: &'static [EventDef] = &[
        def("v1.TodoCreated", "id: String, text: String, listId: String, createdAt: i64", INSERT, &[INSERT]),
        def("v1.TodoTextChanged", "id: String, text: String", SET_TEXT, &[SET_TEXT]),
        def("v1.TodoCompletedChanged", "id: String, completed: bool", SET_COMPLETED, &[SET_COMPLETED]),
    ];

    fn def(&self) -> &'static EventDef {
        match self {
            Self::Created { .. } => &Self::DEFS[0],
            Self::TextChanged { .. } => &Self::DEFS[1],
            Self::CompletedChanged { .. } => &Self::DEFS[2],
        }
    }

    fn encode(&self) -> Result<Args, serde_json::Error> {
        variant::encode(self)
    }

    fn decode(index: usize, args: &Args) -> Result<Self, serde_json::Error> {
        variant::decode(index, args)
    }
}

impl Materialize for TodoEvent {
    fn materialize(&self, tx: &mut StateTx<'_>) -> headwater::Result<()> {
        match self {
            Self::Created { id, text, list_id, created_at } => {
                tx.execute(INSERT, params![id, text, list_id, created_at])
            }
            Self::TextChanged { id, text } => tx.execute(SET_TEXT, params![id, text]),
            Self::CompletedChanged { id, completed } => tx.execute(SET_COMPLETED, params![id, completed]),
        }
        .map(drop)
    }

    fn facts(&self) -> Facts {
        let (Self::Created { id, .. } | Self::TextChanged { id, .. } | Self::CompletedChanged { id, .. }) = self;
        Facts { writes: vec![format!("todos/{id}")], ..Facts::default() }
    }
}

/// The schema, with the index or without.
#[must_use]
pub fn schema(indexed: bool) -> Schema {
    let builder = Schema::builder().sql(CREATE_TODOS).event::<TodoEvent>();
    if indexed { builder.sql(CREATE_INDEX).build() } else { builder.build() }
}

/// The key of a todo.
#[must_use]
pub fn id(number: usize) -> String {
    format!("todo-{number:016}")
}

/// The list that a todo is in.
#[must_use]
pub fn list_id(number: usize) -> String {
    format!("list-{}", number % LISTS)
}

/// The event that makes a todo.
#[must_use]
pub fn created(number: usize) -> TodoEvent {
    let (text, created_at) = (format!("draw the owl, part {number}"), number as i64);
    TodoEvent::Created { id: id(number), text, list_id: list_id(number), created_at }
}

/// Commits todos, many at a time.
///
/// # Errors
/// If a commit fails.
pub fn fill(store: &Store, rows: usize) -> Result<()> {
    for start in (0..rows).step_by(1_000) {
        let events: Vec<_> = (start..rows.min(start + 1_000)).map(created).collect();
        store.commit(events)?;
    }
    Ok(())
}
