//! The way into a room: a TCP connection, TLS where it is asked for, and the handshake of a WebSocket.
use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
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

use super::{
    args::Bench,
    error_counts::{explain, explain_io},
    target::Target,
};

/// How long it may take to get in.
const PATIENCE: Duration = Duration::from_secs(10);
/// The library's own would take 128 KiB for each connection.
const READ_BUFFER: usize = 8 << 10;

/// A message of the server may have that many bytes, or so many times what all in a room say at once: the library takes
/// memory for whatever length is announced.
const LARGEST: usize = 64 << 20;
const SPACE: usize = 16;

/// A WebSocket, encrypted or not.
pub(crate) type Socket = WebSocketStream<Box<dyn Transport>>;

/// What a WebSocket is spoken over.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// The way into the rooms of a server.
pub(crate) struct Connector {
    target: Target,
    largest: usize,
    addresses: Vec<SocketAddr>,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Connector {
    /// Finds out where the server is.
    ///
    /// # Errors
    ///
    /// Where its name is unknown, or TLS is asked for without any certificate that could be trusted.
    pub(crate) async fn find(bench: &Bench, target: Target) -> Result<Self> {
        let Target { host, port, .. } = &target;
        let addresses =
            lookup_host((host.as_str(), *port)).await.with_context(|| format!("cannot find `{host}`"))?.collect();
        let tls = if target.secure { Some((connector()?, ServerName::try_from(host.clone())?)) } else { None };
        Ok(Connector { target, largest: largest(bench), addresses, tls })
    }

    /// Joins a room.
    ///
    /// # Errors
    ///
    /// Why that is not possible, in words for whoever measures.
    pub(crate) async fn join(&self, room: u32) -> Result<Socket, String> {
        match timeout(PATIENCE, self.connect(room)).await {
            Ok(joined) => joined,
            Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
        }
    }

    async fn connect(&self, room: u32) -> Result<Socket, String> {
        let tcp = TcpStream::connect(self.addresses.as_slice()).await.map_err(|error| explain_io(&error))?;
        tcp.set_nodelay(true).map_err(|error| explain_io(&error))?;
        let stream: Box<dyn Transport> = match &self.tls {
            None => Box::new(tcp),
            Some((tls, name)) => {
                let secured = tls.connect(name.clone(), tcp).await;
                Box::new(secured.map_err(|error| format!("TLS: {}{}", explain_io(&error), hint(&error)))?)
            }
        };
        let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER);
        let config = config.max_message_size(Some(self.largest)).max_frame_size(Some(self.largest));
        let joined = client_async_with_config(self.target.room(room), stream, Some(config)).await;
        joined.map(|(socket, _)| socket).map_err(|error| explain(&error))
    }
}

/// How many bytes a message of the server may have.
fn largest(bench: &Bench) -> usize {
    let members = bench.connections.div_ceil(bench.rooms) as usize;
    let message = bench.size.saturating_add(bench.template.len());
    SPACE.saturating_mul(message).saturating_mul(members).max(LARGEST)
}

/// What can be done about a certificate that is not trusted.
fn hint(error: &io::Error) -> &'static str {
    match error.get_ref().and_then(|error| error.downcast_ref()) {
        Some(rustls::Error::InvalidCertificate(_)) => {
            " (the variable SSL_CERT_FILE may name a file of certificates to trust, in PEM)"
        }
        _ => "",
    }
}

/// Trusts what the system trusts, or what `SSL_CERT_FILE` names.
fn connector() -> Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        bail!("no certificate is trusted here: name a file of them, in PEM, by the variable SSL_CERT_FILE");
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_room_may_be_told_in_one_message() {
        let largest = |line: &[&str]| super::largest(&Bench::in_line(line));
        assert_eq!(largest(&["ws://h/", "-c", "1000"]), LARGEST);
        let room = 100 * (1 << 20);
        assert!(largest(&["ws://h/", "-c", "1000", "--rooms", "10", "--size", "1MiB"]) > 8 * room);
        assert!(largest(&["ws://h/", "-c", "4294967295", "--size", "1GiB"]) > LARGEST);
    }
}
