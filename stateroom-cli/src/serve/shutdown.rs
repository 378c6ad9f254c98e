//! Signals: the first asks for a graceful end, a second ends the process at once.
//!
//! They are waited for on a thread of their own, so that the second one works whatever the server is doing.
use std::{io, process, thread};

use tokio::{runtime::Builder, sync::oneshot};

/// Listens for ctrl-c and SIGTERM from now on. What it gives resolves at the first of them.
///
/// # Errors
///
/// Where the handlers cannot be installed.
pub(crate) fn requested() -> io::Result<impl Future<Output = ()> + Send> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let mut signals = {
        let _inside = runtime.enter();
        Signals::new()?
    };
    let (stop, stopped) = oneshot::channel();
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(async {
            signals.next().await;
            tracing::info!("shutting down; a second signal stops at once");
            let _ = stop.send(());
            // As a shell reports a process that died of the signal.
            process::exit(128 + signals.next().await);
        });
    })?;
    Ok(async {
        let _ = stopped.await;
    })
}

/// Listens for SIGHUP from now on.
///
/// # Errors
///
/// Where the handler cannot be installed.
#[cfg(unix)]
pub(crate) fn hangups() -> io::Result<tokio::signal::unix::Signal> {
    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// The number of the next signal.
    async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.interrupt.recv() => 2,
            _ = self.terminate.recv() => 15,
        }
    }
}

#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn new() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Signals)
    }

    /// The number that other systems have for the signal.
    async fn next(&mut self) -> i32 {
        self.0.recv().await;
        2
    }
}
