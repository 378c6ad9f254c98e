//! Whether there are colours: what `--color` says, else what `NO_COLOR`, `CLICOLOR_FORCE` and the terminal come to.
//!
//! *Invariant:* one answer for all. It is kept by `anstream`, which clap, the log, errors and reports ask.
use std::{ffi::OsString, io};

use anstream::{AutoStream, ColorChoice};
use clap::ValueEnum;

/// What the command line says about colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    // As the environment and the terminal have it.
    #[default]
    Auto,
    Always,
    Never,
}

impl Colour {
    /// From now on, it is so.
    pub(crate) fn choose(self) {
        match self {
            Colour::Auto => ColorChoice::Auto,
            Colour::Always => ColorChoice::Always,
            Colour::Never => ColorChoice::Never,
        }
        .write_global();
        // What asks questions on the terminal.
        console::set_colors_enabled_stderr(is_enabled());
    }

    /// What a command line says that clap has made no sense of.
    pub(crate) fn said(line: impl IntoIterator<Item = OsString>) -> Colour {
        let mut words = line.into_iter().take_while(|word| word != "--");
        while let Some(word) = words.next() {
            let value = match word.to_str() {
                Some("--color") => words.next(),
                Some(word) => word.strip_prefix("--color=").map(OsString::from),
                None => None,
            };
            if let Some(value) = value {
                return value.to_str().and_then(|value| Colour::from_str(value, false).ok()).unwrap_or_default();
            }
        }
        Colour::Auto
    }
}

/// Whether stderr is for eyes: as `--color` says, else a terminal, unless the environment says otherwise.
pub(crate) fn is_enabled() -> bool {
    AutoStream::choice(&io::stderr()) != ColorChoice::Never
}

/// For a program that writes to our stderr: what was chosen, if anything was.
pub(crate) fn for_others() -> Option<&'static str> {
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
    fn it_is_found_in_a_command_line_that_makes_no_sense() {
        for (line, expected) in [
            ("serve --color never --prot 1", Colour::Never),
            ("--color=always srve", Colour::Always),
            ("serve --color sometimes", Colour::Auto),
            ("serve --color", Colour::Auto),
            ("serve -- --color never", Colour::Auto),
            ("", Colour::Auto),
        ] {
            assert_eq!(Colour::said(line.split_whitespace().map(OsString::from)), expected, "{line}");
        }
    }
}
