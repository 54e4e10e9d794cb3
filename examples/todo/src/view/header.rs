//! The name of the list, the field for a new todo, and the filters.

use egui::{Align, Button, Id, Key, Layout, RichText, TextEdit, Ui, vec2};

use super::icons::Icon;
use super::theme;
use super::widgets::icon_button;
use super::{Editing, Shown, ViewState};
use crate::model::Action;
use crate::schema::{Filter, ListRow, Theme};

/// The field for a new todo.
pub(super) fn draft_id() -> Id {
    Id::unique("draft")
}

pub(super) fn show(ui: &mut Ui, shown: &Shown<'_>, state: &mut ViewState, actions: &mut Vec<Action>, narrow: bool) {
    ui.horizontal(|ui| {
        if narrow {
            let name = if state.lists_open { "Hide lists" } else { "Show lists" };
            if icon_button(ui, Icon::Menu, name).clicked() {
                state.lists_open = !state.lists_open;
            }
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            window_buttons(ui, shown, state, actions);
            if let Some(list) = shown.list().filter(|_| !state.lists_open || !narrow) {
                list_buttons(ui, list, state);
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| title(ui, list, state, actions));
            } else {
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| ui.heading("Todo"));
            }
        });
    });
    if shown.list().is_some() && !(narrow && state.lists_open) {
        draft(ui, state, actions);
        filters(ui, shown, actions);
    }
}

/// What is for the whole window.
fn window_buttons(ui: &mut Ui, shown: &Shown<'_>, state: &mut ViewState, actions: &mut Vec<Action>) {
    if icon_button(ui, Icon::Question, "Help").clicked() {
        state.help = true;
    }
    let (sign, name, theme) = match ui.visuals().dark_mode {
        true => (Icon::Sun, "Use the light theme", Theme::Light),
        false => (Icon::Moon, "Use the dark theme", Theme::Dark),
    };
    if icon_button(ui, sign, name).clicked() {
        actions.push(Action::SetTheme(theme));
    }
    let name = if shown.ui.log { "Hide the eventlog" } else { "Show the eventlog" };
    if icon_button(ui, Icon::Log, name).clicked() {
        actions.push(Action::ShowLog(!shown.ui.log));
    }
}

/// What is for the list. From right to left.
fn list_buttons(ui: &mut Ui, list: &ListRow, state: &mut ViewState) {
    if icon_button(ui, Icon::Delete, "Delete this list").clicked() {
        state.deleting = Some(list.id.clone());
    }
    if icon_button(ui, Icon::Edit, "Rename this list").clicked() {
        state.renaming = Some(Editing::of(&list.id, &list.name));
    }
}

fn title(ui: &mut Ui, list: &ListRow, state: &mut ViewState, actions: &mut Vec<Action>) {
    match state.renaming.take_if(|renaming| renaming.id == list.id) {
        None => {
            ui.add(egui::Label::new(RichText::new(&list.name).heading()).truncate());
        }
        Some(mut renaming) => match edit(ui, &mut renaming, "Name of the list") {
            Edited::Open => state.renaming = Some(renaming),
            Edited::Cancelled => {}
            Edited::Done(name) if name != list.name => {
                actions.push(Action::RenameList { id: list.id.clone(), name });
            }
            Edited::Done(_) => {}
        },
    }
}

/// What became of a text that is being edited.
pub(super) enum Edited {
    /// It still is.
    Open,
    /// It stays as it was.
    Cancelled,
    /// It is this now.
    Done(String),
}

/// A field for a text that is being edited, over the whole width.
pub(super) fn edit(ui: &mut Ui, editing: &mut Editing, name: &str) -> Edited {
    let field = TextEdit::singleline(&mut editing.text).desired_width(f32::INFINITY).margin(vec2(8.0, 5.0));
    let response = ui.add(field).accessible_name(name);
    if !editing.began {
        editing.began = true;
        response.request_focus();
        return Edited::Open;
    }
    if !response.lost_focus() {
        return Edited::Open;
    }
    let text = editing.text.trim();
    if text.is_empty() || ui.input(|input| input.key_pressed(Key::Escape)) {
        return Edited::Cancelled;
    }
    Edited::Done(text.to_owned())
}

fn draft(ui: &mut Ui, state: &mut ViewState, actions: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        let width = ui.available_width() - 68.0;
        let field = TextEdit::singleline(&mut state.draft)
            .id(draft_id())
            .hint_text("What needs to be done?")
            .desired_width(width)
            .min_size(vec2(0.0, 36.0))
            .align(egui::Align2::LEFT_CENTER)
            .margin(vec2(10.0, 8.0));
        let response = ui.add(field).accessible_name("New todo");
        let enter = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        let text = state.draft.trim().to_owned();
        let button = ui.add_enabled(!text.is_empty(), Button::new("Add").min_size(vec2(60.0, 36.0)));
        if enter || button.clicked() {
            state.draft.clear();
            state.focus_draft = true;
            if !text.is_empty() {
                actions.push(Action::Add(text));
            }
        }
        if std::mem::take(&mut state.focus_draft) {
            response.request_focus();
        }
    });
}

fn filters(ui: &mut Ui, shown: &Shown<'_>, actions: &mut Vec<Action>) {
    let Some(list) = shown.list() else { return };
    let done = list.total - list.active;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        let filters = [
            (Filter::All, "All", list.total),
            (Filter::Active, "Active", list.active),
            (Filter::Completed, "Completed", done),
        ];
        for (filter, name, count) in filters {
            let chosen = shown.ui.filter == filter;
            let button = ui.add(Button::selectable(chosen, RichText::new(format!("{name} {count}")).small()));
            if button.clicked() && !chosen {
                actions.push(Action::SetFilter(filter));
            }
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let clear = Button::new(RichText::new("Clear done").small().color(theme::palette(ui.style()).muted));
            if done > 0 && ui.add(clear.frame_when_inactive(false)).on_hover_text("Delete what is completed").clicked()
            {
                actions.push(Action::ClearCompleted);
            }
        });
    });
}
