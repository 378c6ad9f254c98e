//! `stateroom dev`: the first build, the page and the log.
use std::net::TcpListener;

use crate::common::{Serving, built, directory, example, failure, stateroom};

#[tokio::test]
async fn dev_builds_and_serves_with_the_page() {
    let mut command = stateroom();
    // As `cargo run` does. Variables about one package must not affect the build of another.
    command.args(["dev", "0", "-C"]).arg(example("counter-service")).env("CARGO_MANIFEST_DIR", "nowhere");
    let mut server = Serving::run(command).await;
    assert!(server.address.ip().is_loopback());
    let address = server.address;
    server.line(&format!("join a room: ws://{address}/ws/")).await;

    assert!(server.get("/").await.contains("<html"));
    let mut client = server.join("a").await;
    client.send("increment").await;
    assert_eq!(client.text().await, "new value: 1");
}

/// For strategies under which joining does not create rooms.
#[tokio::test]
async fn logs_how_to_create_a_room() {
    let dist = built("echo-server");
    for (strategy, path) in [("api", "ws/NAME"), ("uuid", "new_room"), ("short3", "new_room")] {
        let mut server = Serving::start(&dist, &["-r", strategy]).await;
        let address = server.address;
        server.line(&format!("create a room: curl -X POST http://{address}/{path}")).await;
        server.line(&format!("join a room: ws://{address}/ws/NAME")).await;
    }
}

#[tokio::test]
async fn logs_a_local_address_if_it_listens_on_all() {
    let mut command = stateroom();
    command.args(["serve", "-p", "0"]).arg(built("echo-server"));
    let mut server = Serving::run(command).await;
    let port = server.address.port();
    server.line(&format!("on this machine: http://127.0.0.1:{port}")).await;
    server.line(&format!("join a room: ws://127.0.0.1:{port}/ws/NAME")).await;
}

#[test]
fn a_port_in_use_is_reported_before_the_build() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let here = directory(&[]);
    let log = failure(&stateroom().current_dir(here.path()).args(["dev", &port]).output().unwrap());
    assert!(log.starts_with(&format!("error: failed to listen on 127.0.0.1:{port}")), "{log}");
}

#[test]
fn a_port_in_use_is_reported_with_a_hint() {
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
    assert!(
        log.starts_with(&format!("error: failed to listen on 127.0.0.1:{port}")) && log.contains("`--port`"),
        "{log}"
    );
}
