//! The sockets that a server listens on.
//!
//! *Invariant:* all sockets of a server have the same port.
use std::{
    io,
    net::{AddrParseError, IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
};

use socket2::{Domain, Socket, Type};
use thiserror::Error;

/// The length of the queue of connections that are not accepted yet. After a restart, all clients reconnect at once.
const BACKLOG: i32 = 4096;
/// Maximum number of attempts to find a port that is free on all addresses.
const MAX_ATTEMPTS: usize = 16;

/// A text is not an IP address.
#[derive(Debug, Error)]
#[error("invalid IP address `{ip}`: use one such as `127.0.0.1` or `::1`, or `localhost` for both")]
struct IpError {
    ip: String,
    source: AddrParseError,
}

/// A server cannot listen.
#[derive(Debug, Error)]
#[error("failed to listen on {address}")]
struct ListenError {
    address: SocketAddr,
    source: io::Error,
}

/// Returns the addresses that a text stands for: an IP address, with or without brackets, or both of `localhost`.
pub(super) fn addresses(ip: &str) -> io::Result<Vec<IpAddr>> {
    if ip.eq_ignore_ascii_case("localhost") {
        return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    let address = ip.strip_prefix('[').and_then(|ip| ip.strip_suffix(']')).unwrap_or(ip).parse();
    let address = address.map_err(|source| IpError { ip: ip.to_owned(), source });
    address.map(|address| vec![address]).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

/// Listens on all addresses that a text stands for, on the same port. Of `localhost`, the system may lack one family.
pub(super) fn listen_on(ip: &str, port: u16) -> io::Result<Vec<TcpListener>> {
    let addresses = addresses(ip)?;
    let mut attempts = if port == 0 { MAX_ATTEMPTS } else { 1 };
    loop {
        attempts -= 1;
        match listen_on_all(&addresses, port) {
            // The port that the system chose for the first is in use on the second.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && attempts > 0 => {}
            result => return result,
        }
    }
}

fn listen_on_all(addresses: &[IpAddr], mut port: u16) -> io::Result<Vec<TcpListener>> {
    let mut listeners = Vec::new();
    let mut missing = None;
    for address in addresses {
        match listen(SocketAddr::new(*address, port)) {
            Ok(listener) => {
                port = listener.local_addr()?.port();
                listeners.push(listener);
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied) => {
                return Err(error);
            }
            Err(error) => missing = Some(error),
        }
    }
    match missing {
        Some(error) if listeners.is_empty() => Err(error),
        Some(error) => {
            tracing::debug!(%error, "this machine lacks an address family");
            Ok(listeners)
        }
        None => Ok(listeners),
    }
}

/// Listens on an address, without blocking. `[::]` stands for all addresses of both families on every system.
pub(super) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    try_listen(address).map_err(|source| io::Error::new(source.kind(), ListenError { address, source }))
}

fn try_listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // On Windows, the option lets other programs listen on the same port.
    #[cfg(not(windows))]
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn reads_addresses_as_people_write_them() {
        for (ip, expected) in [
            ("127.0.0.1", vec!["127.0.0.1"]),
            ("::1", vec!["::1"]),
            ("[::1]", vec!["::1"]),
            ("::", vec!["::"]),
            ("LocalHost", vec!["127.0.0.1", "::1"]),
        ] {
            let expected: Vec<IpAddr> = expected.into_iter().map(|ip| ip.parse().unwrap()).collect();
            assert_eq!(addresses(ip).unwrap(), expected, "{ip}");
        }
        for ip in ["", "example.com", "127.0.0.1:80", "[127.0.0.1", "[::1"] {
            let error = addresses(ip).unwrap_err();
            assert!(error.to_string().contains(&format!("`{ip}`")), "{error}");
        }
    }

    #[test]
    fn localhost_is_both_families_on_one_port() {
        let listeners = listen_on("localhost", 0).unwrap();
        let port = listeners.first().unwrap().local_addr().unwrap().port();
        assert!(listeners.iter().all(|it| it.local_addr().unwrap().port() == port));
        assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok());
        if has_ipv6() {
            assert_eq!(listeners.len(), 2);
            assert!(TcpStream::connect((Ipv6Addr::LOCALHOST, port)).is_ok());
        }
        let error = listen_on("localhost", port).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert_eq!(error.to_string(), format!("failed to listen on 127.0.0.1:{port}"));
    }

    #[test]
    fn a_port_in_use_on_one_family_is_in_use() {
        if has_ipv6() {
            let other = listen_on("::1", 0).unwrap();
            let port = other.first().unwrap().local_addr().unwrap().port();
            let error = listen_on("localhost", port).unwrap_err();
            assert_eq!(error.to_string(), format!("failed to listen on [::1]:{port}"));
        }
    }

    #[test]
    fn all_addresses_of_ipv6_include_those_of_ipv4() {
        if has_ipv6() {
            let listeners = listen_on("::", 0).unwrap();
            let port = listeners.first().unwrap().local_addr().unwrap().port();
            assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok());
            assert!(TcpStream::connect((Ipv6Addr::LOCALHOST, port)).is_ok());
        }
    }

    fn has_ipv6() -> bool {
        listen(SocketAddr::new(Ipv6Addr::LOCALHOST.into(), 0)).is_ok()
    }
}
