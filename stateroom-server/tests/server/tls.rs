//! TLS: rooms over `wss`, and reloading certificates.
use std::{fs, path::Path, sync::Arc};

use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use stateroom_server::{Limits, Server, Tls, TlsError};
use tokio::{io::AsyncReadExt, net::TcpStream};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, pem::PemObject},
    },
};

use crate::{
    common::{Client, TestServer, within_timeout},
    slow_clients::assert_bursts_received,
};

/// Writes a self-signed certificate for `localhost` and its key. Returns the certificate.
fn write_certificate(directory: &Path) -> CertificateDer<'static> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(directory.join("cert.pem"), cert.pem()).unwrap();
    fs::write(directory.join("key.pem"), signing_key.serialize_pem()).unwrap();
    CertificateDer::from_pem_slice(cert.pem().as_bytes()).unwrap()
}

fn tls(directory: &Path) -> Result<Tls, TlsError> {
    Tls::from_pem_files(directory.join("cert.pem"), directory.join("key.pem"))
}

/// Joins over TLS and trusts only the given certificate.
async fn join(server: &TestServer, trusted: &CertificateDer<'static>) -> Result<Client, std::io::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let socket = TcpStream::connect(server.address()).await?;
    let name = "localhost".try_into().unwrap();
    let stream = within_timeout("the handshake", TlsConnector::from(Arc::new(config)).connect(name, socket)).await?;
    Ok(server.connect_over(Box::new(stream), "/ws/a").await)
}

#[tokio::test]
async fn joins_over_tls_and_reloads_the_certificate() {
    let files = tempfile::tempdir().unwrap();
    let first = write_certificate(files.path());
    let tls = tls(files.path()).unwrap();
    let server = TestServer::tcp(Server::new().with_tls(tls.clone())).await;
    let mut client = join(&server, &first).await.unwrap();
    client.receive_id().await;
    let large = "x".repeat(1 << 20);
    client.send_text(format!("all {large}")).await;
    assert_eq!(client.receive_text().await, large);
    assert_bursts_received(&mut client).await;

    let second = write_certificate(files.path());
    assert!(join(&server, &second).await.is_err(), "the new certificate is not loaded yet");
    tls.reload().unwrap();
    let mut newer = join(&server, &second).await.unwrap();
    newer.receive_id().await;
    client.expect_text("joined 2").await;
    assert!(join(&server, &first).await.is_err());

    fs::write(files.path().join("key.pem"), "malformed").unwrap();
    assert!(tls.reload().is_err());
    drop(join(&server, &second).await.unwrap());
}

/// `response_time` applies to HTTP only. WebSockets have a heartbeat.
#[tokio::test]
async fn a_slow_websocket_over_tls_has_no_response_timeout() {
    let files = tempfile::tempdir().unwrap();
    let certificate = write_certificate(files.path());
    let limits =
        Limits::default().with_response_time(std::time::Duration::from_millis(20)).with_outbound_bytes(64 << 20);
    let server = TestServer::tcp(Server::new().with_tls(tls(files.path()).unwrap()).with_limits(limits)).await;
    let mut slow = join(&server, &certificate).await.unwrap();
    slow.receive_id().await;
    let mut other = join(&server, &certificate).await.unwrap();
    other.receive_id().await;
    other.send_text(format!("all {}", "x".repeat(8 << 20))).await;
    assert_eq!(other.receive_text().await.len(), 8 << 20);
    // Sends messages for a multiple of `response_time`.
    let start = std::time::Instant::now();
    while start.elapsed() < std::time::Duration::from_millis(200) {
        other.send_text("ping").await;
        other.expect_text("ping").await;
    }
    slow.expect_text("joined 2").await;
    assert_eq!(slow.receive_text().await.len(), 8 << 20);
}

#[tokio::test]
async fn drops_clients_that_do_not_use_tls() {
    let files = tempfile::tempdir().unwrap();
    let certificate = write_certificate(files.path());
    let limits = Limits::default().with_request_head_time(std::time::Duration::from_millis(100));
    let server = TestServer::tcp(Server::new().with_tls(tls(files.path()).unwrap()).with_limits(limits)).await;
    let mut plain = server.open_raw("/ws/a", b"").await;
    let mut idle = server.open().await;
    within_timeout("the connection to end", plain.read_to_end(&mut Vec::new())).await.unwrap();
    within_timeout("the connection to end", idle.read_to_end(&mut Vec::new())).await.unwrap();
    join(&server, &certificate).await.unwrap().receive_id().await;
}

#[test]
fn names_the_file_of_an_invalid_certificate() {
    let files = tempfile::tempdir().unwrap();
    let message = |error: TlsError| error.to_string();
    assert!(message(tls(files.path()).unwrap_err()).contains("read a certificate in PEM from"));
    write_certificate(files.path());
    fs::write(files.path().join("key.pem"), "").unwrap();
    assert!(message(tls(files.path()).unwrap_err()).contains("read a private key in PEM from"));
    fs::write(files.path().join("key.pem"), KeyPair::generate().unwrap().serialize_pem()).unwrap();
    assert!(matches!(tls(files.path()), Err(TlsError::Unfit(_))), "key of another certificate");
}
