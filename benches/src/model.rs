//! The app that is measured: a table of todos and three events.

use anyhow::Result;
use headwater::{Event, Schema, Store, Table};
use serde::{Deserialize, Serialize};

/// A todo.
#[derive(Clone, Debug, PartialEq, Table)]
#[table(name = "todos")]
pub struct Todo {
    /// Its key.
    #[column(primary_key)]
    pub id: String,
    /// What is to be done.
    pub text: String,
    /// Whether it is done.
    #[column(default = false)]
    pub completed: bool,
    /// The list that it is in.
    pub list_id: String,
    /// Its place in the list.
    pub created_at: i64,
}

/// What happens to todos.
#[derive(Clone, Debug, Event, Serialize, Deserialize)]
pub enum TodoEvent {
    /// A new one.
    #[event(name = "v1.TodoCreated", insert(Todo))]
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
    #[event(name = "v1.TodoTextChanged", update(Todo, key = id))]
    TextChanged {
        /// Of which todo.
        id: String,
        /// The new text.
        text: String,
    },
    /// Done, or not.
    #[event(name = "v1.TodoCompletedChanged", update(Todo, key = id))]
    CompletedChanged {
        /// Of which todo.
        id: String,
        /// Whether it is done.
        completed: bool,
    },
}

/// The index of jobs that measure with one.
pub const CREATE_INDEX: &str = "CREATE INDEX todos_by_list ON todos (list_id, created_at)";

/// Among how many lists the todos are spread.
pub const LISTS: usize = 100;

/// The schema, with the index or without.
#[must_use]
pub fn schema(indexed: bool) -> Schema {
    let builder = Schema::builder().table::<Todo>().event::<TodoEvent>();
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
