//! Admission: origins and JSON Web Tokens.
use std::path::Path;

use crate::common::{Client, Serving, build_in, built, directory, stateroom, success, write, write_service};

const SECRET: &str = "a secret of at least 32 bytes, as it has to be";

/// A token signed with the secret: `{"sub":"Ann","room":"a","exp":4102444800}`, which expires in 2100.
const TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJBbm4iLCJyb29tIjoiYSIsImV4cCI6NDEwMjQ0NDgwMH0.9KVCAWCPWYrwKuJCUzjoIwGuCI7p50Rc455b8d40ec0";

/// Returns the status line of the response to a handshake.
async fn status(server: &Serving, path: &str, headers: &str) -> String {
    let head = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    server.first_line(&format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{head}\r\n{headers}\r\n", server.address)).await
}

fn serve(module: &Path, arguments: &[&str]) -> std::process::Output {
    stateroom().arg("serve").arg(module).args(["--ip", "127.0.0.1", "--port", "0"]).args(arguments).output().unwrap()
}

#[tokio::test]
async fn by_default_pages_of_the_same_host_are_accepted() {
    let module = built("counter-service");
    let server = Serving::start(&module, &[]).await;
    let same = "Origin: http://127.0.0.1:3000\r\n";
    assert_eq!(status(&server, "/ws/a", same).await, "HTTP/1.1 101 Switching Protocols");
    assert_eq!(status(&server, "/ws/a", "Origin: https://evil.test\r\n").await, "HTTP/1.1 403 Forbidden");

    let server = Serving::start(&module, &["--origins", "https://app.test"]).await;
    assert_eq!(status(&server, "/ws/a", same).await, "HTTP/1.1 403 Forbidden");
    assert_eq!(status(&server, "/ws/a", "Origin: https://app.test\r\n").await, "HTTP/1.1 101 Switching Protocols");
}

/// The browser shows neither the status nor the body to the author of a page.
#[tokio::test]
async fn a_refused_origin_is_a_warning_with_the_settings_that_allow_it() {
    let mut server = Serving::start(&built("counter-service"), &[]).await;
    let address = server.address;
    let evil = "Origin: https://rooms.example\r\n";
    assert_eq!(status(&server, "/ws/a", evil).await, "HTTP/1.1 403 Forbidden");
    let line = server.line("refused a web page").await;
    for part in [
        "WARN",
        "origin=https://rooms.example",
        &format!("host=\"{address}\""),
        "`--origins same-host,https://rooms.example`",
        "`--trusted-proxies 127.0.0.1`",
        "suppressed=0",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
    // Further ones are counted, and what a peer wrote is not suggested as part of a command.
    for _ in 0..3 {
        assert_eq!(status(&server, "/ws/a", "Origin: https://a;$(b)\r\n").await, "HTTP/1.1 403 Forbidden");
    }
    let response =
        server.answer(&format!("POST /new_room HTTP/1.1\r\nHost: {address}\r\n{evil}Connection: close\r\n\r\n")).await;
    assert!(response.contains("`--origins`") && response.contains(&format!("`{address}`")), "{response}");
}

/// A page that is refused sends nothing after its preflight, and of a file it may not read, it is told nothing.
#[tokio::test]
async fn a_refused_preflight_or_file_is_a_warning() {
    let evil = "Origin: https://rooms.example\r\nConnection: close\r\n";
    for (request, headers) in
        [("OPTIONS /http/a/x", "Access-Control-Request-Method: PUT\r\n"), ("GET /status", ""), ("GET /nothing.js", "")]
    {
        let mut server = Serving::start(&built("counter-service"), &[]).await;
        let address = server.address;
        server.answer(&format!("{request} HTTP/1.1\r\nHost: {address}\r\n{evil}{headers}\r\n")).await;
        let line = server.line("refused a web page").await;
        assert!(line.contains("`--origins same-host,https://rooms.example`"), "{request}: {line}");
    }
}

#[tokio::test]
async fn a_cookie_can_contain_the_token() {
    let files = directory(&[("secret", SECRET)]);
    let secret = files.path().join("secret");
    let secret = secret.to_str().unwrap();
    let module = built("counter-service");
    let server = Serving::start(&module, &["--jwt-secret-file", secret, "--jwt-cookie", "jwt"]).await;
    let cookie = format!("Cookie: a=b; jwt={TOKEN}\r\n");
    let page = format!("Origin: http://{}\r\n", server.address);
    assert_eq!(status(&server, "/ws/a", &format!("{cookie}{page}")).await, "HTTP/1.1 101 Switching Protocols");
    assert_eq!(status(&server, "/ws/a", &page).await, "HTTP/1.1 401 Unauthorized");
    let evil = format!("{cookie}Origin: https://evil.test\r\n");
    assert_eq!(status(&server, "/ws/a", &evil).await, "HTTP/1.1 403 Forbidden");
    for origins in ["any", "null", "same-host,null"] {
        let output = serve(&module, &["--jwt-secret-file", secret, "--jwt-cookie", "jwt", "--origins", origins]);
        let log = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{log}");
        assert!(log.contains("require origins other than `any` and `null`"), "{log}");
    }
}

#[tokio::test]
async fn the_service_receives_claims_query_and_headers() {
    let files = directory(&[("secret", SECRET), ("stateroom.toml", "[admission]\njwt_secret_file = 'secret'\n")]);
    write_service(files.path(), "whoami", "", "let _ = (client, message, context);");
    let source = "use stateroom_wasm::{details::ClientDetails, *};\n\n#[stateroom_wasm]\n#[derive(Default)]\nstruct Whoami;\n\n\
                  impl StateroomService for Whoami {\n    \
                  fn connect_with(&mut self, client: ClientId, details: &ClientDetails, context: &impl StateroomContext) {\n        \
                  let (name, colour) = (details.subject.as_deref(), details.query(\"colour\"));\n        \
                  context.send_message(client, format!(\"{name:?} {colour:?} {:?}\", details.claims));\n    }\n}\n";
    write(&files.path().join("src/lib.rs"), source);
    success(&build_in(files.path()));

    // The settings that go along name the secret's place; it is not copied.
    let dist = files.path().join("dist");
    let server = Serving::start(&dist, &[]).await;
    assert_eq!(status(&server, "/ws/a", "").await, "HTTP/1.1 401 Unauthorized");
    let token = format!("?access_token={TOKEN}");
    assert_eq!(status(&server, &format!("/ws/b{token}"), "").await, "HTTP/1.1 403 Forbidden");
    let mut client = Client::connect(&format!("ws://{}/ws/a{token}&colour=red", server.address)).await;
    let claims = r#"{\"exp\":4102444800,\"room\":\"a\",\"sub\":\"Ann\"}"#;
    assert_eq!(client.text().await, format!("Some(\"Ann\") Some(\"red\") Some(\"{claims}\")"));

    std::fs::remove_file(files.path().join("secret")).unwrap();
    let output = serve(&dist, &[]);
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{log}");
    assert!(log.contains("failed to read the JWT key"), "{log}");
}

#[test]
fn invalid_keys_and_settings_are_rejected() {
    let module = built("counter-service");
    let files = directory(&[
        ("short", "secret"),
        ("key.pem", SECRET),
        ("cert.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
    ]);
    let utf16 = "\u{feff}-----BEGIN PUBLIC KEY-----\n".encode_utf16().flat_map(u16::to_le_bytes);
    std::fs::write(files.path().join("utf16"), utf16.collect::<Vec<u8>>()).unwrap();
    let path = |name: &str| files.path().join(name).to_str().unwrap().to_owned();
    for (arguments, expected) in [
        (["--jwt-secret-file", &path("short")], "the shared secret is shorter than 32 bytes"),
        (["--jwt-key-file", &path("key.pem")], "neither a public key in PEM"),
        (["--jwt-key-file", &path("utf16")], "text in UTF-16: save it as UTF-8"),
        (["--jwt-key-file", &path("cert.pem")], "a certificate: extract its public key with"),
        (["--jwt-key-file", &path("none")], "failed to read the JWT key"),
    ] {
        let output = serve(&module, &arguments);
        let log = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{log}");
        assert!(log.contains(expected), "{log}");
    }
    for (arguments, expected) in [
        (["--origins", "example.com"], "invalid origin `example.com`"),
        (["--trusted-proxies", "nginx"], "invalid proxy `nginx`"),
        (["--client-headers", "x y"], "`x y` is not a name"),
        (["--preset", "private"], "`private` is not a preset"),
        (["--jwt-audience", "us"], "but no key to verify tokens with"),
        (["--jwt-cookie", "jwt"], "but no key to verify tokens with"),
        (["--jwt-cookie", "a b"], "`a b` is not a name"),
        (["--tls-key", "key.pem"], "TLS requires both a certificate and its private key"),
    ] {
        let output = serve(&module, &arguments);
        let log = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{log}");
        assert!(log.contains(expected), "{log}");
    }
}
