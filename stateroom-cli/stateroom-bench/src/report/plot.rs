//! Line plots as SVG. Colors come from the page around them.
use maud::{Markup, html};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 280.0;
/// Margins around the lines, for labels.
const LEFT: f64 = 70.0;
const RIGHT: f64 = 36.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 44.0;
/// Horizontal space for a name in the legend.
const LEGEND_WIDTH: f64 = 90.0;

/// A line plot.
pub(super) struct Plot<'a> {
    pub(super) title: &'a str,
    pub(super) x: Axis<'a>,
    pub(super) y: Axis<'a>,
    /// Name and points of each line.
    pub(super) lines: Vec<(&'a str, Vec<(f64, f64)>)>,
}

/// An axis and its labeled ticks.
pub(super) struct Axis<'a> {
    pub(super) name: &'a str,
    pub(super) ticks: Vec<(f64, String)>,
}

impl<'a> Axis<'a> {
    /// Returns an axis from 0 to at least `max`, with ticks at round numbers.
    pub(super) fn linear(name: &'a str, max: f64) -> Self {
        let step = round_up((max / 5.0).max(f64::MIN_POSITIVE));
        let ticks = (0..=(max / step).ceil().max(1.0) as u32).map(|number| f64::from(number) * step);
        Axis { name, ticks: ticks.map(|tick| (tick, format_tick(tick))).collect() }
    }

    /// Returns an axis of decimal logarithms that includes all values, with ticks at round numbers.
    pub(super) fn logarithmic(name: &'a str, values: impl Iterator<Item = f64> + Clone) -> Self {
        let min = values.clone().filter(|value| *value > 0.0).fold(f64::INFINITY, f64::min);
        let max = values.fold(0.0, f64::max);
        let (min, max) = if min <= max { (min, max) } else { (1.0, 1.0) };
        let decades = min.log10().floor() as i32..=max.log10().ceil() as i32 + 1;
        let ticks: Vec<f64> =
            decades.flat_map(|decade| [1.0, 2.0, 5.0].map(|digit| digit * 10_f64.powi(decade))).collect();
        let first = ticks.iter().rposition(|tick| *tick <= min * 1.000_001).unwrap_or(0);
        let last = ticks.iter().position(|tick| *tick >= max).unwrap_or(ticks.len()).max(first + 1);
        let visible = ticks.into_iter().take(last + 1).skip(first);
        Axis { name, ticks: visible.map(|tick| (tick.log10(), format_tick(tick))).collect() }
    }

    fn range(&self) -> (f64, f64) {
        let values = || self.ticks.iter().map(|(value, _)| *value);
        (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max))
    }
}

impl Plot<'_> {
    /// Renders the plot as a figure.
    pub(super) fn to_svg(&self) -> Markup {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        let (center, middle) = ((LEFT + right) / 2.0, (TOP + bottom) / 2.0);
        let x = |value| LEFT + fraction(self.x.range(), value) * (right - LEFT);
        let y = |value| bottom - fraction(self.y.range(), value) * (bottom - TOP);
        let points = |points: &[(f64, f64)]| {
            points.iter().map(|point| format!("{:.1},{:.1}", x(point.0), y(point.1))).collect::<Vec<_>>().join(" ")
        };
        let legend = |index: usize| right - LEGEND_WIDTH * (self.lines.len() - index - 1) as f64;
        html! {
            figure {
                svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(self.title) {
                    text class="title" x=(format!("{LEFT}")) y="18" { (self.title) }
                    @for (value, name) in &self.y.ticks {
                        path class="grid" d=(format!("M{LEFT} {:.1}H{right}", y(*value))) {}
                        text class="end" x=(format!("{:.1}", LEFT - 6.0)) y=(format!("{:.1}", y(*value) + 4.0)) { (name) }
                    }
                    @for (value, name) in &self.x.ticks {
                        path class="grid" d=(format!("M{:.1} {TOP}V{bottom}", x(*value))) {}
                        text class="middle" x=(format!("{:.1}", x(*value))) y=(format!("{:.1}", bottom + 16.0)) { (name) }
                    }
                    text class="middle" x=(format!("{center}")) y=(format!("{}", HEIGHT - 8.0)) { (self.x.name) }
                    text class="middle" transform=(format!("translate(14 {middle}) rotate(-90)")) { (self.y.name) }
                    @for (index, (name, line)) in self.lines.iter().enumerate() {
                        polyline class=(format!("line{index}")) points=(points(line)) {}
                        text class=(format!("end name{index}")) x=(format!("{}", legend(index))) y="18" { (name) }
                    }
                }
            }
        }
    }
}

/// Returns the position of a value in a range, from 0 to 1.
fn fraction((from, to): (f64, f64), value: f64) -> f64 {
    if to > from { ((value - from) / (to - from)).clamp(0.0, 1.0) } else { 0.0 }
}

/// Returns the next of 1, 2 and 5 times a power of ten.
fn round_up(number: f64) -> f64 {
    let power = 10_f64.powf(number.log10().floor());
    [1.0, 2.0, 5.0].map(|digit| digit * power).into_iter().find(|round| *round >= number).unwrap_or(10.0 * power)
}

/// Formats the label of a tick.
fn format_tick(number: f64) -> String {
    match number {
        1e6.. => format!("{}M", number / 1e6),
        1e3.. => format!("{}k", number / 1e3),
        // Removes the digits that a sum of fractions has added.
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
    fn axes_have_round_ticks_around_all_values() {
        assert_eq!(names(&Axis::linear("", 4321.0)), ["0", "1k", "2k", "3k", "4k", "5k"]);
        assert_eq!(names(&Axis::linear("", 0.5)), ["0", "0.1", "0.2", "0.3", "0.4", "0.5"]);
        assert_eq!(names(&Axis::logarithmic("", [0.3, 7.0].into_iter())), ["0.2", "0.5", "1", "2", "5", "10"]);
        assert_eq!(names(&Axis::logarithmic("", [2.0].into_iter())), ["2", "5"]);
        for empty in [Axis::linear("", 0.0), Axis::logarithmic("", std::iter::empty())] {
            assert!((2..10).contains(&empty.ticks.len()), "{:?}", empty.ticks);
        }
    }

    #[test]
    fn lines_are_clipped_to_the_plot() {
        let plot = Plot {
            title: "<b>",
            x: Axis::linear("x", 1.0),
            y: Axis::linear("y", 1.0),
            lines: vec![("a", vec![(0.0, 0.0), (1.0, 1.0), (9.0, -9.0)])],
        };
        let svg = plot.to_svg().into_string();
        assert!(svg.contains("points=\"70.0,236.0 684.0,34.0 684.0,236.0\""), "{svg}");
        assert!(svg.contains("&lt;b&gt;") && !svg.contains("<b>"), "{svg}");
    }
}
