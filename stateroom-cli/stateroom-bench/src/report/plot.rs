//! Lines in a picture, as SVG: as much of it as the report needs. Its colours come from the page around it.
use std::fmt::Write;

use super::html::escape;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 280.0;
/// What is left around the lines, for words.
const LEFT: f64 = 70.0;
const RIGHT: f64 = 36.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 44.0;

/// A picture of lines.
pub(crate) struct Plot<'a> {
    pub(crate) title: &'a str,
    /// What runs from left to right, and from the bottom up.
    pub(crate) x: Axis<'a>,
    pub(crate) y: Axis<'a>,
    /// Each with its name.
    pub(crate) lines: Vec<(&'a str, Vec<(f64, f64)>)>,
}

/// An axis, and the places on it that are named.
pub(crate) struct Axis<'a> {
    pub(crate) name: &'a str,
    pub(crate) ticks: Vec<(f64, String)>,
}

impl<'a> Axis<'a> {
    /// From 0 up, at round numbers.
    pub(crate) fn linear(name: &'a str, most: f64) -> Self {
        let step = round_up((most / 5.0).max(f64::MIN_POSITIVE));
        let ticks = (0..=(most / step).ceil().max(1.0) as u32).map(|number| f64::from(number) * step);
        Axis { name, ticks: ticks.map(|tick| (tick, number(tick))).collect() }
    }

    /// Of logarithms, at round numbers around all values.
    pub(crate) fn logarithmic(name: &'a str, values: impl Iterator<Item = f64> + Clone) -> Self {
        let least = values.clone().filter(|value| *value > 0.0).fold(f64::INFINITY, f64::min);
        let most = values.fold(0.0, f64::max);
        let (least, most) = if least <= most { (least, most) } else { (1.0, 1.0) };
        let decades = least.log10().floor() as i32..=most.log10().ceil() as i32 + 1;
        let all: Vec<f64> =
            decades.flat_map(|decade| [1.0, 2.0, 5.0].map(|digit| digit * 10_f64.powi(decade))).collect();
        let first = all.iter().rposition(|tick| *tick <= least * 1.000_001).unwrap_or(0);
        let last = all.iter().position(|tick| *tick >= most).unwrap_or(all.len()).max(first + 1);
        let round = all.into_iter().take(last + 1).skip(first);
        Axis { name, ticks: round.map(|tick| (tick.log10(), number(tick))).collect() }
    }

    fn span(&self) -> (f64, f64) {
        let values = || self.ticks.iter().map(|(value, _)| *value);
        (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max))
    }
}

impl Plot<'_> {
    /// The picture.
    pub(crate) fn svg(&self) -> String {
        let mut svg = String::new();
        // Writing to a text cannot fail.
        let _ = self.draw(&mut svg);
        svg
    }

    fn draw(&self, svg: &mut String) -> std::fmt::Result {
        let title = escape(self.title);
        write!(svg, r#"<figure><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}">"#)?;
        write!(svg, r#"<text class="title" x="{LEFT}" y="18">{title}</text>"#)?;
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        let x = |value| LEFT + part(self.x.span(), value) * (right - LEFT);
        let y = |value| bottom - part(self.y.span(), value) * (bottom - TOP);
        for (value, name) in &self.y.ticks {
            let (at, name) = (y(*value), escape(name));
            write!(svg, r#"<path class="grid" d="M{LEFT} {at:.1}H{right}"/>"#)?;
            write!(svg, r#"<text class="end" x="{:.1}" y="{:.1}">{name}</text>"#, LEFT - 6.0, at + 4.0)?;
        }
        for (value, name) in &self.x.ticks {
            let (at, name) = (x(*value), escape(name));
            write!(svg, r#"<path class="grid" d="M{at:.1} {TOP}V{bottom}"/>"#)?;
            write!(svg, r#"<text class="middle" x="{at:.1}" y="{:.1}">{name}</text>"#, bottom + 16.0)?;
        }
        let (middle, below) = ((LEFT + right) / 2.0, HEIGHT - 8.0);
        write!(svg, r#"<text class="middle" x="{middle}" y="{below}">{}</text>"#, escape(self.x.name))?;
        let half = (TOP + bottom) / 2.0;
        let turned = format!(r#"transform="translate(14 {half}) rotate(-90)""#);
        write!(svg, r#"<text class="middle" {turned}>{}</text>"#, escape(self.y.name))?;
        for (place, (name, points)) in self.lines.iter().enumerate() {
            let points: Vec<_> = points.iter().map(|(across, up)| format!("{:.1},{:.1}", x(*across), y(*up))).collect();
            write!(svg, r#"<polyline class="line{place}" points="{}"/>"#, points.join(" "))?;
            let legend = right - 90.0 * (self.lines.len() - place - 1) as f64;
            write!(svg, r#"<text class="end name{place}" x="{legend}" y="18">{}</text>"#, escape(name))?;
        }
        svg.push_str("</svg></figure>\n");
        Ok(())
    }
}

/// Where between two ends a value is, from 0 to 1.
fn part((from, to): (f64, f64), value: f64) -> f64 {
    if to > from { ((value - from) / (to - from)).clamp(0.0, 1.0) } else { 0.0 }
}

/// The next of 1, 2 and 5, times a power of ten.
fn round_up(number: f64) -> f64 {
    let power = 10_f64.powf(number.log10().floor());
    [1.0, 2.0, 5.0].map(|digit| digit * power).into_iter().find(|round| *round >= number).unwrap_or(10.0 * power)
}

/// A round number, short.
fn number(number: f64) -> String {
    match number {
        1e6.. => format!("{}M", number / 1e6),
        1e3.. => format!("{}k", number / 1e3),
        // Of what is left, the digits that a sum of fractions has added.
        _ => format!("{}", (number * 1e6).round() / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(axis: &Axis<'_>) -> Vec<String> {
        axis.ticks.iter().map(|(_, name)| name.clone()).collect()
    }

    #[test]
    fn axes_have_round_numbers_around_all_values() {
        assert_eq!(names(&Axis::linear("", 4321.0)), ["0", "1k", "2k", "3k", "4k", "5k"]);
        assert_eq!(names(&Axis::linear("", 0.5)), ["0", "0.1", "0.2", "0.3", "0.4", "0.5"]);
        assert_eq!(names(&Axis::logarithmic("", [0.3, 7.0].into_iter())), ["0.2", "0.5", "1", "2", "5", "10"]);
        assert_eq!(names(&Axis::logarithmic("", [2.0].into_iter())), ["2", "5"]);
        for nothing in [Axis::linear("", 0.0), Axis::logarithmic("", std::iter::empty())] {
            assert!((2..10).contains(&nothing.ticks.len()), "{:?}", nothing.ticks);
        }
    }

    #[test]
    fn lines_are_within_the_picture() {
        let plot = Plot {
            title: "<b>",
            x: Axis::linear("x", 1.0),
            y: Axis::linear("y", 1.0),
            lines: vec![("a", vec![(0.0, 0.0), (1.0, 1.0), (9.0, -9.0)])],
        };
        let svg = plot.svg();
        assert!(svg.contains("points=\"70.0,236.0 684.0,34.0 684.0,236.0\""), "{svg}");
        assert!(svg.contains("&lt;b&gt;") && !svg.contains("<b>"));
    }
}
