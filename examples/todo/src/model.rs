//! The app without its window: what is shown, and what can be done.

use std::sync::Arc;

use headwater::query::IntoQuery;
use headwater::{DocumentHandle, LiveQuery, Result, Store, Table, nanoid, params, sql};

use crate::position;
use crate::schema::{Filter, LISTS, ListEvent, ListRow, Theme, Todo, TodoEvent, Ui};

/// The list that every store begins with. All clients make it with the same id, so that it is one.
pub const INBOX: &str = "inbox";

/// Most events of one commit when many todos are made.
const FILL_BATCH: usize = 500;

/// What a person does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Adds a todo to the list that is shown.
    Add(String),
    /// Changes the text of a todo.
    Edit {
        /// Which.
        id: String,
        /// The new text.
        text: String,
    },
    /// Completes a todo, or reopens it.
    SetCompleted {
        /// Which.
        id: String,
        /// Whether it is done.
        completed: bool,
    },
    /// Moves a todo to this place among those that are shown, counted without it.
    Move {
        /// Which.
        id: String,
        /// Its new place, from 0.
        to: usize,
    },
    /// Deletes a todo.
    Delete(String),
    /// Clears away what is done in the list that is shown.
    ClearCompleted,
    /// Makes a list and shows it.
    CreateList(String),
    /// Renames a list.
    RenameList {
        /// Which.
        id: String,
        /// The new name.
        name: String,
    },
    /// Deletes a list.
    DeleteList(String),
    /// Shows a list.
    ShowList(String),
    /// Shows only some todos.
    SetFilter(Filter),
    /// Changes the colours.
    SetTheme(Theme),
    /// Shows or hides the eventlog.
    ShowLog(bool),
    /// Goes online or offline.
    SetOnline(bool),
}

/// What is shown of the data.
pub struct Model {
    store: Store,
    document: DocumentHandle<Ui>,
    stored_ui: LiveQuery<String>,
    seen_ui: Arc<Vec<String>>,
    ui: Ui,
    lists: LiveQuery<ListRow>,
    /// Of the list and the filter that it was made for.
    todos: LiveQuery<Todo>,
    todos_of: (String, Filter),
}

impl Model {
    /// Shows a store, and gives it its first list if it has none.
    ///
    /// # Errors
    /// What the store returns.
    pub fn new(store: Store) -> Result<Self> {
        let lists = store.live_query(sql::<ListRow>(LISTS, params![]))?;
        let document = store.document::<Ui>()?;
        let stored_ui = document.live()?;
        let (seen_ui, ui) = (stored_ui.get(), document.get()?);
        if lists.get().is_empty() && store.query(sql::<i64>("SELECT 1 FROM lists LIMIT 1", params![]))?.is_empty() {
            let (id, name) = (INBOX.to_owned(), "Inbox".to_owned());
            store.commit(ListEvent::Created { id, name, position: position::between(None, None) })?;
        }
        let todos_of = (shown_list(&ui, &lists), ui.filter);
        let todos = store.live_query(todos_query(&todos_of.0, todos_of.1))?;
        Ok(Self { store, document, stored_ui, seen_ui, ui, lists, todos, todos_of })
    }

