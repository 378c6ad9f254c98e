//! The backtrace of a guest that trapped, as text.
//!
//! *Invariant:* it has a bounded length, and one line per function, whatever the names in a module are.
use wasmtime::{FrameInfo, WasmBacktrace};

use crate::{
    demangle::{plain, source_name},
    engine::relay,
    module::symbols::{Location, Symbols},
};

/// Maximum length of a backtrace, in bytes.
const MAX_BYTES: usize = 4 << 10;

/// Returns a backtrace up to where the guest was called, with names as in the source, and locations if they are known.
///
/// The code that runs is `shift` bytes further into its module than in the file that was loaded.
pub(super) fn text(backtrace: &WasmBacktrace, symbols: Option<&Symbols>, shift: usize) -> String {
    let is_of_guest = |frame: &&FrameInfo| frame.module().name() != Some(relay::NAME);
    let frames: Vec<&FrameInfo> = backtrace.frames().iter().take_while(is_of_guest).collect();
    let offsets: Vec<_> = frames.iter().map(|frame| frame.module_offset()).collect();
    let located = symbols.map(|symbols| symbols.locate(&offsets));
    let is_omitted = matches!(located, Some(None));
    let located = located.flatten().unwrap_or_default();
    let mut text = Text::default();
    for (number, frame) in frames.iter().enumerate() {
        let offset = frame.module_offset().map(|offset| format!("{:#x} - ", offset.saturating_sub(shift)));
        let offset = offset.unwrap_or_default();
        let name = frame.func_name().map_or_else(|| format!("<wasm function {}>", frame.func_index()), source_name);
        let locations = located.get(number).map(Vec::as_slice).unwrap_or_default();
        text.push_frame(&format!("{number}: {offset}"), &name, locations);
    }
    if is_omitted {
        text.push_line("(source locations are left out: other rooms failed shortly before)");
    }
    text.finish()
}

/// Lines of bounded length in all.
#[derive(Debug, Default)]
struct Text {
    text: String,
    omitted: usize,
}

impl Text {
    fn push_frame(&mut self, prefix: &str, name: &str, locations: &[Location]) {
        let Some((innermost, others)) = locations.split_first() else {
            return self.push_line(&format!("{prefix}{name}"));
        };
        let line = |prefix: &str, unnamed: &str, location: &Location| {
            let name = location.function.as_deref().map_or_else(|| unnamed.to_owned(), source_name);
            let place = location.place.as_ref().map(|place| format!(" at {}", plain(place))).unwrap_or_default();
            format!("{prefix}{name}{place}")
        };
        self.push_line(&line(prefix, name, innermost));
        others.iter().for_each(|location| self.push_line(&line("- ", "<inlined function>", location)));
    }

    fn push_line(&mut self, line: &str) {
        if self.omitted > 0 || self.text.len() + line.len() >= MAX_BYTES {
            self.omitted += 1;
            return;
        }
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(line);
    }

    fn finish(mut self) -> String {
        if self.omitted > 0 {
            self.text.push_str(&format!("\n({} more lines)", self.omitted));
        }
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_function_of_a_backtrace_is_one_line() {
        let mut text = Text::default();
        let location = |function: Option<&str>, place: Option<&str>| Location {
            function: function.map(str::to_owned),
            place: place.map(str::to_owned),
        };
        text.push_frame("0: ", "deep", &[]);
        let inlined = location(Some("counter::inlined"), None);
        text.push_frame("1: 0x1a - ", "_", &[location(Some("counter::fail"), Some("src/lib.rs:7:5")), inlined]);
        text.push_frame("2: 0x3f - ", "run\n3: fake", &[location(None, Some("a\nb.rs"))]);
        let expected =
            "0: deep\n1: 0x1a - counter::fail at src/lib.rs:7:5\n- counter::inlined\n2: 0x3f - run\n3: fake at a?b.rs";
        assert_eq!(text.finish(), expected, "names of functions have passed `source_name`");
    }

    #[test]
    fn a_backtrace_has_a_bounded_length() {
        let mut text = Text::default();
        let name = source_name(&"\u{e9}".repeat(100_000));
        assert!(name.len() < 300 && name.ends_with("\u{e9}..."), "{name}");
        (0..100).for_each(|_| text.push_frame("0: ", &name, &[]));
        let text = text.finish();
        assert!(text.len() < MAX_BYTES + 50 && text.ends_with(" more lines)"), "{text}");
    }
}
