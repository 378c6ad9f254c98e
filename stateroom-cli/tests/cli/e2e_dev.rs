//! `stateroom dev`: the first build, the page and the log.
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

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
    // The page of `http://localhost`, in either family.
    let local = |ip: IpAddr| SocketAddr::new(ip, address.port());
    for ip in [local(Ipv4Addr::LOCALHOST.into()), local(Ipv6Addr::LOCALHOST.into())] {
        assert!(!has_ipv6() && ip.is_ipv6() || server.get_at(ip, "/").await.contains("<html"), "{ip}");
    }
    let mut client = server.join("a").await;
    client.send("increment").await;
    assert_eq!(client.text().await, "new value: 1");
}

fn has_ipv6() -> bool {
    TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

/// A phone on the same network calls the machine by its address or local name. A page of a name that somebody registered, and
/// made resolve to this machine, is not let in.
#[tokio::test]
async fn dev_admits_the_pages_that_it_serves_on_a_local_network() {
    let mut command = stateroom();
    command.args(["dev", "0", "--ip", "0.0.0.0", "-C"]).arg(example("counter-service"));
    let server = Serving::run(command).await;
    let head = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    let (admitted, refused) = ("HTTP/1.1 101 Switching Protocols", "HTTP/1.1 403 Forbidden");
    for (host, origin, status) in [
        ("192.168.1.5:8080", "http://192.168.1.5:8080", admitted),
        ("laptop.local:8080", "http://laptop.local:8080", admitted),
        ("laptop:8080", "http://laptop:5173", admitted),
        ("127.0.0.1:8080", "http://localhost:8080", admitted),
        ("127.0.0.1:8080", "capacitor://localhost", admitted),
        ("evil.example:8080", "http://evil.example:8080", refused),
        ("192.168.1.5:8080", "http://evil.example", refused),
        ("192.168.1.5:8080", "null", refused),
    ] {
        let request = format!("GET /ws/a HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\n{head}\r\n\r\n");
        assert_eq!(server.first_line(&request).await, status, "{origin} to {host}");
    }
}

#[tokio::test]
async fn every_spelling_of_a_local_address_works_and_urls_have_brackets() {
    if !has_ipv6() {
        return;
    }
    for (ip, reachable) in [("::1", "[::1]"), ("[::1]", "[::1]"), ("::", "[::1]"), ("LOCALHOST", "127.0.0.1")] {
        let mut command = stateroom();
        command.args(["serve", "--ip", ip, "-p", "0"]).arg(built("echo-server"));
        let mut server = Serving::run(command).await;
        let port = server.address.port();
        server.line(&format!("join a room: ws://{reachable}:{port}/ws/NAME")).await;
        let v6 = SocketAddr::new(Ipv6Addr::LOCALHOST.into(), port);
        assert!(server.get_at(v6, "/status").await.ends_with("ok"), "{ip}");
        if ip == "::" || ip == "LOCALHOST" {
            let v4 = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port);
            assert!(server.get_at(v4, "/status").await.ends_with("ok"), "{ip}");
        }
        let mut command = stateroom();
        command.args(["serve", "--ip", ip, "-p", &port.to_string()]).arg(built("echo-server"));
        let log = failure(&command.output().unwrap());
        let taken = if ip == "::" { "[::]" } else { reachable };
        assert!(log.contains(&format!("error: failed to listen on {taken}:{port}\n")), "{log}");
        assert_eq!(log.matches("failed to listen").count(), 1, "{log}");
    }
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
