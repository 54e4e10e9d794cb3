//! All rows of a client, to print and to compare.

use std::fmt;

use headwater::{Result, Store, Table};
use serde::Serialize;

use crate::schema::{List, Todo};

/// All rows of all tables that are in sync. The window's own document is not: it never leaves its client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct State {
    /// The rows of `lists`, by id.
    pub lists: Vec<List>,
    /// The rows of `todos`, by id.
    pub todos: Vec<Todo>,
}

impl State {
    /// Reads the rows.
    ///
    /// # Errors
    /// What the store returns.
    pub fn of(store: &Store) -> Result<Self> {
        let lists = store.query(List::query().order_by(List::ID))?;
        Ok(Self { lists, todos: store.query(Todo::query().order_by(Todo::ID))? })
    }

    /// In what another client differs: a line for each row that is not the same in both. Empty if nothing does.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        differences(&self.lists, &other.lists, &mut lines);
        differences(&self.todos, &other.todos, &mut lines);
        lines
    }
}

fn differences<T: PartialEq + fmt::Debug>(left: &[T], right: &[T], lines: &mut Vec<String>) {
    lines.extend(left.iter().filter(|row| !right.contains(row)).map(|row| format!("- {row:?}")));
    lines.extend(right.iter().filter(|row| !left.contains(row)).map(|row| format!("+ {row:?}")));
}

/// As a person reads it: lists with their todos in order.
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lists: Vec<_> = self.lists.iter().filter(|list| !list.deleted).collect();
        lists.sort_by_key(|list| (&list.position, &list.id));
        for list in lists {
            writeln!(f, "{}", list.name)?;
            let mut todos: Vec<_> = self.todos.iter().filter(|todo| todo.list_id == list.id).collect();
            todos.sort_by_key(|todo| (&todo.position, &todo.id));
            for todo in todos {
                writeln!(f, "  [{}] {}", if todo.completed { "x" } else { " " }, todo.text)?;
            }
        }
        Ok(())
    }
}
