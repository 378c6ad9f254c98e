//! Interactive prompts.
use std::{
    io::{self, IsTerminal},
    process, thread,
};

use anyhow::{Context, Error, Result};
use dialoguer::console::Term;
use tokio::runtime::Builder;

/// The code that shells report for a process killed by SIGINT.
const INTERRUPTED: i32 = 130;

/// Runs a prompt. Ctrl-c restores the hidden cursor and exits with 130.
///
/// # Errors
///
/// Returns an error if the terminal cannot be read.
pub(crate) fn ask<T>(prompt: impl FnOnce() -> dialoguer::Result<T>) -> Result<T> {
    exit_on_interrupt().context("failed to install signal handlers")?;
    prompt().map_err(|dialoguer::Error::IO(error)| {
        let _ = Term::stderr().show_cursor();
        if error.kind() == io::ErrorKind::Interrupted {
            process::exit(INTERRUPTED);
        }
        Error::new(error).context("failed to read the answer")
    })
}

/// Returns whether prompts are possible.
pub(crate) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Ends the process on ctrl-c, but with a visible cursor. A prompt receives ctrl-c as a key only while it waits for one.
fn exit_on_interrupt() -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let guard = runtime.enter();
    #[cfg(unix)]
    let mut interrupts = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?;
    #[cfg(windows)]
    let mut interrupts = tokio::signal::windows::ctrl_c()?;
    drop(guard);
    thread::spawn(move || {
        runtime.block_on(interrupts.recv());
        let _ = Term::stderr().show_cursor();
        process::exit(INTERRUPTED);
    });
    Ok(())
}
