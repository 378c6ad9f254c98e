//! What a new crate may be called.
use std::{path::Path, str::FromStr};

/// A name that cargo takes for a crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CrateName(String);

/// Names that cargo, the compiler, Windows or what a template depends on take for something else. The keywords are those of
/// Rust's reference.
const TAKEN: &[&str] = &[
    "aux",
    "axum",
    "con",
    "js-sys",
    "nul",
    "prn",
    "proptest",
    "serde",
    "serde_json",
    "similar",
    "tokio",
    "wasm-bindgen",
    "web-sys",
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
    "proc-macro",
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
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The same as Rust code has it.
    pub(crate) fn identifier(&self) -> String {
        self.0.replace('-', "_")
    }

    /// The name of a directory as that of a crate.
    ///
    /// # Errors
    ///
    /// Where it can be none.
    pub(crate) fn of_directory(directory: &Path) -> Result<CrateName, String> {
        // `.` and `..` have none of their own.
        let full = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
        match full.file_name().and_then(|name| name.to_str()) {
            Some(name) => name.parse(),
            None => Err(format!("`{}` has no name that a crate could have", directory.display())),
        }
    }
}

impl FromStr for CrateName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_letter =
            |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_' || letter == '-';
        if text.is_empty() {
            return Err("a crate has to have a name".to_owned());
        }
        if let Some(other) = text.chars().find(|letter| !is_letter(*letter)) {
            return Err(format!("`{text}` is no name of a crate: in place of `{other}`, use a-z, 0-9, `-` or `_`"));
        }
        if !text.starts_with(|first: char| first.is_ascii_alphabetic()) {
            return Err(format!("`{text}` is no name of a crate: begin it with a letter"));
        }
        if TAKEN.contains(&text) || text.starts_with("stateroom-") {
            return Err(format!("`{text}` cannot be the name of a crate here: it means something else already"));
        }
        if text.len() > 64 {
            return Err("a crate's name has at most 64 letters".to_owned());
        }
        Ok(CrateName(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_that_cargo_takes() {
        for text in ["a", "my-game", "my_game2"] {
            assert_eq!(text.parse::<CrateName>().unwrap().as_str(), text);
        }
        for (text, hint) in [
            ("", "has to have a name"),
            ("my game", "in place of ` `"),
            ("café", "in place of `é`"),
            ("../x", "in place of `.`"),
            ("2048", "begin it with a letter"),
            ("-x", "begin it with a letter"),
            ("Game", "in place of `G`"),
            ("con", "something else"),
            ("serde", "something else"),
            ("test", "something else"),
            ("stateroom-server", "something else"),
            (&"x".repeat(65), "at most 64"),
        ] {
            let error = text.parse::<CrateName>().unwrap_err();
            assert!(error.contains(hint), "{error}");
        }
    }
}
