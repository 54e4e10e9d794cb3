//! What the app keeps: two tables, the events that write them, and a document for the state of the window.
//!
//! Events say what a person did. They never say how two of them are merged: each sets as little as it can, so that what
//! two people do to different things, or to different sides of one thing, both stands.

use headwater::{Document, Event, FromRow, Schema, Table};
use serde::{Deserialize, Serialize};

/// A list of todos.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Table)]
#[table(name = "lists")]
pub struct List {
    /// Its identity.
    #[column(primary_key)]
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Where it stands among the lists; see [`position`](crate::position).
    pub position: String,
    /// Deleted lists are kept, so that a todo that another client adds at the same time brings its list back.
    #[column(default = false)]
    pub deleted: bool,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Table)]
#[table(name = "todos", index(columns(list_id, position)))]
pub struct Todo {
    /// Its identity.
    #[column(primary_key)]
    pub id: String,
    /// The list that it is in.
    pub list_id: String,
    /// What is to be done.
    pub text: String,
    /// Whether it is done.
    #[column(default = false)]
    pub completed: bool,
    /// Where it stands in its list; see [`position`](crate::position).
    pub position: String,
}

/// What can happen to lists.
#[derive(Clone, Debug, Event, Serialize, Deserialize)]
pub enum ListEvent {
    /// There is a new list. Two clients may make the list with the same id: then it is one.
    #[event(name = "v1.ListCreated", insert(List, or_ignore))]
    Created {
        /// Its identity.
        id: String,
        /// What it is called.
        name: String,
        /// Where it stands.
        position: String,
    },
    /// A list is called something else.
    #[event(name = "v1.ListRenamed", update(List, key = id))]
    Renamed {
        /// Which.
        id: String,
        /// What it is called now.
        name: String,
    },
    /// A list is gone, with its todos.
    #[event(name = "v1.ListDeleted", update(List, key = id, set(deleted = true)))]
    Deleted {
        /// Which.
        id: String,
    },
}

/// What can happen to todos.
#[derive(Clone, Debug, Event, Serialize, Deserialize)]
pub enum TodoEvent {
    /// There is something new to do.
    #[event(
        name = "v1.TodoCreated",
        sql(
            "INSERT INTO todos (id, list_id, text, position) VALUES (:id, :list_id, :text, :position)",
            "UPDATE lists SET deleted = FALSE WHERE id = :list_id AND deleted"
        )
    )]
    Created {
        /// Its identity.
        id: String,
        /// The list that it is in.
        list_id: String,
        /// What is to be done.
        text: String,
        /// Where it stands.
        position: String,
    },
    /// It is to be done differently.
    #[event(name = "v1.TodoTextChanged", update(Todo, key = id))]
    TextChanged {
        /// Which.
        id: String,
        /// What is to be done now.
        text: String,
    },
    /// It is done.
    #[event(name = "v1.TodoCompleted", update(Todo, key = id, set(completed = true)))]
    Completed {
        /// Which.
        id: String,
    },
    /// It is not done after all.
    #[event(name = "v1.TodoReopened", update(Todo, key = id, set(completed = false)))]
    Reopened {
        /// Which.
        id: String,
    },
    /// It stands elsewhere in its list.
    #[event(name = "v1.TodoMoved", update(Todo, key = id))]
    Moved {
        /// Which.
        id: String,
        /// Where it stands now.
        position: String,
    },
    /// It need not be done.
    #[event(name = "v1.TodoDeleted", delete(Todo, key = id))]
    Deleted {
        /// Which.
        id: String,
    },
    /// All that is done in a list is cleared away.
    #[event(name = "v1.CompletedCleared", sql = "DELETE FROM todos WHERE list_id = :list_id AND completed")]
    CompletedCleared {
        /// The list.
        list_id: String,
    },
}

/// Which todos of a list are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Filter {
    /// All of them.
    #[default]
    All,
    /// Those that are to be done.
    Active,
    /// Those that are done.
    Completed,
}

/// The colours of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Theme {
    /// As the desktop says.
    #[default]
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// The state of the window: kept over restarts, and never sent to anybody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Document, Serialize, Deserialize)]
#[document(name = "ui")]
pub struct Ui {
    /// The list that is shown.
    pub list: String,
    /// Which of its todos are.
    pub filter: Filter,
    /// The colours.
    pub theme: Theme,
    /// Whether the eventlog is shown.
    pub log: bool,
}

/// A list with its counts.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct ListRow {
    /// Its identity.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Where it stands among the lists.
    pub position: String,
    /// How many of its todos are to be done.
    pub active: usize,
    /// How many it has.
    pub total: usize,
}

/// The lists as they are shown, in order.
pub const LISTS: &str = "\
SELECT lists.id, lists.name, lists.position, count(todos.id) AS total,
       count(todos.id) FILTER (WHERE NOT todos.completed) AS active
FROM lists LEFT JOIN todos ON todos.list_id = lists.id
WHERE NOT lists.deleted
GROUP BY lists.id ORDER BY lists.position, lists.id";

/// The schema of the app.
#[must_use]
pub fn schema() -> Schema {
    Schema::builder().table::<List>().table::<Todo>().event::<ListEvent>().event::<TodoEvent>().document::<Ui>().build()
}
