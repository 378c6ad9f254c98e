//! Socket activation and readiness notifications of systemd. Does nothing elsewhere.
use std::net::TcpListener;

use anyhow::Result;

/// Takes the socket that systemd passed to this process, if there is one.
///
/// # Errors
///
/// Returns an error if it is not a TCP socket.
#[cfg(unix)]
pub(super) fn socket() -> Result<Option<TcpListener>> {
    use anyhow::Context;

    listenfd::ListenFd::from_env().take_tcp_listener(0).context("failed to use the socket passed by systemd")
}

#[cfg(not(unix))]
pub(super) fn socket() -> Result<Option<TcpListener>> {
    Ok(None)
}

/// Notifies systemd that clients are served.
pub(super) fn notify_ready() {
    #[cfg(unix)]
    notify(&[sd_notify::NotifyState::Ready]);
}

/// Notifies systemd that the server is stopping.
pub(super) fn notify_stopping() {
    #[cfg(unix)]
    notify(&[sd_notify::NotifyState::Stopping]);
}

#[cfg(unix)]
fn notify(state: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "failed to notify systemd");
    }
}
