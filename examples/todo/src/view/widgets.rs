//! Parts that egui doesn't have: each has a name for screen readers.

use egui::{
    Color32, CornerRadius, CursorIcon, Label, Rect, Response, RichText, Role, Sense, Stroke, StrokeKind, Ui,
    WidgetInfo, pos2, vec2,
};

use super::icons::Icon;
use super::theme::{self, ICON};

/// A button with a sign on it.
pub(super) fn icon_button(ui: &mut Ui, icon: Icon, name: &str) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(ICON, ICON), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), name));
    let colours = theme::palette(ui.style());
    if response.hovered() {
        ui.painter().rect_filled(rect, CornerRadius::same(6), colours.hover);
    }
    focus_ring(ui, rect, &response);
    let colour = if response.hovered() { colours.text } else { colours.muted };
    icon.paint(ui.painter(), rect.center(), colour);
    response.on_hover_text(name).on_hover_cursor(CursorIcon::PointingHand)
}

/// A round box to tick.
pub(super) fn check(ui: &mut Ui, checked: bool, name: &str) -> Response {
    let (rect, mut response) = ui.allocate_exact_size(vec2(ICON, ICON), Sense::click());
    if response.clicked() {
        response.mark_changed();
    }
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, ui.is_enabled(), checked, name));
    let colours = theme::palette(ui.style());
    let (centre, radius) = (rect.center(), 10.0);
    if checked {
        ui.painter().circle_filled(centre, radius, colours.good);
        let tick = [vec2(-4.5, 0.5), vec2(-1.2, 3.8), vec2(4.8, -3.4)].map(|offset| centre + offset);
        let stroke = Stroke::new(2.0, colours.ground);
        ui.painter().line_segment([tick[0], tick[1]], stroke);
        ui.painter().line_segment([tick[1], tick[2]], stroke);
    } else {
        let colour = if response.hovered() { colours.good } else { colours.muted };
        ui.painter().circle_stroke(centre, radius, Stroke::new(1.5, colour));
    }
    focus_ring(ui, rect, &response);
    response.on_hover_cursor(CursorIcon::PointingHand)
}

/// A switch.
pub(super) fn switch(ui: &mut Ui, on: bool, name: &str) -> Response {
    let (rect, mut response) = ui.allocate_exact_size(vec2(36.0, 20.0), Sense::click());
    if response.clicked() {
        response.mark_changed();
    }
    response.widget_info(|| WidgetInfo::selected(Role::Switch, ui.is_enabled(), on, name));
    let colours = theme::palette(ui.style());
    let place = ui.ctx().animate_bool_responsive(response.id, on);
    let fill = if on { colours.good } else { colours.muted };
    ui.painter().rect_filled(rect, CornerRadius::same(10), fill);
    let centre = pos2(egui::lerp(rect.left() + 10.0..=rect.right() - 10.0, place), rect.center().y);
    ui.painter().circle_filled(centre, 7.5, colours.ground);
    focus_ring(ui, rect, &response);
    response.on_hover_cursor(CursorIcon::PointingHand)
}

/// Dots to drag by.
pub(super) fn handle(ui: &mut Ui, name: &str) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(16.0, ICON), Sense::DRAG);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), name));
    let colours = theme::palette(ui.style());
    let colour =
        if response.hovered() || response.dragged() { colours.text } else { colours.muted.gamma_multiply(0.7) };
    for x in [-2.5, 2.5] {
        for y in [-5.0, 0.0, 5.0] {
            ui.painter().circle_filled(rect.center() + vec2(x, y), 1.5, colour);
        }
    }
    response.on_hover_and_drag_cursor(CursorIcon::Grab)
}

/// A dot and a text, both in this colour.
pub(super) fn dotted(ui: &mut Ui, text: &str, colour: Color32) -> Response {
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.x = 5.0;
        let (rect, _) = ui.allocate_exact_size(vec2(8.0, 16.0), Sense::hover());
        ui.painter().circle_filled(rect.center(), 4.0, colour);
        ui.add(Label::new(RichText::new(text).small().color(colour)).extend())
    })
    .inner
}

/// Shows where the keyboard is.
pub(super) fn focus_ring(ui: &Ui, rect: Rect, response: &Response) {
    if response.has_focus() {
        let stroke = Stroke::new(2.0, theme::palette(ui.style()).accent);
        ui.painter().rect_stroke(rect, CornerRadius::same(6), stroke, StrokeKind::Outside);
    }
}
