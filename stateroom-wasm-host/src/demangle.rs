//! Names of functions, as in the source.
//!
//! *Invariant:* a name is one line of a bounded length, whatever a module contains.
use std::fmt::{self, Write};

use cpp_demangle::DemangleOptions;

/// Maximum length of a function's name or a file's path, in bytes.
const MAX_NAME_BYTES: usize = 256;
/// Maximum length of a name while its hashes are removed.
const MAX_DEMANGLED_BYTES: usize = 4 * MAX_NAME_BYTES;

/// Returns a function's name as in the source, without the hashes that tell versions of crates apart.
pub(crate) fn source_name(function: &str) -> String {
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
pub(crate) fn plain(name: &str) -> String {
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
