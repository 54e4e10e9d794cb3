//! A todo.

use egui::{
    Align, CornerRadius, CursorIcon, Id, Label, Layout, Rect, RichText, Role, Sense, Ui, UiBuilder, WidgetInfo, vec2,
};

use super::header::{Edited, edit};
use super::icons::Icon;
use super::todos::Dragged;
use super::widgets::{check, handle, icon_button};
use super::{Editing, ViewState, keys, theme};
use crate::model::Action;
use crate::schema::Todo;

/// A todo in this place.
pub(super) fn show(ui: &mut Ui, rect: Rect, todo: &Todo, state: &mut ViewState, actions: &mut Vec<Action>) {
    let colours = theme::palette(ui.style());
    let response = ui.interact(rect, Id::unique(("row", &todo.id)), Sense::CLICK);
    let selected = state.selected.as_deref() == Some(&todo.id);
    let is_dragged = egui::DragAndDrop::payload::<Dragged>(ui.ctx()).is_some_and(|dragged| dragged.id == todo.id);
    response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, selected, &todo.text));
    let inner = rect.shrink2(vec2(0.0, 1.0));
    if selected || is_dragged {
        ui.painter().rect_filled(inner, CornerRadius::same(6), colours.chosen);
    } else if response.contains_pointer() {
        ui.painter().rect_filled(inner, CornerRadius::same(6), colours.hover);
    } else {
        ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, (1.0, colours.line.gamma_multiply(0.6)));
    }
    if response.clicked() {
        state.selected = Some(todo.id.clone());
        keys::focus_todos(ui.ctx());
    }
    if response.double_clicked() {
        state.editing = Some(Editing::of(&todo.id, &todo.text));
    }
    let place = UiBuilder::new()
        .scope_id(Id::unique(("todo", &todo.id)))
        .max_rect(rect.shrink2(vec2(4.0, 0.0)))
        .layout(Layout::left_to_right(Align::Center));
    ui.scope_builder(place, |ui| parts(ui, todo, state, actions));
}

fn parts(ui: &mut Ui, todo: &Todo, state: &mut ViewState, actions: &mut Vec<Action>) {
    ui.spacing_mut().item_spacing.x = 4.0;
    let handle = handle(ui, &format!("Drag “{}”", todo.text));
    handle.dnd_set_drag_payload(Dragged { id: todo.id.clone() });
    if check(ui, todo.completed, &todo.text).clicked() {
        actions.push(Action::SetCompleted { id: todo.id.clone(), completed: !todo.completed });
    }
    ui.add_space(2.0);
    if let Some(mut editing) = state.editing.take_if(|editing| editing.id == todo.id) {
        match edit(ui, &mut editing, "Text of the todo") {
            Edited::Open => state.editing = Some(editing),
            Edited::Cancelled => keys::focus_todos(ui.ctx()),
            Edited::Done(text) => {
                keys::focus_todos(ui.ctx());
                if text != todo.text {
                    actions.push(Action::Edit { id: todo.id.clone(), text });
                }
            }
        }
        return;
    }
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        if icon_button(ui, Icon::Delete, &format!("Delete “{}”", todo.text)).clicked() {
            actions.push(Action::Delete(todo.id.clone()));
        }
        if icon_button(ui, Icon::Edit, &format!("Edit “{}”", todo.text)).clicked() {
            state.selected = Some(todo.id.clone());
            state.editing = Some(Editing::of(&todo.id, &todo.text));
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| text(ui, todo));
    });
}

fn text(ui: &mut Ui, todo: &Todo) {
    let mut text = RichText::new(&todo.text);
    if todo.completed {
        text = text.strikethrough().color(theme::palette(ui.style()).muted);
    }
    ui.add(Label::new(text).truncate()).on_hover_cursor(CursorIcon::Default);
}
