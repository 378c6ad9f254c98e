//! Interactive prompts.
use std::{
    io::{self, IsTerminal},
    process,
};

use anyhow::{Context, Error, Result};
use dialoguer::console::Term;
use tokio::runtime::Builder;

/// Runs a prompt. Ctrl-c restores the hidden cursor and exits with 130.
///
/// # Errors
///
/// Returns an error if the terminal cannot be read.
pub(crate) fn ask<T>(prompt: impl FnOnce() -> dialoguer::Result<T>) -> Result<T> {
    hold_interrupts().context("failed to install signal handlers")?;
    prompt().map_err(|dialoguer::Error::IO(error)| {
        let _ = Term::stderr().show_cursor();
        if error.kind() == io::ErrorKind::Interrupted {
            // The code that shells report for a process killed by SIGINT.
            process::exit(130);
        }
        Error::new(error).context("failed to read the answer")
    })
}

/// Returns whether prompts are possible.
pub(crate) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Keeps ctrl-c from ending the process, so that the prompt receives it as a key.
fn hold_interrupts() -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let _guard = runtime.enter();
    // Dropping the listener does not remove the handler.
    #[cfg(unix)]
    drop(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?);
    #[cfg(windows)]
    drop(tokio::signal::windows::ctrl_c()?);
    Ok(())
}
