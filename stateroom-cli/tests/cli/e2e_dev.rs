//! `stateroom dev`, from the sources to a client.
use std::net::TcpListener;

use crate::common::{Serving, built, directory, example, failure, stateroom};

#[tokio::test]
async fn dev_builds_and_serves_with_the_page() {
    let mut command = stateroom();
    // As `cargo run` does: what is said about one package is not for the build of another.
    command.args(["dev", "0", "-C"]).arg(example("counter-service")).env("CARGO_MANIFEST_DIR", "nowhere");
    let mut server = Serving::run(command).await;
    assert!(server.address.ip().is_loopback());
    let address = server.address;
    server.line(&format!("open http://{address}/")).await;
    server.line(&format!("rooms are at ws://{address}/ws/")).await;

    assert!(server.get("/").await.contains("<html"));
    let mut client = server.join("a").await;
    client.send("increment").await;
    assert_eq!(client.text().await, "new value: 1");
}

#[test]
fn a_port_in_use_is_named_with_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let dist = built("echo-server");
    let here = directory(&[]);
    let output = stateroom()
        .current_dir(here.path())
        .args(["-q", "serve", "--ip", "127.0.0.1", "--port", &port])
        .arg(dist)
        .output()
        .unwrap();
    let log = failure(&output);
    assert!(log.starts_with(&format!("error: 127.0.0.1:{port} is in use")) && log.contains("`--port`"), "{log}");
}
