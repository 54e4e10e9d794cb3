//! What is on the screen: functions from what is shown to what the person wants.
//!
//! Nothing here reads the store or commits. What only this window remembers, such as a text that is being edited, is in
//! [`ViewState`].

pub mod theme;

mod dialogs;
mod header;
mod icons;
mod keys;
mod lists;
mod log;
mod row;
mod status;
mod todos;
mod widgets;

use egui::{CentralPanel, Frame, Margin, Panel, Ui};
use headwater::SyncStatus;

use crate::log::Log;
use crate::model::Action;
use crate::schema::{ListRow, Todo, Ui as UiDocument};

/// Below this width the lists and the log have no place beside the todos.
const WIDE: f32 = 640.0;
/// From this width on, both have.
const VERY_WIDE: f32 = 980.0;

/// What is shown.
pub struct Shown<'a> {
    /// The name of the window.
    pub title: &'a str,
    /// The id of the client.
    pub client: &'a str,
    /// All lists, in order.
    pub lists: &'a [ListRow],
    /// The one that is shown; empty if there is none.
    pub list_id: &'a str,
    /// Its todos, as filtered, in order.
    pub todos: &'a [Todo],
    /// What the window remembers over restarts.
    pub ui: &'a UiDocument,
    /// Where the store stands.
    pub status: &'a SyncStatus,
    /// The eventlog.
    pub log: &'a Log,
}

impl Shown<'_> {
    fn list(&self) -> Option<&ListRow> {
        self.lists.iter().find(|list| list.id == self.list_id)
    }

    fn index_of(&self, id: &str) -> Option<usize> {
        self.todos.iter().position(|todo| todo.id == id)
    }
}

/// A text that is being edited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Editing {
    /// What it belongs to.
    pub id: String,
    /// The text so far.
    pub text: String,
    /// Whether the field has been given the focus.
    pub began: bool,
}

impl Editing {
    fn of(id: &str, text: &str) -> Self {
        Self { id: id.to_owned(), text: text.to_owned(), began: false }
    }
}

/// What a window remembers from frame to frame.
#[derive(Debug, Default)]
pub struct ViewState {
    /// The text of the todo to be.
    pub draft: String,
    /// The name of the list to be.
    pub new_list: String,
    /// The todo that the keyboard is on.
    pub selected: Option<String>,
    /// Whether it has to be scrolled to.
    pub scroll_to_selected: bool,
    /// The todo whose text is being edited.
    pub editing: Option<Editing>,
    /// The list whose name is being edited.
    pub renaming: Option<Editing>,
    /// The list that is to be deleted, if the person says so.
    pub deleting: Option<String>,
    /// Whether the lists are shown in a narrow window.
    pub lists_open: bool,
    /// Whether the help is shown.
    pub help: bool,
    /// What went wrong last.
    pub notice: Option<String>,
    /// Whether the field for a new todo is to get the focus.
    pub focus_draft: bool,
    /// Rows that were laid out in the last frame.
    pub rows_laid_out: usize,
}

/// Shows a frame, and returns what the person wants.
pub fn show(ui: &mut Ui, shown: &Shown<'_>, state: &mut ViewState) -> Vec<Action> {
    let mut actions = Vec::new();
    keys::handle(ui.ctx(), shown, state, &mut actions);
    let width = ui.available_width();
    Panel::bottom("status").frame(theme::bar(ui.style())).show(ui, |ui| status::show(ui, shown, state, &mut actions));
    if width >= WIDE {
        Panel::left("lists").exact_size(208.0).resizable(false).frame(theme::side(ui.style())).show(ui, |ui| {
            lists::show(ui, shown, state, &mut actions);
        });
    }
    if shown.ui.log {
        let panel = if width >= VERY_WIDE {
            Panel::right("log").default_size(330.0).min_size(240.0)
        } else {
            Panel::bottom("log").resizable(true).default_size(190.0).min_size(96.0)
        };
        panel.frame(theme::side(ui.style())).show(ui, |ui| log::show(ui, shown));
    }
    let frame = Frame::central_panel(ui.style()).inner_margin(Margin::symmetric(16, 12));
    CentralPanel::default().frame(frame).show(ui, |ui| {
        header::show(ui, shown, state, &mut actions, width < WIDE);
        if width < WIDE && state.lists_open {
            lists::show(ui, shown, state, &mut actions);
        } else {
            todos::show(ui, shown, state, &mut actions);
        }
    });
    dialogs::show(ui, shown, state, &mut actions);
    actions
}
