//! Windows over the window: the help, and a question before a list is deleted.

use egui::{Button, Frame, Grid, Id, Modal, RichText, Ui};

use super::{Shown, ViewState, keys, theme};
use crate::model::Action;

pub(super) fn show(ui: &mut Ui, shown: &Shown<'_>, state: &mut ViewState, actions: &mut Vec<Action>) {
    if state.help {
        help(ui, state);
    }
    if let Some(id) = state.deleting.clone() {
        delete_list(ui, shown, state, actions, &id);
    }
}

fn dialog(ui: &Ui, name: &str) -> Modal {
    Modal::new(Id::unique(name)).frame(Frame::popup(ui.style()).inner_margin(20))
}

fn help(ui: &Ui, state: &mut ViewState) {
    let modal = dialog(ui, "help").show(ui.ctx(), |ui| {
        let muted = theme::palette(ui.style()).muted;
        ui.set_max_width(300.0);
        ui.heading("Keys");
        ui.add_space(4.0);
        ui.spacing_mut().interact_size.y = 0.0;
        Grid::new("keys").num_columns(2).spacing([16.0, 6.0]).show(ui, |ui| {
            for (key, what) in keys::HELP {
                ui.label(RichText::new(*key).strong());
                ui.label(RichText::new(*what).color(muted));
                ui.end_row();
            }
        });
        ui.add_space(8.0);
        ui.button("Close").clicked()
    });
    if modal.inner || modal.should_close() {
        state.help = false;
    }
}

fn delete_list(ui: &Ui, shown: &Shown<'_>, state: &mut ViewState, actions: &mut Vec<Action>, id: &str) {
    let Some(list) = shown.lists.iter().find(|list| list.id == id) else {
        state.deleting = None;
        return;
    };
    let modal = dialog(ui, "delete list").show(ui.ctx(), |ui| {
        ui.set_max_width(280.0);
        ui.heading("Delete this list?");
        ui.label(format!("“{}” and its {} todos will be gone on all devices.", list.name, list.total));
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            let delete = RichText::new("Delete the list").color(theme::palette(ui.style()).bad);
            let delete = ui.add(Button::new(delete)).clicked();
            (delete, ui.button("Keep it").clicked())
        })
        .inner
    });
    let (delete, keep) = modal.inner;
    if delete {
        actions.push(Action::DeleteList(list.id.clone()));
    }
    if delete || keep || modal.should_close() {
        state.deleting = None;
    }
}
