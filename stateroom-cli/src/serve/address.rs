//! The address of the server: log lines that show it, and errors of binding it.
use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use anyhow::{Error, Result, anyhow, bail};
use stateroom_server::{RoomStrategy, Server};

/// The number of ports that [`next_free_port`] tries.
const MAX_PORTS: u16 = 100;

/// Logs where the server and its rooms are. Returns the URL of the page.
pub(super) fn announce(address: SocketAddr, strategy: RoomStrategy, is_tls: bool, inspector: bool) -> String {
    let s = if is_tls { "s" } else { "" };
    tracing::info!("listening on http{s}://{address}");
    let local = reachable(address);
    if local != address {
        tracing::info!("on this machine: http{s}://{local}");
    }
    match strategy {
        RoomStrategy::Implicit => {}
        RoomStrategy::Api => tracing::info!("create a room: curl -X POST http{s}://{local}/ws/NAME"),
        _ => tracing::info!("create a room: curl -X POST http{s}://{local}/new_room"),
    }
    tracing::info!("join a room: ws{s}://{local}/ws/NAME");
    if inspector {
        tracing::info!("inspector: http{s}://{local}{}/", stateroom_inspector::PATH);
    }
    format!("http{s}://{local}/")
}

/// Returns an address by which this machine reaches a server that listens on all addresses.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Checks that the address of a server can be bound.
///
/// # Errors
///
/// Returns an error with a hint if it cannot.
pub(crate) fn check(server: &Server) -> Result<()> {
    server.try_listen().map_err(|error| explain_bind(&error, "--ip", "--port"))
}

/// Returns the port of a server, or the next one that is not in use.
///
/// # Errors
///
/// Returns an error if all ports are in use, or one cannot be bound for another reason.
pub(crate) fn next_free_port(server: &Server) -> Result<u16> {
    let first = server.port;
    let last = first.saturating_add(MAX_PORTS);
    for port in first..=last {
        match server.clone().with_port(port).try_listen() {
            Ok(()) => return Ok(port),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(explain_bind(&error, "--ip", "--port")),
        }
    }
    bail!("the ports {first} to {last} are in use\n  hint: choose another port with `--port`")
}

/// Adds a hint to the error of listening, which names the address.
pub(super) fn explain_bind(error: &io::Error, ip_flag: &str, port_flag: &str) -> Error {
    let hint = match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("\n  hint: another program uses it; choose another port with `{port_flag}`, or 0 for any free one")
        }
        io::ErrorKind::AddrNotAvailable => {
            format!("\n  hint: this machine does not have the address; choose another one with `{ip_flag}`")
        }
        io::ErrorKind::PermissionDenied => format!("\n  hint: choose a port above 1023 with `{port_flag}`"),
        _ => String::new(),
    };
    let context = format!("{error}{hint}");
    match std::error::Error::source(error) {
        Some(cause) => anyhow!("{cause}").context(context),
        None => anyhow!(context),
    }
}
