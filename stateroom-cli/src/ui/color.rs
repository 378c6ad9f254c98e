//! Whether output is colored: `--color` decides, then `NO_COLOR`, `CLICOLOR_FORCE` and the terminal.
//!
//! *Invariant:* `anstream` holds the one decision, which clap, the log, errors and reports follow.
use std::{ffi::OsString, io};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use clap::ValueEnum;

/// The style of `error:` and of failed checks.
pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
/// The style of warnings.
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default();
/// The style of passed checks.
pub(crate) const OK: Style = AnsiColor::Green.on_default();
/// The style of headings.
pub(crate) const BOLD: Style = Style::new().bold();

/// The value of `--color`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    // Depends on the environment and the terminal.
    #[default]
    Auto,
    Always,
    Never,
}

impl Color {
    /// Applies the choice to the whole process.
    pub(crate) fn apply(self) {
        match self {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        }
        .write_global();
        // Prompts decide separately.
        console::set_colors_enabled_stderr(is_enabled());
    }

    /// Finds the choice in a command line that clap failed to parse.
    pub(crate) fn find(line: impl IntoIterator<Item = OsString>) -> Color {
        let mut words = line.into_iter().take_while(|word| word != "--");
        while let Some(word) = words.next() {
            let value = match word.to_str() {
                Some("--color") => words.next(),
                Some(word) => word.strip_prefix("--color=").map(OsString::from),
                None => None,
            };
            if let Some(value) = value {
                return value.to_str().and_then(|value| Color::from_str(value, false).ok()).unwrap_or_default();
            }
        }
        Color::Auto
    }
}

/// Returns whether stderr is colored.
pub(crate) fn is_enabled() -> bool {
    AutoStream::choice(&io::stderr()) != ColorChoice::Never
}

/// Returns the explicit choice, for a child process that writes to the same stderr.
pub(crate) fn explicit_choice() -> Option<&'static str> {
    match ColorChoice::global() {
        ColorChoice::Auto => None,
        ColorChoice::Never => Some("never"),
        ColorChoice::Always | ColorChoice::AlwaysAnsi => Some("always"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_choice_in_an_invalid_command_line() {
        for (line, expected) in [
            ("serve --color never --prot 1", Color::Never),
            ("--color=always srve", Color::Always),
            ("serve --color sometimes", Color::Auto),
            ("serve --color", Color::Auto),
            ("serve -- --color never", Color::Auto),
            ("", Color::Auto),
        ] {
            assert_eq!(Color::find(line.split_whitespace().map(OsString::from)), expected, "{line}");
        }
    }
}
