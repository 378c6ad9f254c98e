//! Reloading, TLS, and HTTP requests to rooms.
use std::{fs, path::Path};

use crate::common::{Client, Serving, build_in, directory, success, write, write_service};

/// Builds a service that reports its version, answers HTTP requests, and sends a message on leave.
///
/// Names are unique, because the tests share a target directory.
fn write_version(directory: &Path, name: &str, version: u32) {
    write_service(directory, name, "", "let _ = (client, message, context);");
    let source = r#"
use stateroom_wasm::{http::{Request, Response}, *};

#[stateroom_wasm]
#[derive(Default)]
struct Versioned {
    seen: u32,
}

impl StateroomService for Versioned {
    fn connect(&mut self, client: ClientId, context: &impl StateroomContext) {
        context.send_message(client, format!("vVERSION connect {}", client.0));
    }

    fn message(&mut self, client: ClientId, _: MessagePayload, context: &impl StateroomContext) {
        self.seen += 1;
        context.send_message(client, format!("vVERSION message {}", self.seen));
    }

    fn request(&mut self, request: Request, context: &impl StateroomContext) -> Option<Response> {
        context.send_message(MessageRecipient::Broadcast, format!("vVERSION {} {}", request.method, request.path));
        let header = request.header("x-name").unwrap_or("nobody");
        Some(Response::new(202, format!("{header} {} {}", request.query, request.body.len())).with_header("etag", "vVERSION"))
    }

    fn shutdown(&mut self, context: &impl StateroomContext) {
        context.send_message(MessageRecipient::Broadcast, "vVERSION goodbye");
    }
}
"#;
    write(&directory.join("src/lib.rs"), &source.replace("VERSION", &version.to_string()));
    success(&build_in(directory));
}

#[tokio::test]
async fn sighup_replaces_the_module_while_sockets_stay_open() {
    let files = directory(&[]);
    write_version(files.path(), "versioned", 1);
    let dist = files.path().join("dist");
    let mut server = Serving::start(&dist, &["--drain-time", "0"]).await;
    let mut client = server.join("a").await;
    assert_eq!(client.text().await, "v1 connect 1");
    client.send("x").await;
    assert_eq!(client.text().await, "v1 message 1");

    // What is no module changes nothing.
    let module = dist.join("server.wasm");
    let good = fs::read(&module).unwrap();
    fs::write(&module, "rubbish").unwrap();
    server.signal("HUP");
    server.line("failed to reload, the running service continues").await;
    client.send("x").await;
    assert_eq!(client.text().await, "v1 message 2");
    fs::write(&module, good).unwrap();

    write_version(files.path(), "versioned", 2);
    server.signal("HUP");
    server.line("all rooms restart with it").await;
    assert_eq!(client.text().await, "v2 connect 1");
    client.send("x").await;
    assert_eq!(client.text().await, "v2 message 1");

    let answer = server
        .answer("POST /http/a/hook?x=1 HTTP/1.1\r\nHost: test\r\nConnection: close\r\nX-Name: Ann\r\nContent-Length: 3\r\n\r\nabc")
        .await;
    assert!(answer.starts_with("HTTP/1.1 202") && answer.contains("etag: v2"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nAnn x=1 3"), "{answer}");
    assert_eq!(client.text().await, "v2 POST /hook");

    server.signal("TERM");
    assert_eq!(client.text().await, "v2 goodbye");
    assert_eq!(client.closed().await.0, 1012);
    assert_eq!(server.end().await.code(), Some(0));
}

#[tokio::test]
async fn draining_rooms_keep_the_old_module() {
    let files = directory(&[]);
    write_version(files.path(), "versioned-drained", 1);
    let mut server = Serving::start(&files.path().join("dist"), &["--on-swap", "drain"]).await;
    let mut old = server.join("a").await;
    assert_eq!(old.text().await, "v1 connect 1");
    write_version(files.path(), "versioned-drained", 2);
    server.signal("HUP");
    server.line("new rooms use it").await;
    old.send("x").await;
    assert_eq!(old.text().await, "v1 message 1");
    let mut new = server.join("b").await;
    assert_eq!(new.text().await, "v2 connect 1");
}

/// Creates a self-signed certificate for `localhost`.
#[tokio::test]
async fn tls_requires_a_certificate_and_its_key() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let files = directory(&[("cert.pem", &made.cert.pem()), ("key.pem", &made.signing_key.serialize_pem())]);
    let path = |name: &str| files.path().join(name).to_str().unwrap().to_owned();
    let module = crate::common::built("counter-service");
    let (certificate, key) = (path("cert.pem"), path("key.pem"));
    let server = Serving::start(&module, &["--tls-cert", &certificate, "--tls-key", &key]).await;
    let mut client =
        Client::connect_tls(&format!("wss://localhost:{}/ws/a", server.address.port()), made.cert.der()).await;
    client.send("increment").await;
    assert_eq!(client.text().await, "new value: 1");

    let mut command = crate::common::stateroom();
    command.arg("serve").arg(&module).args(["--ip", "127.0.0.1", "--port", "0"]);
    command.args(["--tls-cert", &certificate, "--tls-key", &certificate]);
    let log = crate::common::failure(&command.output().unwrap());
    assert!(log.contains("expected a private key in PEM") && log.contains("found a certificate"), "{log}");

    // In a file it is no usage error, but it is one: nothing is served without TLS that was to have it.
    let half = directory(&[("stateroom.toml", "tls_cert = 'cert.pem'\n")]);
    let mut command = crate::common::stateroom();
    command.current_dir(half.path()).arg("serve").arg(module.join("server.wasm"));
    let log = crate::common::failure(&command.output().unwrap());
    assert!(log.contains("TLS requires both a certificate and its private key"), "{log}");
}
