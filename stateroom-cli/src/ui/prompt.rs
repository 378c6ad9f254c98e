//! Questions on the terminal.
use std::{
    io::{self, IsTerminal},
    process,
};

use anyhow::{Context, Error, Result};
use dialoguer::console::Term;
use tokio::runtime::Builder;

/// Asks something. Who goes away instead of answering gets the cursor back, which is hidden meanwhile.
///
/// # Errors
///
/// Where there is no answer.
pub(crate) fn ask<T>(question: impl FnOnce() -> dialoguer::Result<T>) -> Result<T> {
    // Else ctrl-c would end the process on the spot.
    hold_interrupts().context("signals cannot be listened for")?;
    question().map_err(|dialoguer::Error::IO(error)| {
        let _ = Term::stderr().show_cursor();
        if error.kind() == io::ErrorKind::Interrupted {
            // As a shell reports a process that died of it.
            process::exit(130);
        }
        Error::new(error).context("there is no answer")
    })
}

/// Whether somebody is there who can be asked.
pub(crate) fn is_attended() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// From now on, ctrl-c does not end the process by itself: whoever reads keys is told of it.
fn hold_interrupts() -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let _inside = runtime.enter();
    // The handler stays, whoever listens.
    #[cfg(unix)]
    drop(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?);
    #[cfg(windows)]
    drop(tokio::signal::windows::ctrl_c()?);
    Ok(())
}