    /// Follows what was changed elsewhere: another window of the same client may have chosen another list, and another
    /// client may have deleted the one that is shown. Costs nothing if nothing changed.
    ///
    /// # Errors
    /// What the store returns.
    pub fn refresh(&mut self) -> Result<()> {
        let stored = self.stored_ui.get();
        if !Arc::ptr_eq(&stored, &self.seen_ui) {
            self.ui = self.document.get()?;
            self.seen_ui = stored;
        }
        let shown = (shown_list(&self.ui, &self.lists), self.ui.filter);
        if shown != self.todos_of {
            self.todos = self.store.live_query(todos_query(&shown.0, shown.1))?;
            self.todos_of = shown;
        }
        Ok(())
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The lists with their counts.
    #[must_use]
    pub fn lists(&self) -> &LiveQuery<ListRow> {
        &self.lists
    }

    /// The todos that are shown.
    #[must_use]
    pub fn todos(&self) -> &LiveQuery<Todo> {
        &self.todos
    }

    /// The stored state of the window, to hear of changes.
    #[must_use]
    pub fn stored_ui(&self) -> &LiveQuery<String> {
        &self.stored_ui
    }

    /// The state of the window.
    #[must_use]
    pub fn ui(&self) -> &Ui {
        &self.ui
    }

    /// The list that is shown; empty if there is none.
    #[must_use]
    pub fn list_id(&self) -> &str {
        &self.todos_of.0
    }

    /// What the todos are of: another list or filter means another live query.
    #[must_use]
    pub fn todos_of(&self) -> &(String, Filter) {
        &self.todos_of
    }

    /// Does what a person wants.
    ///
    /// # Errors
    /// What the store returns. Nothing has changed then.
    pub fn apply(&mut self, action: Action) -> Result<()> {
        match action {
            Action::Add(text) => self.add(text)?,
            Action::Edit { id, text } => self.commit(TodoEvent::TextChanged { id, text })?,
            Action::SetCompleted { id, completed: true } => self.commit(TodoEvent::Completed { id })?,
            Action::SetCompleted { id, completed: false } => self.commit(TodoEvent::Reopened { id })?,
            Action::Move { id, to } => self.move_to(id, to)?,
            Action::Delete(id) => self.commit(TodoEvent::Deleted { id })?,
            Action::ClearCompleted => self.commit(TodoEvent::CompletedCleared { list_id: self.todos_of.0.clone() })?,
            Action::CreateList(name) => self.create_list(name)?,
            Action::RenameList { id, name } => self.store.commit(ListEvent::Renamed { id, name }).map(drop)?,
            Action::DeleteList(id) => self.store.commit(ListEvent::Deleted { id }).map(drop)?,
            Action::ShowList(id) => self.update_ui(|ui| ui.list = id)?,
            Action::SetFilter(filter) => self.update_ui(|ui| ui.filter = filter)?,
            Action::SetTheme(theme) => self.update_ui(|ui| ui.theme = theme)?,
            Action::ShowLog(log) => self.update_ui(|ui| ui.log = log)?,
            Action::SetOnline(online) => self.store.set_online(online)?,
        }
        self.refresh()
    }

    fn commit(&self, event: TodoEvent) -> Result<()> {
        self.store.commit(event).map(drop)
    }

    fn update_ui(&self, change: impl FnOnce(&mut Ui)) -> Result<()> {
        self.document.update(change).map(drop)
    }

    /// A new todo stands first, where it is seen.
    fn add(&self, text: String) -> Result<()> {
        let list_id = self.todos_of.0.clone();
        let position = position::between(None, self.first_position(&list_id)?.as_deref());
        self.commit(TodoEvent::Created { id: nanoid!(), list_id, text, position })?;
        if self.ui.filter == Filter::Completed {
            self.update_ui(|ui| ui.filter = Filter::All)?;
        }
        Ok(())
    }

    fn first_position(&self, list_id: &str) -> Result<Option<String>> {
        let first = "SELECT position FROM todos WHERE list_id = ?1 ORDER BY position LIMIT 1";
        Ok(self.store.query(sql::<String>(first, params![list_id]))?.pop())
    }

    fn move_to(&self, id: String, to: usize) -> Result<()> {
        let todos = self.todos.get();
        let mut others = todos.iter().filter(|todo| todo.id != id).map(|todo| todo.position.as_str());
        let left = to.checked_sub(1).and_then(|left| others.nth(left));
        let position = position::between(left, others.next());
        self.commit(TodoEvent::Moved { id, position })
    }

    fn create_list(&self, name: String) -> Result<()> {
        let lists = self.lists.get();
        let position = position::between(lists.last().map(|list| list.position.as_str()), None);
        let id = nanoid!();
        self.store.commit(ListEvent::Created { id: id.clone(), name, position })?;
        self.update_ui(|ui| ui.list = id)
    }

    /// Adds so many todos at the end of the list that is shown.
    ///
    /// # Errors
    /// What the store returns. Those that were added before stay.
    pub fn fill(&self, count: usize) -> Result<()> {
        let last = "SELECT position FROM todos WHERE list_id = ?1 ORDER BY position DESC LIMIT 1";
        let mut position = self.store.query(sql::<String>(last, params![self.list_id()]))?.pop();
        let numbers: Vec<_> = (1..=count).collect();
        for batch in numbers.chunks(FILL_BATCH) {
            let event = |number: &usize| {
                let next = position::between(position.as_deref(), None);
                position = Some(next.clone());
                let (id, list_id) = (nanoid!(), self.list_id().to_owned());
                TodoEvent::Created { id, list_id, text: format!("Todo {number} of {count}"), position: next }
            };
            self.store.commit(batch.iter().map(event).collect::<Vec<_>>())?;
        }
        Ok(())
    }
}

/// The chosen list, or else the first one.
fn shown_list(ui: &Ui, lists: &LiveQuery<ListRow>) -> String {
    let lists = lists.get();
    let chosen = lists.iter().find(|list| list.id == ui.list).or(lists.first());
    chosen.map(|list| list.id.clone()).unwrap_or_default()
}

fn todos_query(list: &str, filter: Filter) -> headwater::Query<Todo> {
    let todos = Todo::query().filter(Todo::LIST_ID.eq(list)).order_by(Todo::POSITION);
    match filter {
        Filter::All => todos.into_query(),
        Filter::Active => todos.filter(Todo::COMPLETED.eq(false)).into_query(),
        Filter::Completed => todos.filter(Todo::COMPLETED.eq(true)).into_query(),
    }
}
