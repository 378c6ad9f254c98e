//! What systemd is told, and the socket that it gives. Elsewhere, none of it is there.
use std::net::TcpListener;

use anyhow::Result;

/// The socket that systemd has opened for this process, if it has.
///
/// # Errors
///
/// Where what it has opened is no TCP socket.
#[cfg(unix)]
pub(crate) fn socket() -> Result<Option<TcpListener>> {
    use anyhow::Context;

    listenfd::ListenFd::from_env().take_tcp_listener(0).context("the socket that systemd has opened is of no use")
}

#[cfg(not(unix))]
pub(crate) fn socket() -> Result<Option<TcpListener>> {
    Ok(None)
}

/// Clients are served from now on.
pub(crate) fn ready() {
    #[cfg(unix)]
    tell(&[sd_notify::NotifyState::Ready]);
}

/// They are not any more.
pub(crate) fn stopping() {
    #[cfg(unix)]
    tell(&[sd_notify::NotifyState::Stopping]);
}

#[cfg(unix)]
fn tell(state: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "systemd cannot be told");
    }
}
