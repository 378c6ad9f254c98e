//! Where a server listens: what that comes to for whoever starts it, and what to do where it cannot.
use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
};

use anyhow::{Error, Result, bail};
use stateroom_server::{RoomStrategy, Server};

/// Says where the server is, and how to get into a room. The result is the address of its page.
pub(super) fn announce(address: SocketAddr, strategy: RoomStrategy, is_tls: bool, inspector: bool) -> String {
    let s = if is_tls { "s" } else { "" };
    tracing::info!("listening on http{s}://{address}");
    let here = reachable(address);
    if here != address {
        tracing::info!("on this machine that is http{s}://{here}");
    }
    match strategy {
        RoomStrategy::Implicit => {}
        RoomStrategy::Api => tracing::info!("create a room: curl -X POST http{s}://{here}/ws/NAME"),
        _ => tracing::info!("create a room: curl -X POST http{s}://{here}/new_room"),
    }
    tracing::info!("rooms are at ws{s}://{here}/ws/NAME");
    if inspector {
        tracing::info!("what happens in them is at http{s}://{here}{}/", stateroom_inspector::PATH);
    }
    format!("http{s}://{here}/")
}

/// Where a browser on this machine finds a server that listens everywhere.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Looks whether a server could listen there.
///
/// # Errors
///
/// Where it could not, and what to do.
pub(super) fn check(server: &Server) -> Result<()> {
    let (ip, port) = (server.ip.as_str(), server.port);
    TcpListener::bind((ip, port)).map(drop).map_err(|error| explain_bind(error, ip, port, "--ip", "--port"))
}

/// The port of these settings, or the next one after it that is not in use.
///
/// # Errors
///
/// Where none of a hundred could be listened on, or it is not for being in use.
pub(super) fn next_free_port(server: &Server) -> Result<u16> {
    let (ip, first) = (server.ip.as_str(), server.port);
    for port in first..=first.saturating_add(100) {
        match TcpListener::bind((ip, port)) {
            Ok(_) => return Ok(port),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(explain_bind(error, ip, port, "--ip", "--port")),
        }
    }
    bail!("the ports from {first} on are in use by other programs: take others with `--port`")
}

/// What to do where a server cannot listen.
pub(super) fn explain_bind(error: io::Error, ip: &str, port: u16, ip_flag: &str, port_flag: &str) -> Error {
    let context = match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "{ip}:{port} is in use by another program\n  hint: take another port with `{port_flag}`; 0 is any free one"
        ),
        io::ErrorKind::AddrNotAvailable => format!("{ip} is not an address of this machine: see `{ip_flag}`"),
        io::ErrorKind::PermissionDenied => {
            format!("{ip}:{port} may not be listened on: take a port above 1023 with `{port_flag}`")
        }
        _ => format!("{ip}:{port} cannot be listened on"),
    };
    Error::new(error).context(context)
}
