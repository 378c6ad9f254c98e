//! Crate names.
use std::{path::Path, str::FromStr};

/// A name that cargo accepts for a new crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CrateName(String);

/// Names that cargo, the compiler, Windows or the dependencies of a template use. The keywords are those of Rust's reference.
/// Compared as identifiers, so `_` stands for `-`, too.
const RESERVED: &[&str] = &[
    "aux",
    "axum",
    "con",
    "js_sys",
    "nul",
    "prn",
    "proptest",
    "serde",
    "serde_json",
    "similar",
    "tokio",
    "wasm_bindgen",
    "web_sys",
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "build",
    "const",
    "continue",
    "core",
    "crate",
    "deps",
    "do",
    "dyn",
    "else",
    "enum",
    "examples",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "incremental",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc_macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "stateroom",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "unsafe",
    "use",
    "where",
    "while",
];

impl CrateName {
    /// Returns the name.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name as a Rust identifier.
    pub(super) fn identifier(&self) -> String {
        self.0.replace('-', "_")
    }

    /// Returns a crate name like the name of a directory, such as `my-game` for `My Game`.
    pub(super) fn like(directory: &Path) -> Option<CrateName> {
        let full = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
        let name = full.file_name()?.to_str()?.to_lowercase();
        let words = name.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let name = words.collect::<Vec<_>>().join("-");
        if name.is_empty() {
            return None;
        }
        name.parse().or_else(|_| format!("room-{name}").parse()).ok()
    }

    /// Returns the name of a directory as a crate name.
    ///
    /// # Errors
    ///
    /// Returns an error if it is not a valid one.
    pub(super) fn of_directory(directory: &Path) -> Result<CrateName, String> {
        // `.` and `..` are not names.
        let full = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
        match full.file_name().and_then(|name| name.to_str()) {
            Some(name) => name.parse(),
            None => Err(format!("the directory `{}` has no name", directory.display())),
        }
    }
}

impl FromStr for CrateName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_letter =
            |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_' || letter == '-';
        if text.is_empty() {
            return Err("the crate name is empty".to_owned());
        }
        if let Some(other) = text.chars().find(|letter| !is_letter(*letter)) {
            return Err(format!("`{text}` is not a crate name: `{other}` is not one of a-z, 0-9, `-` and `_`"));
        }
        if !text.starts_with(|first: char| first.is_ascii_alphabetic()) {
            return Err(format!("`{text}` is not a crate name: it must start with a letter"));
        }
        let name = CrateName(text.to_owned());
        let identifier = name.identifier();
        if RESERVED.contains(&&*identifier) || identifier.starts_with("stateroom_") || is_device(text) {
            return Err(format!("`{text}` is a reserved name"));
        }
        if text.len() > 64 {
            return Err("the crate name is longer than 64 characters".to_owned());
        }
        Ok(name)
    }
}

/// Returns whether it is one of the ports that Windows reserves.
fn is_device(name: &str) -> bool {
    let port = name.strip_prefix("com").or_else(|| name.strip_prefix("lpt"));
    port.is_some_and(|number| number.len() == 1 && number.starts_with(|digit: char| digit.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_names_that_cargo_rejects() {
        for text in ["a", "my-game", "my_game2"] {
            assert_eq!(text.parse::<CrateName>().unwrap().as_str(), text);
        }
        for (text, hint) in [
            ("", "is empty"),
            ("my game", "` ` is not one of"),
            ("café", "`é` is not one of"),
            ("../x", "`.` is not one of"),
            ("2048", "must start with a letter"),
            ("-x", "must start with a letter"),
            ("Game", "`G` is not one of"),
            ("con", "reserved"),
            ("serde", "reserved"),
            ("test", "reserved"),
            ("stateroom-server", "reserved"),
            ("stateroom_wasm", "reserved"),
            ("serde-json", "reserved"),
            ("com1", "reserved"),
            (&"x".repeat(65), "longer than 64"),
        ] {
            let error = text.parse::<CrateName>().unwrap_err();
            assert!(error.contains(hint), "{error}");
        }
    }

    #[test]
    fn suggests_a_name() {
        let like = |directory: &str| CrateName::like(Path::new(directory)).map(|name| name.0);
        for (directory, expected) in [
            ("My Game", "my-game"),
            ("games/Pong!", "pong"),
            ("2048", "room-2048"),
            ("test", "room-test"),
            ("café", "caf"),
        ] {
            assert_eq!(like(directory).as_deref(), Some(expected));
        }
        assert_eq!(like("日本"), None);
    }
}
