//! A small schema, with a constraint that can be broken, a table whose rows depend on order, and a document.

use headwater::{Document, Event, Schema, StateTx, Table, params};
use serde::{Deserialize, Serialize};

/// A todo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Table)]
#[table(name = "todos")]
pub struct Todo {
    /// Who it is.
    #[column(primary_key)]
    pub id: String,
    /// What to do.
    pub text: String,
    /// Whether it is done.
    #[column(default = false)]
    pub completed: bool,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq, Eq, Event, Serialize, Deserialize)]
pub enum TodoEvent {
    /// There is a new todo.
    #[event(name = "v1.TodoCreated", insert(Todo))]
    Created {
        /// Its id.
        id: String,
        /// Its text.
        text: String,
    },
    /// A todo has another text.
    #[event(name = "v1.TodoTextChanged", update(Todo, key = id))]
    TextChanged {
        /// Its id.
        id: String,
        /// Its text.
        text: String,
    },
    /// Something is added at the end of a todo's text: what comes out depends on the order.
    #[event(name = "v1.TodoTextAppended", sql = "UPDATE todos SET text = text || :text WHERE id = :id")]
    TextAppended {
        /// Its id.
        id: String,
        /// What is added.
        text: String,
    },
    /// A todo is done.
    #[event(name = "v1.TodoCompleted", update(Todo, key = id, set(completed = true)))]
    Completed {
        /// Its id.
        id: String,
    },
    /// A todo is gone.
    #[event(name = "v1.TodoDeleted", delete(Todo, key = id))]
    Deleted {
        /// Its id.
        id: String,
    },
    /// All that is done is gone.
    #[event(name = "v1.CompletedCleared", materialize = clear_completed)]
    CompletedCleared,
    /// Something that only this client sees.
    #[event(name = "v1.Noted", client_only, sql = "INSERT INTO notes (text) VALUES (:text)")]
    Noted {
        /// What.
        text: String,
    },
}

fn clear_completed(tx: &mut StateTx<'_>) -> headwater::Result<()> {
    tx.execute("DELETE FROM todos WHERE completed", params![]).map(drop)
}

/// The state of a user interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, Document, Serialize, Deserialize)]
#[document(name = "ui")]
pub struct Ui {
    /// What is being typed.
    pub draft: String,
    /// Which list is shown.
    pub list: Option<String>,
}

/// The schema.
#[must_use]
pub fn schema() -> Schema {
    Schema::builder()
        .table::<Todo>()
        .sql("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT")
        .event::<TodoEvent>()
        .document::<Ui>()
        .build()
}
