//! Draws the cursors.
use std::f64::consts::TAU;

use web_sys::CanvasRenderingContext2d;

use crate::scene::Scene;

/// The outline of an arrow with its tip at the origin.
const ARROW: [[f64; 2]; 7] =
    [[0.0, 0.0], [0.0, 19.0], [4.6, 15.0], [8.0, 22.2], [11.2, 20.8], [7.8, 13.8], [13.6, 13.2]];
const FONT: &str = "600 12px system-ui, sans-serif";
const NAMES: [&str; 16] =
    ["Fox", "Owl", "Elk", "Bee", "Cat", "Yak", "Ant", "Hen", "Ram", "Emu", "Cod", "Doe", "Eel", "Jay", "Koi", "Pug"];

/// Draws all cursors on a canvas of this size in device pixels. `ratio` is the number of device pixels per CSS pixel.
pub(crate) fn paint(context: &CanvasRenderingContext2d, scene: &Scene, [width, height]: [f64; 2], ratio: f64) {
    // None of these calls can fail with these arguments.
    let _ = context.set_transform(ratio, 0.0, 0.0, ratio, 0.0, 0.0);
    context.clear_rect(0.0, 0.0, width / ratio, height / ratio);
    context.set_font(FONT);
    context.set_line_width(1.5);
    context.set_line_join("round");
    context.set_stroke_style_str("white");
    for (client, [x, y]) in scene.others() {
        // Aligned to device pixels, so that cursors at rest are sharp.
        let [x, y] = [x * width, y * height].map(f64::round);
        let _ = context.set_transform(ratio, 0.0, 0.0, ratio, x, y);
        context.set_fill_style_str(&color(client));
        arrow(context);
        label(context, &name(client));
    }
}

fn arrow(context: &CanvasRenderingContext2d) {
    context.begin_path();
    for [x, y] in ARROW {
        context.line_to(x, y);
    }
    context.close_path();
    context.fill();
    context.stroke();
}

fn label(context: &CanvasRenderingContext2d, name: &str) {
    let width = context.measure_text(name).map_or(0.0, |text| text.width());
    let (left, top, radius) = (12.0, 20.0, 9.0);
    context.begin_path();
    let _ = context.arc(left + radius, top + radius, radius, TAU / 4.0, TAU * 0.75);
    let _ = context.arc(left + radius + width, top + radius, radius, -TAU / 4.0, TAU / 4.0);
    context.fill();
    context.set_fill_style_str("white");
    let _ = context.fill_text(name, left + radius, top + 13.0);
}

/// Returns the color of a client. Consecutive IDs get distant hues, and white text is readable on all of them.
fn color(client: u32) -> String {
    format!("hsl({} 65% 40%)", u64::from(client) * 137 % 360)
}

/// Returns the name of a client, which is the same in every window.
fn name(client: u32) -> String {
    let (round, index) = (client / 16, client as usize % NAMES.len());
    let name = NAMES.get(index).copied().unwrap_or_default();
    if round == 0 { name.to_owned() } else { format!("{name} {}", round + 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let names: std::collections::BTreeSet<String> = (0..1000).map(name).collect();
        assert_eq!(names.len(), 1000);
        assert_eq!((name(1), name(17)), ("Owl".to_owned(), "Owl 2".to_owned()));
    }

    #[test]
    fn consecutive_clients_have_different_colors() {
        assert_eq!((color(1), color(2)), ("hsl(137 65% 40%)".to_owned(), "hsl(274 65% 40%)".to_owned()));
        assert!(color(u32::MAX).starts_with("hsl("), "the largest ID has a color");
    }
}
