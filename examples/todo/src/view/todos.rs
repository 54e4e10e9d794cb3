//! The todos of a list. Only the rows that are seen are laid out.

use egui::scroll_area::ScrollBarVisibility;
use egui::{Align, EventFilter, Id, Rect, RichText, Role, ScrollArea, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::theme::{self, ROW};
use super::{Shown, ViewState, row};
use crate::model::Action;
use crate::schema::Filter;

/// The list, which takes the keyboard as a whole.
pub(super) fn id() -> Id {
    Id::unique("todos")
}

/// The todo that is being dragged.
#[derive(Clone)]
pub(super) struct Dragged {
    pub(super) id: String,
}

pub(super) fn show(ui: &mut Ui, shown: &Shown<'_>, state: &mut ViewState, actions: &mut Vec<Action>) {
    state.rows_laid_out = 0;
    if shown.todos.is_empty() {
        empty(ui, shown);
        return;
    }
    take_keyboard(ui, shown);
    ui.spacing_mut().item_spacing.y = 0.0;
    let area = ScrollArea::vertical()
        .id_salt(("todos", shown.list_id))
        .auto_shrink([false, false])
        .scroll_bar_visibility(ScrollBarVisibility::VisibleWhenNeeded);
    let output = area.show_viewport(ui, |ui, viewport| {
        ui.set_height(ROW * shown.todos.len() as f32);
        let top = ui.max_rect().top();
        if std::mem::take(&mut state.scroll_to_selected) {
            scroll_to_selected(ui, shown, state, top);
        }
        let first = (viewport.min.y / ROW).floor().max(0.0) as usize;
        let last = ((viewport.max.y / ROW).ceil() as usize).min(shown.todos.len());
        state.rows_laid_out = last.saturating_sub(first);
        for at in first..last {
            let left_top = pos2(ui.max_rect().left(), top + at as f32 * ROW);
            let rect = Rect::from_min_size(left_top, vec2(ui.available_width(), ROW));
            row::show(ui, rect, &shown.todos[at], state, actions);
        }
        top
    });
    drop_dragged(ui, shown, actions, output.inner, output.inner_rect);
}

/// A widget behind the rows that has the focus when a row is chosen, and keeps the arrow keys for it.
fn take_keyboard(ui: &mut Ui, shown: &Shown<'_>) {
    let response = ui.interact(ui.available_rect_before_wrap(), id(), Sense::focusable_noninteractive());
    let name = format!("Todos, {}", shown.todos.len());
    response.widget_info(|| WidgetInfo::labeled(Role::ListBox, ui.is_enabled(), &name));
    let arrows = EventFilter { vertical_arrows: true, escape: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(id(), arrows));
}

fn scroll_to_selected(ui: &Ui, shown: &Shown<'_>, state: &ViewState, top: f32) {
    let Some(at) = state.selected.as_deref().and_then(|id| shown.index_of(id)) else { return };
    let y = top + at as f32 * ROW;
    let rect = Rect::from_min_max(pos2(ui.max_rect().left(), y), pos2(ui.max_rect().right(), y + ROW));
    ui.scroll_to_rect(rect, None);
}

/// Shows where a dragged todo would go, and lets it go there.
fn drop_dragged(ui: &Ui, shown: &Shown<'_>, actions: &mut Vec<Action>, top: f32, area: Rect) {
    let Some(dragged) = egui::DragAndDrop::payload::<Dragged>(ui.ctx()) else { return };
    let Some(pointer) = ui.ctx().pointer_interact_pos() else { return };
    let Some(from) = shown.index_of(&dragged.id) else { return };
    scroll_at_edges(ui, area, pointer.y);
    let gap = ((pointer.y - top) / ROW).round().clamp(0.0, shown.todos.len() as f32) as usize;
    let y = (top + gap as f32 * ROW).clamp(area.top(), area.bottom());
    let stroke = Stroke::new(2.0, theme::palette(ui.style()).accent);
    ui.painter().hline(area.x_range(), y, stroke);
    if ui.input(|input| input.pointer.any_released()) {
        egui::DragAndDrop::clear_payload(ui.ctx());
        // Without itself, what is behind it stands one place earlier.
        let to = if gap > from { gap - 1 } else { gap };
        if to != from {
            actions.push(Action::Move { id: dragged.id.clone(), to });
        }
    }
}

fn scroll_at_edges(ui: &Ui, area: Rect, y: f32) {
    let speed = if y < area.top() + ROW {
        6.0
    } else if y > area.bottom() - ROW {
        -6.0
    } else {
        return;
    };
    ui.scroll_with_delta(vec2(0.0, speed));
    ui.ctx().request_repaint();
}

fn empty(ui: &mut Ui, shown: &Shown<'_>) {
    let total = shown.list().map(|list| list.total);
    let (title, hints): (_, &[&str]) = match (total, shown.ui.filter) {
        (None, _) => ("No list yet", &["Write the name of the first one", "where it says “New list”."]),
        (Some(0), _) => ("Nothing to do", &["Write what needs to be done and press Enter.", "Press ? for all keys."]),
        (Some(_), Filter::Completed) => ("Nothing completed", &["Tick a todo, and it will be here."]),
        (Some(_), _) => ("All done", &["Everything in this list is completed."]),
    };
    let colours = theme::palette(ui.style());
    ui.with_layout(egui::Layout::top_down(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.y = 4.0;
        ui.add_space((ui.available_height() * 0.28).min(140.0));
        ui.label(RichText::new(title).size(19.0).strong());
        for hint in hints {
            ui.label(RichText::new(*hint).color(colours.muted));
        }
    });
}
