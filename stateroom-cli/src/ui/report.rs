//! What a verb was asked for, on stdout.
//!
//! *Invariant:* stdout has that and nothing else. With `--json` it is one object, whose keys stay what they are: more may come.
use std::io::{self, Write};

use anyhow::{Context, Result};
use serde::Serialize;

/// Prints a text; its colours go where stdout is not for eyes.
///
/// # Errors
///
/// Where stdout cannot be written to. That nobody reads on is no error.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut stdout = anstream::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("stdout cannot be written to"),
    }
}

/// Prints an object for a program to read.
///
/// # Errors
///
/// As [`print`].
pub(crate) fn print_json(object: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(object).context("the report is no JSON")?;
    print(&format!("{text}\n"))
}

/// Rows of cells below each other, all but the last of a row as wide as the widest of its column. What would move the cursor, a
/// name in a module for one, is not let through.
pub(crate) fn columns<const N: usize>(rows: &[[String; N]], indent: &str) -> String {
    let widths: [usize; N] = std::array::from_fn(|column| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    });
    let line = |row: &[String; N]| {
        let cells: String = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}  ")).collect();
        format!("{indent}{}\n", cells.trim_end().replace(char::is_control, "\u{fffd}"))
    };
    rows.iter().map(line).collect()
}

/// An amount of memory, for people.
pub(crate) fn bytes(amount: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    match units.iter().find(|(bits, _)| amount >> bits > 0) {
        Some((bits, unit)) => format!("{:.1} {unit}", amount as f64 / f64::from(1_u32 << bits)),
        None => format!("{amount} bytes"),
    }
}

/// A text that stands out.
pub(crate) fn bold(text: &str) -> String {
    format!("\x1b[1m{text}\x1b[0m")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_below_each_other() {
        let rows = [["a".to_owned(), "one".to_owned()], ["long".to_owned(), String::new()]];
        assert_eq!(columns(&rows, " "), " a     one\n long\n");
        assert_eq!(columns(&[["\x1b[2J\n".to_owned()]], ""), "\u{fffd}[2J\n");
    }

    #[test]
    fn amounts_have_the_unit_that_fits() {
        for (amount, text) in [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (128 << 20, "128.0 MiB")] {
            assert_eq!(bytes(amount), text);
        }
    }
}
