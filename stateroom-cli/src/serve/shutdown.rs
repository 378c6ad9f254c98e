//! Signals: the first one requests a graceful shutdown, the second one exits immediately.
//!
//! *Invariant:* signals are handled on a thread of their own, so that the second one works even if the server hangs.
use std::{io, process, thread};

use tokio::{runtime::Builder, sync::oneshot};

/// Installs handlers for ctrl-c and SIGTERM. The returned future resolves on the first signal.
///
/// # Errors
///
/// Returns an error if the handlers cannot be installed.
pub(crate) fn requested() -> io::Result<impl Future<Output = ()> + Send> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let mut signals = {
        let _guard = runtime.enter();
        Signals::new()?
    };
    let (stop, stopped) = oneshot::channel();
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(async {
            signals.next().await;
            // Before anything that could wait.
            let _ = stop.send(());
            tracing::info!("shutting down; send a second signal to exit immediately");
            // The code that shells report for a process killed by the signal.
            process::exit(128 + signals.next().await);
        });
    })?;
    Ok(async {
        let _ = stopped.await;
    })
}

/// Installs a handler for SIGHUP.
///
/// # Errors
///
/// Returns an error if the handler cannot be installed.
#[cfg(unix)]
pub(super) fn hangups() -> io::Result<tokio::signal::unix::Signal> {
    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())
}

/// The signals that end the server.
struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for a signal and returns its number.
    async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.interrupt.recv() => 2,
            _ = self.terminate.recv() => 15,
        }
    }
}

#[cfg(windows)]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Signals { interrupt: tokio::signal::windows::ctrl_c()? })
    }

    /// Waits for ctrl-c and returns the number of SIGINT on other systems.
    async fn next(&mut self) -> i32 {
        self.interrupt.recv().await;
        2
    }
}
