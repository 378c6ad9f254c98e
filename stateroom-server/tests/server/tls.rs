//! TLS: rooms over `wss`, and reloading certificates.
use std::{fs, path::Path, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{CertificateParams, CertifiedKey, KeyPair, generate_simple_self_signed};
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

/// A file with parameters first, and its certificate, as `openssl ecparam -genkey` writes them.
const SEC1: &str = "-----BEGIN EC PARAMETERS-----\n\
    BggqhkjOPQMBBw==\n\
    -----END EC PARAMETERS-----\n\
    -----BEGIN EC PRIVATE KEY-----\n\
    MHcCAQEEIDajcIlUeiMdLzsGopFNiYE7BpyUTpewFUa6XJSidH1yoAoGCCqGSM49\n\
    AwEHoUQDQgAEdwhK0NoPDCltA5SHfUc7KetSmrtnP8pss0Qepprk49sAgmNO5kj2\n\
    CXyTTkpiSkd+wDxEsylAaWY3cd9vyIUBag==\n\
    -----END EC PRIVATE KEY-----";
const SEC1_CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\n\
    MIIBlTCCATugAwIBAgIUW5V+wyCZvF8S22yI2GhwB7YiHi4wCgYIKoZIzj0EAwIw\n\
    FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEzMDEzMzczMFoYDzIxMjYxMTA2\n\
    MTMzNzMwWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO\n\
    PQMBBwNCAAR3CErQ2g8MKW0DlId9Rzsp61Kau2c/ymyzRB6mmuTj2wCCY07mSPYJ\n\
    fJNOSmJKR37APESzKUBpZjdx32/IhQFqo2kwZzAdBgNVHQ4EFgQUroGy1lLpWNuv\n\
    8Tn6WE1RWLQTnqMwHwYDVR0jBBgwFoAUroGy1lLpWNuv8Tn6WE1RWLQTnqMwDwYD\n\
    VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID\n\
    SAAwRQIhAPuvstWLUkbZ6ROOTNii//rXWNGHzYAv0zL28Rg4fLRAAiBw9kxrkTX5\n\
    p6bgpy7aKRO7ZAR7exm+y/aa+seO8u6yyw==\n\
    -----END CERTIFICATE-----";

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

#[test]
fn accepts_keys_and_certificates_as_tools_and_editors_write_them() {
    let files = tempfile::tempdir().unwrap();
    write_certificate(files.path());
    let read = |name: &str| fs::read_to_string(files.path().join(name)).unwrap();
    let (certificate, key) = (read("cert.pem"), read("key.pem"));
    let rsa = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let rsa_certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&rsa).unwrap().pem();
    // The part after the header of PKCS#8.
    let pkcs1 = pem("RSA PRIVATE KEY", rsa.serialize_der().get(26..).unwrap());
    let indented = |text: &str| text.lines().map(|line| format!("    {line}\n")).collect::<String>();
    for (what, certificate, key) in [
        ("PKCS#8", certificate.clone(), key.clone()),
        ("PKCS#1", rsa_certificate.clone(), pkcs1),
        ("SEC1", SEC1_CERTIFICATE.to_owned(), SEC1.to_owned()),
        ("CRLF", certificate.replace('\n', "\r\n"), key.replace('\n', "\r\n")),
        ("a byte-order mark", format!("\u{feff}{certificate}"), format!("\u{feff}{key}")),
        ("text before it", format!("subject=CN = a\n\n{certificate}"), format!("Bag Attributes\n{key}")),
        ("indentation", indented(&certificate), indented(&key)),
        ("one file", format!("{key}{certificate}"), format!("{certificate}{key}")),
    ] {
        fs::write(files.path().join("cert.pem"), certificate).unwrap();
        fs::write(files.path().join("key.pem"), key).unwrap();
        assert!(tls(files.path()).is_ok(), "{what}: {:?}", tls(files.path()).err());
    }
}

