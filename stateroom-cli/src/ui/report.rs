//! The result of a command, on stdout.
//!
//! *Invariant:* stdout has nothing else. With `--json` it is one object, whose keys are stable: new ones may be added.
use std::io::{self, Write};

use anyhow::{Context, Result};
use serde::Serialize;
use stateroom::printable::{escape, escape_all_but_colors};

use super::color::BOLD;

/// Prints a text, without its colors if stdout is not colored. What else controls a terminal is escaped.
///
/// # Errors
///
/// Returns an error if stdout cannot be written. A closed pipe is not an error.
pub(crate) fn print(text: &str) -> Result<()> {
    write(&escape_all_but_colors(text))
}

fn write(text: &str) -> Result<()> {
    let mut stdout = anstream::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("failed to write to stdout"),
    }
}

/// Prints an object as JSON.
///
/// # Errors
///
/// As [`print`].
pub(crate) fn print_json(object: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(object).context("failed to write the report as JSON")?;
    write(&format!("{text}\n"))
}

/// Formats rows as a table with aligned columns. What is no printable text, such as in the names of a module, is escaped.
pub(crate) fn columns<const N: usize>(rows: &[[String; N]], indent: &str) -> String {
    let rows: Vec<_> = rows.iter().map(|row| row.each_ref().map(|cell| escape(cell).replace('\n', "\\n"))).collect();
    let widths: [usize; N] = std::array::from_fn(|column| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    });
    let line = |row: &[String; N]| {
        let cells: String = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}  ")).collect();
        format!("{indent}{}\n", cells.trim_end())
    };
    rows.iter().map(line).collect()
}

/// Formats a text in bold.
pub(crate) fn bold(text: &str) -> String {
    format!("{BOLD}{text}{BOLD:#}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_free_of_control_characters() {
        let rows = [["a".to_owned(), "one".to_owned()], ["long".to_owned(), String::new()]];
        assert_eq!(columns(&rows, " "), " a     one\n long\n");
        assert_eq!(columns(&[["\x1b[2J\n".to_owned()]], ""), "\\u{1b}[2J\\n\n");
    }
}
