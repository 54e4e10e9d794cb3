//! The eventlog as it moves.

use egui::{Label, RichText, ScrollArea, Ui};

use super::widgets::dotted;
use super::{Shown, theme};
use crate::log::Line;

pub(super) fn show(ui: &mut Ui, shown: &Shown<'_>) {
    let colours = theme::palette(ui.style());
    ui.horizontal(|ui| {
        ui.label(RichText::new("Eventlog").small().strong().color(colours.muted));
        dotted(ui, "confirmed", colours.good);
        dotted(ui, "pending", colours.waiting);
    });
    ScrollArea::vertical().id_salt("log").auto_shrink([false, false]).stick_to_bottom(true).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        for line in shown.log.confirmed().chain(shown.log.pending()) {
            show_line(ui, line, shown.client);
        }
        let more = shown.log.more_pending();
        if more > 0 {
            ui.label(RichText::new(format!("… and {more} more pending")).small().color(colours.waiting));
        }
    });
}

fn show_line(ui: &mut Ui, line: &Line, own: &str) {
    let colours = theme::palette(ui.style());
    let colour = if line.is_pending { colours.waiting } else { colours.good };
    let by = if line.client == own { String::new() } else { format!("  by {}", line.client) };
    let was = line.was.as_ref().map(|was| format!("  was {was}")).unwrap_or_default();
    let mut text = egui::text::LayoutJob::default();
    let font = egui::TextStyle::Monospace.resolve(ui.style());
    let mut part = |part: &str, colour| text.append(part, 0.0, egui::TextFormat::simple(font.clone(), colour));
    part(&line.place, colour);
    part(&format!(" {}", line.text), colours.text);
    part(&was, colours.accent);
    part(&by, colours.muted);
    ui.add(Label::new(text).truncate());
}
