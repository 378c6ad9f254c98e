//! How cursors look.
use std::f64::consts::TAU;

use web_sys::CanvasRenderingContext2d;

use crate::scene::Scene;

/// The outline of an arrow with its tip at the origin.
const ARROW: [[f64; 2]; 7] =
    [[0.0, 0.0], [0.0, 19.0], [4.6, 15.0], [8.0, 22.2], [11.2, 20.8], [7.8, 13.8], [13.6, 13.2]];
const FONT: &str = "600 12px system-ui, sans-serif";
const NAMES: [&str; 16] =
    ["Fox", "Owl", "Elk", "Bee", "Cat", "Yak", "Ant", "Hen", "Ram", "Emu", "Cod", "Doe", "Eel", "Jay", "Koi", "Pug"];

/// Draws all cursors on a canvas of that many pixels, `ratio` of them to what CSS calls one.
pub(crate) fn paint(pen: &CanvasRenderingContext2d, scene: &Scene, [width, height]: [f64; 2], ratio: f64) {
    // What cannot be drawn is not drawn: none of these has a way to fail here.
    let _ = pen.set_transform(ratio, 0.0, 0.0, ratio, 0.0, 0.0);
    pen.clear_rect(0.0, 0.0, width / ratio, height / ratio);
    pen.set_font(FONT);
    pen.set_line_width(1.5);
    pen.set_line_join("round");
    pen.set_stroke_style_str("white");
    for (client, [x, y]) in scene.others() {
        // On whole pixels of the screen, so that what rests is sharp.
        let [x, y] = [x * width, y * height].map(f64::round);
        let _ = pen.set_transform(ratio, 0.0, 0.0, ratio, x, y);
        pen.set_fill_style_str(&colour(client));
        arrow(pen);
        label(pen, &name(client));
    }
}

fn arrow(pen: &CanvasRenderingContext2d) {
    pen.begin_path();
    for [x, y] in ARROW {
        pen.line_to(x, y);
    }
    pen.close_path();
    pen.fill();
    pen.stroke();
}

fn label(pen: &CanvasRenderingContext2d, name: &str) {
    let width = pen.measure_text(name).map_or(0.0, |text| text.width());
    let (left, top, round) = (12.0, 20.0, 9.0);
    pen.begin_path();
    let _ = pen.arc(left + round, top + round, round, TAU / 4.0, TAU * 0.75);
    let _ = pen.arc(left + round + width, top + round, round, -TAU / 4.0, TAU / 4.0);
    pen.fill();
    pen.set_fill_style_str("white");
    let _ = pen.fill_text(name, left + round, top + 13.0);
}

/// Neighbours get colours that are far apart, and all of them carry white text, by day and by night.
fn colour(client: u32) -> String {
    format!("hsl({} 65% 40%)", u64::from(client) * 137 % 360)
}

/// A name that is the same in every window.
fn name(client: u32) -> String {
    let (round, place) = (client / 16, client as usize % NAMES.len());
    let name = NAMES.get(place).copied().unwrap_or_default();
    if round == 0 { name.to_owned() } else { format!("{name} {}", round + 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_called_like_another() {
        let names: std::collections::BTreeSet<String> = (0..1000).map(name).collect();
        assert_eq!(names.len(), 1000);
        assert_eq!((name(1), name(17)), ("Owl".to_owned(), "Owl 2".to_owned()));
    }

    #[test]
    fn neighbours_have_other_colours() {
        assert_eq!((colour(1), colour(2)), ("hsl(137 65% 40%)".to_owned(), "hsl(274 65% 40%)".to_owned()));
        assert!(colour(u32::MAX).starts_with("hsl("), "no number is too large");
    }
}
