//! Opens WebSockets: TCP connection, TLS if the URL requires it, and handshake.
use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{self, ClientConfig, RootCertStore, crypto::aws_lc_rs, pki_types::ServerName},
};
use tokio_tungstenite::{WebSocketStream, client_async_with_config, tungstenite::protocol::WebSocketConfig};

use crate::{
    config::{Config, MAX_MESSAGE_SIZE},
    error::Error,
    error_counts::{explain, explain_io},
    target::Target,
};

/// Maximum time to open a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The default of the WebSocket library is 128 KiB for each connection.
const READ_BUFFER_SIZE: usize = 8 << 10;

/// Minimum for the maximum length of a received message, in bytes. The library allocates whatever length is announced.
const MIN_RECEIVE_LIMIT: usize = 64 << 20;
/// A received message may be this many times as long as one message from everyone in the room.
const RECEIVE_LIMIT_FACTOR: usize = 16;
/// Maximum length of the answers to pings that wait for a server that does not read, in bytes: further ones replace the last.
const MIN_SEND_LIMIT: usize = 1 << 20;
/// A waiting message may be this many times as long as the mean one. They are written one at a time.
const SEND_LIMIT_FACTOR: usize = 16;

/// A WebSocket over TCP or TLS.
pub(crate) type Socket = WebSocketStream<Box<dyn Transport>>;

/// A byte stream below a WebSocket.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// Opens WebSockets to the rooms of a server.
pub(crate) struct Connector {
    target: Target,
    web_socket: WebSocketConfig,
    addresses: Vec<SocketAddr>,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Connector {
    /// Resolves the host and sets up TLS.
    ///
    /// # Errors
    ///
    /// Fails if the host has no address, or if TLS is required and no certificate is trusted.
    pub(crate) async fn new(config: &Config, target: Target) -> Result<Self, Error> {
        let Target { host, port, .. } = &target;
        let resolved = lookup_host((host.as_str(), *port)).await;
        let addresses = resolved.map_err(|source| Error::Resolve { host: host.clone(), source })?.collect();
        let tls = if target.is_secure { Some(tls(host)?) } else { None };
        Ok(Connector { web_socket: web_socket(config), target, addresses, tls })
    }

    /// Joins a room.
    ///
    /// # Errors
    ///
    /// Returns the reason in words for the report.
    pub(crate) async fn join(&self, room: u32) -> Result<Socket, String> {
        match timeout(CONNECT_TIMEOUT, self.connect(room)).await {
            Ok(joined) => joined,
            Err(_) => Err(format!("timed out after {} s", CONNECT_TIMEOUT.as_secs())),
        }
    }

    async fn connect(&self, room: u32) -> Result<Socket, String> {
        let tcp = TcpStream::connect(self.addresses.as_slice()).await.map_err(|error| explain_io(&error))?;
        tcp.set_nodelay(true).map_err(|error| explain_io(&error))?;
        let stream: Box<dyn Transport> = match &self.tls {
            None => Box::new(tcp),
            Some((tls, name)) => {
                let secured = tls.connect(name.clone(), tcp).await;
                Box::new(secured.map_err(|error| format!("TLS: {}{}", explain_io(&error), tls_hint(&error)))?)
            }
        };
        let joined = client_async_with_config(self.target.room_url(room), stream, Some(self.web_socket)).await;
        joined.map(|(socket, _)| socket).map_err(|error| explain(&error))
    }
}

/// Returns the limits of a connection.
fn web_socket(config: &Config) -> WebSocketConfig {
    let received = receive_limit(config);
    let sent =
        SEND_LIMIT_FACTOR.saturating_mul(config.size.min(MAX_MESSAGE_SIZE).saturating_add(config.template.len()));
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_SIZE)
        .max_write_buffer_size(MIN_SEND_LIMIT.saturating_add(sent))
        .max_message_size(Some(received))
        .max_frame_size(Some(received))
}

/// Returns the maximum length of a received message, in bytes.
fn receive_limit(config: &Config) -> usize {
    let members = config.connections.get().div_ceil(config.rooms.get()) as usize;
    let message = config.size.saturating_add(config.template.len());
    RECEIVE_LIMIT_FACTOR.saturating_mul(message).saturating_mul(members).max(MIN_RECEIVE_LIMIT)
}

/// Sets up TLS with the certificates that the system trusts, or those in the file that `SSL_CERT_FILE` names.
fn tls(host: &str) -> Result<(TlsConnector, ServerName<'static>), Error> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(Error::NoTrustedCertificates);
    }
    let name = ServerName::try_from(host.to_owned())
        .map_err(|error| Error::Tls { host: host.to_owned(), source: error.into() })?;
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Tls { host: host.to_owned(), source: error.into() })?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok((TlsConnector::from(Arc::new(config)), name))
}

/// Returns what to do about a certificate that is not trusted.
fn tls_hint(error: &io::Error) -> &'static str {
    match error.get_ref().and_then(|error| error.downcast_ref()) {
        Some(rustls::Error::InvalidCertificate(_)) => " (set SSL_CERT_FILE to a PEM file of certificates to trust)",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use futures_util::{SinkExt, StreamExt};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_tungstenite::tungstenite::{Message, protocol::Role};

    use super::*;

    #[tokio::test]
    async fn a_server_that_pings_and_does_not_read_takes_bounded_memory() {
        let (client, server) = tokio::io::duplex(1024);
        let config = web_socket(&Config::new("ws://h/"));
        let mut socket = WebSocketStream::from_raw_socket(client, Role::Client, Some(config)).await;
        let (mut answers, mut pings) = tokio::io::split(server);
        let ping = [&[0x89, 125][..], &[b'x'; 125]].concat();
        tokio::spawn(async move {
            for _ in 0..100_000 {
                pings.write_all(&ping).await.unwrap();
            }
        });
        for _ in 0..100_000 {
            assert!(matches!(socket.next().await, Some(Ok(Message::Ping(_)))));
        }
        let answered = tokio::spawn(async move {
            let mut bytes = Vec::new();
            answers.read_to_end(&mut bytes).await.unwrap();
            bytes.len()
        });
        socket.flush().await.unwrap();
        drop(socket);
        let answered = answered.await.unwrap();
        assert!((1..2 * MIN_SEND_LIMIT).contains(&answered), "{answered}");
    }

    #[test]
    fn receive_limit_allows_one_message_about_everyone_in_the_room() {
        let limit = |connections, rooms, size| {
            let number = |number| NonZeroU32::new(number).unwrap();
            let (connections, rooms) = (number(connections), number(rooms));
            receive_limit(&Config { connections, rooms, size, ..Config::new("ws://h/") })
        };
        assert_eq!(limit(1000, 1, 64), MIN_RECEIVE_LIMIT);
        let room = 100 * (1 << 20);
        assert!(limit(1000, 10, 1 << 20) > 8 * room);
        assert!(limit(u32::MAX, 1, 1 << 30) > MIN_RECEIVE_LIMIT);
    }
}
