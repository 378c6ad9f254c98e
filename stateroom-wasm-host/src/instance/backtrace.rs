//! The backtrace of a guest that trapped, as text.
//!
//! *Invariant:* it has a bounded length, and one line per function, whatever the names in a module are.
use std::fmt::{self, Write};

use cpp_demangle::DemangleOptions;
use wasmtime::{FrameInfo, WasmBacktrace};

use crate::{
    engine::relay,
    module::symbols::{Location, Symbols},
};

/// Maximum length of a backtrace, in bytes.
const MAX_BYTES: usize = 4 << 10;
/// Maximum length of a function's name or a file's path, in bytes.
const MAX_NAME_BYTES: usize = 256;
/// Maximum length of a name while its hashes are removed.
const MAX_DEMANGLED_BYTES: usize = 4 * MAX_NAME_BYTES;

/// Returns a backtrace up to where the guest was called, with names as in the source, and locations if they are known.
pub(super) fn text(backtrace: &WasmBacktrace, symbols: Option<&Symbols>) -> String {
    let is_of_guest = |frame: &&FrameInfo| frame.module().name() != Some(relay::NAME);
    let frames: Vec<&FrameInfo> = backtrace.frames().iter().take_while(is_of_guest).collect();
    let offsets: Vec<_> = frames.iter().map(|frame| frame.module_offset()).collect();
    let located = symbols.map(|symbols| symbols.locate(&offsets));
    let is_omitted = matches!(located, Some(None));
    let located = located.flatten().unwrap_or_default();
    let mut text = Text::default();
    for (number, frame) in frames.iter().enumerate() {
        let offset = frame.module_offset().map(|offset| format!("{offset:#x} - ")).unwrap_or_default();
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

/// Returns a function's name as in the source, without the hashes that tell versions of crates apart.
fn source_name(function: &str) -> String {
    let name = demangled(function);
    let name = match name.rsplit_once("::h") {
        Some((name, hash)) if hash.len() == 16 && is_hexadecimal(hash) => name,
        _ => &name,
    };
    let mut parts = name.split('[');
    let mut short = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once(']') {
            Some((hash, rest)) if hash.len() >= 8 && is_hexadecimal(hash) => short.push_str(rest),
            _ => short.extend(["[", part]),
        }
    }
    plain(&short)
}

fn demangled(name: &str) -> String {
    let mut demangled = Cut::default();
    // A demangled name may be much longer than the mangled one; it is complete unless it is cut.
    if let Ok(rust) = rustc_demangle::try_demangle(name) {
        let _ = write!(demangled, "{rust}");
    } else if name.len() <= MAX_DEMANGLED_BYTES
        && let Ok(cpp) = cpp_demangle::Symbol::new(name)
    {
        let _ = cpp.structured_demangle(&mut demangled, &DemangleOptions::default());
    }
    if demangled.0.is_empty() { name.to_owned() } else { demangled.0 }
}

/// A text that accepts no more than a bounded length.
#[derive(Debug, Default)]
struct Cut(String);

impl fmt::Write for Cut {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > MAX_DEMANGLED_BYTES {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

/// Returns a name on one line, and cut if it is long.
fn plain(name: &str) -> String {
    let is_long = name.len() > MAX_NAME_BYTES;
    let name = name.get(..name.floor_char_boundary(MAX_NAME_BYTES)).unwrap_or_default();
    let mut plain = name.replace(char::is_control, "?");
    if is_long {
        plain.push_str("...");
    }
    plain
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
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

    /// Back-references double the length of this name at each level.
    #[test]
    fn demangling_a_short_name_to_a_long_one_ends() {
        let nested: String = (0..60).map(|level| format!("TB{}_", char::from(b'a' + level % 26))).collect();
        for name in [format!("_RIC1aT{nested}E"), format!("_Z1f{}", "PFvS_S_".repeat(100))] {
            assert!(source_name(&name).len() <= MAX_NAME_BYTES + 3, "{name}");
        }
    }

    #[test]
    fn names_are_those_of_the_source() {
        for (name, expected) in [
            ("std[a88812da5ee6ad9e]::sys::f::<core[9f8d08631ff90aa5]::g, !>", "std::sys::f::<core::g, !>"),
            ("probe::lookup::hc7334472e870f7f5", "probe::lookup"),
            ("_ZN5probe6lookup17hc7334472e870f7f5E", "probe::lookup"),
            ("_ZN3foo3barEv", "foo::bar()"),
            ("<probe::Probe as a::Service>::message::hbadbc96591790795", "<probe::Probe as a::Service>::message"),
            ("core::f::<[u8; 4], [T], !>", "core::f::<[u8; 4], [T], !>"),
            ("memcpy", "memcpy"),
            ("a\nb", "a?b"),
        ] {
            assert_eq!(source_name(name), expected);
        }
    }
}