#[test]
fn names_what_is_wrong_with_a_certificate_or_its_key() {
    let files = tempfile::tempdir().unwrap();
    let (certificate_file, key_file) = (files.path().join("cert.pem"), files.path().join("key.pem"));
    let missing = tls(files.path()).unwrap_err().to_string();
    assert!(missing.contains("read a certificate in PEM from") && missing.contains("cert.pem"), "{missing}");
    write_certificate(files.path());
    let (certificate, key) = (fs::read(&certificate_file).unwrap(), fs::read(&key_file).unwrap());
    let pair = KeyPair::generate().unwrap();
    let public = pair.public_key_pem().into_bytes();
    let request = CertificateParams::default().serialize_request(&pair).unwrap().pem().unwrap().into_bytes();
    let utf16 = |text: &[u8]| [b"\xff\xfe".to_vec(), text.iter().flat_map(|byte| [*byte, 0]).collect()].concat();
    let of_label = |label: &str| pem(label, b"content").into_bytes();
    let legacy = b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,21731D\n\nAAAA\n\
                   -----END RSA PRIVATE KEY-----\n"
        .to_vec();
    let pkcs12 = b"\x30\x82\x09\xa1\x02\x01\x03\x30\x82".to_vec();
    for (content, of_key, of_certificate) in [
        (b"".to_vec(), "found nothing: the file is empty", "found nothing: the file is empty"),
        (b"\xef\xbb\xbf\r\n".to_vec(), "the file is empty", "the file is empty"),
        (b"malformed".to_vec(), "found text without a line `-----BEGIN", "found text without a line `-----BEGIN"),
        (utf16(&key), "text in UTF-16: save it as UTF-8", "text in UTF-16: save it as UTF-8"),
        (of_label("ENCRYPTED PRIVATE KEY"), "an encrypted private key: decrypt it with", "an encrypted private key"),
        (legacy, "an encrypted private key: decrypt it with", "an encrypted private key"),
        (public, "a public key: the private half", "a public key: use the certificate"),
        (request, "a certificate signing request", "signing request: use the certificate that the authority issues"),
        (certificate.clone(), "a certificate: the certificate and the key may be the wrong way round", ""),
        (key.clone(), "", "a private key: the certificate and the key may be the wrong way round"),
        (of_label("OPENSSH PRIVATE KEY"), "the format of OpenSSH: convert a copy", "the format of OpenSSH"),
        (b"ssh-ed25519 AAAA ann".to_vec(), "a public key in the format of SSH", "a public key in the format of SSH"),
        (b"PuTTY-User-Key-File-3: x".to_vec(), "a key in the format of PuTTY", "a key in the format of PuTTY"),
        (of_label("DSA PRIVATE KEY"), "a DSA key: TLS requires", "a DSA key"),
        (of_label("TRUSTED CERTIFICATE"), "a certificate with a label", "convert it with `openssl x509 -in FILE"),
        (of_label("X509 CERTIFICATE"), "a certificate with a label", "convert it with `openssl x509 -in FILE"),
        (of_label("PKCS7"), "certificates in PKCS#7", "openssl pkcs7 -print_certs"),
        (of_label("EC PARAMETERS"), "only the parameters of a key", "only the parameters of a key"),
        (pkcs12, "PKCS#12 archive (.p12, .pfx): convert it with", "-nokeys -out cert.pem"),
        (
            b"\x30\x82\x01\x22\x30\x0d".to_vec(),
            "binary DER: convert it with `openssl pkey",
            "`openssl x509 -inform der",
        ),
        (
            String::from_utf8(key.clone()).unwrap().replace('\n', "\\n").into_bytes(),
            "PEM with `\\n` in place of line breaks",
            "PEM with `\\n` in place of line breaks",
        ),
    ] {
        for (file, valid, expected) in [(&key_file, &key, of_key), (&certificate_file, &certificate, of_certificate)] {
            if expected.is_empty() {
                continue;
            }
            fs::write(file, &content).unwrap();
            let error = tls(files.path()).unwrap_err();
            fs::write(file, valid).unwrap();
            let text = error.to_string();
            assert!(matches!(error, TlsError::WrongContent { .. }), "{text}");
            assert!(text.contains(expected) && text.contains(file.to_str().unwrap()), "{expected}: {text}");
        }
    }
    fs::write(&key_file, KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let text = tls(files.path()).unwrap_err().to_string();
    assert!(text.contains("does not belong to the first certificate in"), "{text}");
    fs::write(&key_file, pem("PRIVATE KEY", b"damaged")).unwrap();
    let error = tls(files.path()).unwrap_err();
    assert!(matches!(error, TlsError::UnfitKey { .. }) && error.to_string().contains("key.pem"), "{error}");
    for (file, valid, expected) in [(&key_file, &key, "private key"), (&certificate_file, &certificate, "certificate")]
    {
        fs::write(&key_file, &key).unwrap();
        let cut = valid.get(..valid.len() / 2).unwrap();
        fs::write(file, cut).unwrap();
        let text = tls(files.path()).unwrap_err().to_string();
        assert!(text.contains("cut off") && text.contains(expected) && !text.contains("80, 82"), "{text}");
    }
    fs::write(&certificate_file, pem("CERTIFICATE", b"damaged")).unwrap();
    let error = tls(files.path()).unwrap_err();
    assert!(matches!(error, TlsError::UnfitCertificate { .. }) && error.to_string().contains("cert.pem"), "{error}");
}
