//! The lists.

use egui::{Align, Button, Key, Layout, RichText, ScrollArea, TextEdit, Ui, vec2};

use super::icons::Icon;
use super::theme;
use super::widgets::icon_button;
use super::{Shown, ViewState};
use crate::model::Action;

pub(super) fn show(ui: &mut Ui, shown: &Shown<'_>, state: &mut ViewState, actions: &mut Vec<Action>) {
    let colours = theme::palette(ui.style());
    ui.add_space(2.0);
    ui.label(RichText::new("Lists").small().strong().color(colours.muted));
    ScrollArea::vertical().id_salt("lists").auto_shrink([false, true]).max_height(ui.available_height() - 48.0).show(
        ui,
        |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            for list in shown.lists {
                let chosen = list.id == shown.list_id;
                let count = RichText::new(list.active.to_string()).small().color(colours.muted);
                let button = Button::selectable(chosen, list.name.as_str())
                    .right_text(count)
                    .truncate()
                    .min_size(vec2(ui.available_width(), 34.0));
                let response = ui.add(button).accessible_name(format!("{}, {} active", list.name, list.active));
                if response.clicked() {
                    actions.push(Action::ShowList(list.id.clone()));
                    state.selected = None;
                    state.lists_open = false;
                }
            }
        },
    );
    if shown.lists.is_empty() {
        ui.label(RichText::new("There is no list. Name the first one below.").color(colours.muted));
    }
    new_list(ui, state, actions);
}

fn new_list(ui: &mut Ui, state: &mut ViewState, actions: &mut Vec<Action>) {
    ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
        let add = icon_button(ui, Icon::Plus, "Add the list").clicked();
        let field = TextEdit::singleline(&mut state.new_list)
            .hint_text("New list")
            .desired_width(ui.available_width())
            .margin(vec2(8.0, 6.0));
        let response = ui.add(field).accessible_name("New list");
        let enter = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        let name = state.new_list.trim();
        if (enter || add) && !name.is_empty() {
            actions.push(Action::CreateList(name.to_owned()));
            state.new_list.clear();
            state.lists_open = false;
            state.focus_draft = true;
        }
    });
}
