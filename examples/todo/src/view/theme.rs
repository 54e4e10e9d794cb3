//! Colours, sizes and spaces.

use egui::style::{Selection, TextCursorStyle, WidgetVisuals, Widgets};
use egui::{
    Color32, Context, CornerRadius, FontFamily, FontId, Frame, Margin, Stroke, Style, TextStyle, ThemePreference,
    Visuals, vec2,
};

use crate::schema::Theme;

/// The height of a row.
pub const ROW: f32 = 40.0;
/// The side of a button that has only a sign on it.
pub const ICON: f32 = 28.0;
/// The space between parts.
pub const GAP: f32 = 8.0;

/// The colours of a theme. Text has a contrast of 4.5 to 1 or more on both grounds.
#[derive(Clone, Copy, Debug)]
pub struct Palette {
    /// Behind everything.
    pub ground: Color32,
    /// Behind side panels and bars.
    pub side: Color32,
    /// Behind fields.
    pub field: Color32,
    /// Behind what the pointer is on.
    pub hover: Color32,
    /// Lines.
    pub line: Color32,
    /// Text.
    pub text: Color32,
    /// Text that matters less.
    pub muted: Color32,
    /// What is chosen or can be done.
    pub accent: Color32,
    /// Behind what is chosen.
    pub chosen: Color32,
    /// Good.
    pub good: Color32,
    /// On its way.
    pub waiting: Color32,
    /// Bad.
    pub bad: Color32,
}

const LIGHT: Palette = Palette {
    ground: Color32::from_rgb(0xff, 0xff, 0xff),
    side: Color32::from_rgb(0xf3, 0xf5, 0xf8),
    field: Color32::from_rgb(0xf3, 0xf5, 0xf8),
    hover: Color32::from_rgb(0xe9, 0xed, 0xf2),
    line: Color32::from_rgb(0xd9, 0xdf, 0xe6),
    text: Color32::from_rgb(0x1a, 0x22, 0x2c),
    muted: Color32::from_rgb(0x58, 0x64, 0x71),
    accent: Color32::from_rgb(0x0b, 0x63, 0xbd),
    chosen: Color32::from_rgb(0xdb, 0xe9, 0xf8),
    good: Color32::from_rgb(0x15, 0x72, 0x43),
    waiting: Color32::from_rgb(0x8a, 0x57, 0x00),
    bad: Color32::from_rgb(0xb3, 0x2a, 0x1e),
};

const DARK: Palette = Palette {
    ground: Color32::from_rgb(0x16, 0x1a, 0x20),
    side: Color32::from_rgb(0x1c, 0x21, 0x29),
    field: Color32::from_rgb(0x21, 0x28, 0x31),
    hover: Color32::from_rgb(0x27, 0x2e, 0x38),
    line: Color32::from_rgb(0x33, 0x3c, 0x47),
    text: Color32::from_rgb(0xe7, 0xeb, 0xf0),
    muted: Color32::from_rgb(0x9d, 0xa9, 0xb6),
    accent: Color32::from_rgb(0x6c, 0xb4, 0xfa),
    chosen: Color32::from_rgb(0x1d, 0x3a, 0x57),
    good: Color32::from_rgb(0x55, 0xc9, 0x8d),
    waiting: Color32::from_rgb(0xe5, 0xb5, 0x53),
    bad: Color32::from_rgb(0xf4, 0x7f, 0x74),
};

/// The colours of a style's theme.
#[must_use]
pub fn palette(style: &Style) -> Palette {
    if style.visuals.dark_mode { DARK } else { LIGHT }
}

/// Sets sizes, spaces and the colours of both themes.
pub fn install(ctx: &Context) {
    ctx.all_styles_mut(|style| {
        style.text_styles = [
            (TextStyle::Heading, FontId::new(24.0, FontFamily::Proportional)),
            (TextStyle::Body, FontId::new(15.5, FontFamily::Proportional)),
            (TextStyle::Button, FontId::new(14.5, FontFamily::Proportional)),
            (TextStyle::Small, FontId::new(13.0, FontFamily::Proportional)),
            (TextStyle::Monospace, FontId::new(12.5, FontFamily::Monospace)),
        ]
        .into();
        style.spacing.item_spacing = vec2(GAP, GAP);
        style.spacing.button_padding = vec2(10.0, 5.0);
        style.spacing.interact_size = vec2(ICON, ICON);
        style.spacing.window_margin = Margin::same(20);
        style.interaction.selectable_labels = false;
    });
    ctx.set_visuals_of(egui::Theme::Light, visuals(egui::Theme::Light, &LIGHT));
    ctx.set_visuals_of(egui::Theme::Dark, visuals(egui::Theme::Dark, &DARK));
}

/// Takes the colours that were chosen.
pub fn choose(ctx: &Context, theme: Theme) {
    ctx.set_theme(match theme {
        Theme::System => ThemePreference::System,
        Theme::Light => ThemePreference::Light,
        Theme::Dark => ThemePreference::Dark,
    });
}

fn visuals(theme: egui::Theme, colours: &Palette) -> Visuals {
    let base = theme.default_visuals();
    let radius = CornerRadius::same(6);
    let widget = |fill: Color32, stroke: Color32, text: Color32| WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: Stroke::new(1.0, stroke),
        corner_radius: radius,
        fg_stroke: Stroke::new(1.0, text),
        expansion: 0.0,
    };
    Visuals {
        widgets: Widgets {
            noninteractive: widget(colours.ground, colours.line, colours.text),
            inactive: widget(colours.field, colours.line, colours.text),
            hovered: widget(colours.hover, colours.muted, colours.text),
            active: widget(colours.chosen, colours.accent, colours.text),
            open: widget(colours.hover, colours.line, colours.text),
        },
        selection: Selection { bg_fill: colours.chosen, stroke: Stroke::new(1.5, colours.accent) },
        weak_text_color: Some(colours.muted),
        hyperlink_color: colours.accent,
        faint_bg_color: colours.side,
        extreme_bg_color: colours.field,
        text_edit_bg_color: Some(colours.field),
        code_bg_color: colours.side,
        warn_fg_color: colours.waiting,
        error_fg_color: colours.bad,
        window_corner_radius: CornerRadius::same(10),
        window_fill: colours.ground,
        window_stroke: Stroke::new(1.0, colours.line),
        panel_fill: colours.ground,
        menu_corner_radius: CornerRadius::same(8),
        text_cursor: TextCursorStyle { stroke: Stroke::new(2.0, colours.accent), ..base.text_cursor },
        ..base
    }
}

/// A panel at a side.
pub fn side(style: &Style) -> Frame {
    Frame::new().fill(palette(style).side).inner_margin(Margin::same(12))
}

/// A bar at an edge.
pub fn bar(style: &Style) -> Frame {
    Frame::new().fill(palette(style).side).inner_margin(Margin::symmetric(12, 6))
}
