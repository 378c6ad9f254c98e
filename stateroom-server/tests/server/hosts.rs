//! The hosts that a server answers to, and heads of requests that could be read in two ways.
use stateroom_server::{Admission, Hosts, Origins, Server};

use crate::common::{HttpResponse, TestServer};

async fn server(hosts: &str, proxies: &str) -> TestServer {
    let admission = Admission::new()
        .with_origins(Origins::same_host())
        .with_hosts(hosts.parse().unwrap())
        .with_trusted_proxies(proxies.parse().unwrap());
    TestServer::tcp(Server::new().with_admission(admission)).await
}

async fn post(server: &TestServer, host: &str, headers: &str) -> HttpResponse {
    let request =
        format!("POST /new_room HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}Content-Length: 0\r\n\r\n");
    server.request(&request).await
}

/// A page of `evil.example` that has the name resolve to 127.0.0.1.
#[tokio::test]
async fn a_rebinding_page_does_not_reach_a_server_on_loopback() {
    let server = server("auto", "").await;
    let port = server.address().port();
    for (host, headers) in [
        (format!("evil.example:{port}"), format!("Origin: http://evil.example:{port}\r\n")),
        // A page can set these, except in a browser's handshakes.
        (format!("evil.example:{port}"), "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Host: localhost\r\n".to_owned()),
        ("evil.example".to_owned(), String::new()),
        ("127.0.0.1.evil.example".to_owned(), String::new()),
    ] {
        let response = post(&server, &host, &headers).await;
        assert_eq!(response.status, 403, "{host} {headers}");
        assert!(response.body.contains("--hosts"), "{}", response.body);
    }
    for path in ["/ws/a", "/http/a/x", "/"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: evil.example:{port}\r\nConnection: close\r\n\r\n");
        assert_eq!(server.request(&request).await.status, 403, "{path}");
    }
    for host in ["localhost", "a.localhost", "127.0.0.1", "127.9.9.9:1", "[::1]", "10.0.0.1", "my-laptop", "rooms.test"]
    {
        assert_eq!(post(&server, host, "").await.status, 200, "{host}");
    }
    let http_1_0 = "GET /http/a/x HTTP/1.0\r\n\r\n";
    assert_eq!(server.request(http_1_0).await.status, 404, "no browser");
}

/// As the page on deployment has it.
#[tokio::test]
async fn a_proxy_on_the_same_machine_passes_on_its_host() {
    let forwarded = "X-Forwarded-For: 192.0.2.1\r\n";
    for host in ["app.example", "app.example:443"] {
        assert_eq!(post(&server("auto", "").await, host, forwarded).await.status, 200, "{host}");
    }
    let trusting = server("auto", "127.0.0.1").await;
    let own_port = format!("app.example:{}", trusting.address().port());
    assert_eq!(post(&trusting, &own_port, forwarded).await.status, 200);
    let listed = server("app.example", "127.0.0.1").await;
    assert_eq!(post(&listed, "app.example", "").await.status, 200);
    assert_eq!(post(&listed, "localhost", "").await.status, 403);
    assert_eq!(post(&listed, "localhost", "X-Forwarded-Host: app.example\r\n").await.status, 200);
    assert_eq!(post(&listed, "app.example", "X-Forwarded-Host: evil.example\r\n").await.status, 403);
    let status = "GET /status HTTP/1.1\r\nHost: 10.0.0.1\r\nConnection: close\r\n\r\n";
    assert_eq!(listed.request(status).await.status, 200, "probes use addresses");
    assert_eq!(post(&server("any", "").await, "evil.example", "").await.status, 200);
}

#[tokio::test]
async fn a_nested_router_checks_the_hosts_that_are_listed() {
    let admission = |hosts: Hosts| Server::new().with_admission(Admission::new().with_hosts(hosts));
    let default = TestServer::pipe(admission(Hosts::default()));
    assert_eq!(post(&default, "any.example", "").await.status, 200);
    let listed = TestServer::pipe(admission("app.example".parse().unwrap()));
    assert_eq!(post(&listed, "app.example", "").await.status, 200);
    assert_eq!(post(&listed, "evil.example", "").await.status, 403);
}

#[tokio::test]
async fn rejects_heads_that_could_be_read_in_two_ways() {
    let server = TestServer::tcp(Server::new()).await;
    for head in [
        "",
        "Host: \r\n",
        "Host: test\r\nHost: test\r\n",
        "Host: test\r\nHost: evil.example\r\n",
        "Host: test:port\r\n",
        "Host: user@test\r\n",
        "Host: a b\r\n",
        "Host: test\r\nTransfer-Encoding: chunked, chunked\r\n",
        "Host: test\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: Chunked\r\n",
    ] {
        for path in ["/status", "/new_room", "/http/a/x"] {
            let request = format!("POST {path} HTTP/1.1\r\n{head}\r\n0\r\n\r\n");
            let response = server.request(&request).await;
            assert_eq!((response.status, response.header("connection")), (400, Some("close")), "{path} {head}");
        }
    }
    assert!(server.handle.rooms().await.is_empty());
    let once =
        "POST /new_room HTTP/1.1\r\nHost: test:80\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(server.request(once).await.status, 200);
}

#[tokio::test]
async fn an_origin_has_a_port_that_is_a_number() {
    let server = server("any", "").await;
    for (origin, status) in [
        ("http://test", 200),
        ("http://test:81", 200),
        ("http://test:+81", 403),
        ("http://test:", 403),
        ("http://test:x", 403),
        ("http://test:99999", 403),
        ("http://test:8 1", 403),
    ] {
        assert_eq!(post(&server, "test", &format!("Origin: {origin}\r\n")).await.status, status, "{origin}");
    }
}
