//! The bar at the bottom: what the connection is like, and the three heads.

use egui::{Color32, Label, RichText, Ui, vec2};
use headwater::{Health, SeqNum, SyncStatus};

use super::icons::Icon;
use super::theme;
use super::widgets::{dotted, icon_button, switch};
use super::{Shown, ViewState};
use crate::log::notation;
use crate::model::Action;

pub(super) fn show(ui: &mut Ui, shown: &Shown<'_>, state: &mut ViewState, actions: &mut Vec<Action>) {
    notice(ui, state);
    let status = shown.status;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(10.0, 4.0);
        if status.health != Health::LocalOnly {
            let online = status.health != Health::Paused;
            if switch(ui, online, "Online").on_hover_text("Online or offline (your work goes on either way)").clicked()
            {
                actions.push(Action::SetOnline(!online));
            }
        }
        let (colour, text) = health(ui, status);
        dotted(ui, &text, colour).on_hover_text(reason(&status.health).unwrap_or(&text));
        let muted = theme::palette(ui.style()).muted;
        for (text, hint) in heads(status) {
            small(ui, &text, muted).on_hover_text(hint);
        }
        small(ui, &format!("client {}", shown.client), muted).on_hover_text(shown.title);
    });
}

fn small(ui: &mut Ui, text: &str, colour: Color32) -> egui::Response {
    ui.add(Label::new(RichText::new(text).small().color(colour)).extend())
}

/// What went wrong last.
fn notice(ui: &mut Ui, state: &mut ViewState) {
    let Some(text) = &state.notice else { return };
    let colour = theme::palette(ui.style()).bad;
    let dismissed = ui.horizontal(|ui| {
        let dismissed = icon_button(ui, Icon::Cross, "Dismiss the message").clicked();
        ui.add(Label::new(RichText::new(text).small().color(colour)).wrap());
        dismissed
    });
    if dismissed.inner {
        state.notice = None;
    }
}

fn health(ui: &Ui, status: &SyncStatus) -> (Color32, String) {
    let colours = theme::palette(ui.style());
    let pending = match status.pending {
        0 => String::new(),
        pending => format!(", {pending} pending"),
    };
    match &status.health {
        Health::LocalOnly => (colours.muted, "On this machine only".to_owned()),
        Health::Paused => (colours.waiting, format!("Offline{pending}")),
        Health::Connecting => (colours.waiting, format!("Connecting{pending}")),
        Health::Online if status.is_synced => (colours.good, "In sync".to_owned()),
        Health::Online => (colours.waiting, format!("Syncing{pending}")),
        Health::Offline { .. } => (colours.waiting, format!("Can't reach the backend{pending}")),
        Health::Refused { reason } => (colours.bad, format!("The backend refuses: {reason}{pending}")),
        Health::BackendChanged { reason } => (colours.bad, format!("Another backend: {reason}{pending}")),
        Health::Fault { reason } => (colours.bad, format!("Fault: {reason}{pending}")),
        _ => (colours.waiting, format!("Unknown{pending}")),
    }
}

fn reason(health: &Health) -> Option<&str> {
    match health {
        Health::Offline { reason } | Health::Refused { reason } | Health::BackendChanged { reason } => Some(reason),
        _ => None,
    }
}

/// The three heads, each with what it means.
fn heads(status: &SyncStatus) -> [(String, &'static str); 3] {
    let heads = status.heads;
    let place = |seq: SeqNum| notation(seq, seq.global > status.upstream_head.global);
    let backend = heads.backend.map_or_else(|| "–".to_owned(), |head| format!("e{head}"));
    [
        (format!("session {}", place(heads.session)), "The last event that this window shows"),
        (format!("leader {}", place(heads.leader)), "The last event in this client's log"),
        (format!("backend {backend}"), "The last event in the backend's log, as last heard"),
    ]
}
