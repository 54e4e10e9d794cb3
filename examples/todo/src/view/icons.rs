//! Signs, drawn with lines: no font has to have them.

use std::f32::consts::TAU;

use egui::{Color32, Painter, Pos2, Shape, Stroke, Vec2, vec2};

/// A sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Icon {
    /// A bin.
    Delete,
    /// A pencil.
    Edit,
    Plus,
    Cross,
    /// Three lines.
    Menu,
    Sun,
    Moon,
    Question,
    /// Lines with a dot before each.
    Log,
}

impl Icon {
    /// Draws it around a centre, 16 points wide.
    pub(super) fn paint(self, painter: &Painter, centre: Pos2, colour: Color32) {
        let stroke = Stroke::new(1.5, colour);
        let line = |points: &[(f32, f32)]| {
            let points = points.iter().map(|(x, y)| centre + vec2(*x, *y)).collect();
            painter.add(Shape::line(points, stroke));
        };
        match self {
            Self::Delete => {
                line(&[(-6.0, -4.0), (6.0, -4.0)]);
                line(&[(-2.0, -4.0), (-2.0, -6.5), (2.0, -6.5), (2.0, -4.0)]);
                line(&[(-4.5, -4.0), (-3.8, 6.5), (3.8, 6.5), (4.5, -4.0)]);
                line(&[(-1.3, -1.0), (-1.1, 3.8)]);
                line(&[(1.3, -1.0), (1.1, 3.8)]);
            }
            Self::Edit => {
                line(&[(-6.0, 6.0), (-5.2, 2.4), (3.4, -6.2), (6.2, -3.4), (-2.4, 5.2), (-6.0, 6.0)]);
                line(&[(1.2, -4.0), (4.0, -1.2)]);
            }
            Self::Plus => {
                line(&[(-6.0, 0.0), (6.0, 0.0)]);
                line(&[(0.0, -6.0), (0.0, 6.0)]);
            }
            Self::Cross => {
                line(&[(-4.5, -4.5), (4.5, 4.5)]);
                line(&[(-4.5, 4.5), (4.5, -4.5)]);
            }
            Self::Menu => [-4.5, 0.0, 4.5].iter().for_each(|y| line(&[(-6.5, *y), (6.5, *y)])),
            Self::Log => [-4.5, 0.0, 4.5].iter().for_each(|y| {
                painter.circle_filled(centre + vec2(-5.5, *y), 1.3, colour);
                line(&[(-2.5, *y), (6.5, *y)]);
            }),
            Self::Sun => sun(painter, centre, stroke),
            Self::Moon => moon(painter, centre, stroke),
            Self::Question => question(painter, centre, stroke),
        }
    }
}

fn sun(painter: &Painter, centre: Pos2, stroke: Stroke) {
    painter.circle_stroke(centre, 3.2, stroke);
    for ray in 0..8_u8 {
        let direction = Vec2::angled(TAU * f32::from(ray) / 8.0);
        painter.line_segment([centre + direction * 5.2, centre + direction * 7.2], stroke);
    }
}

/// Most of a circle, and back along a smaller one that cuts it.
fn moon(painter: &Painter, centre: Pos2, stroke: Stroke) {
    let outer = arc(centre, 6.5, 0.028, 0.722);
    let inner = arc(centre + vec2(3.2, -3.2), 5.4, 0.601, 0.149);
    painter.add(Shape::closed_line([outer, inner].concat(), stroke));
}

fn question(painter: &Painter, centre: Pos2, stroke: Stroke) {
    let mut points = arc(centre + vec2(0.0, -3.0), 3.2, -0.5, 0.17);
    points.push(centre + vec2(0.0, 1.2));
    points.push(centre + vec2(0.0, 2.6));
    painter.add(Shape::line(points, stroke));
    painter.circle_filled(centre + vec2(0.0, 5.8), 1.2, stroke.color);
}

/// Points on a circle, from one turn to another.
fn arc(centre: Pos2, radius: f32, from: f32, to: f32) -> Vec<Pos2> {
    (0..=16_u8)
        .map(|step| centre + radius * Vec2::angled(TAU * egui::lerp(from..=to, f32::from(step) / 16.0)))
        .collect()
}
