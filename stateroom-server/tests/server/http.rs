//! HTTP routes and their documented statuses. Joins that fail before the 101 response are rejected with a status.
use std::fs;

use stateroom_server::{Limits, RoomStrategy, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::common::{TestServer, within_timeout};

/// Returns a handshake request with the given headers.
fn upgrade(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: test\r\n{headers}\r\n")
}

const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
const CLOSE: &str = "Connection: close\r\nUpgrade: websocket\r\n";
const VERSION: &str = "Sec-WebSocket-Version: 13\r\n";

#[tokio::test]
async fn reports_its_status() {
    let server = TestServer::tcp(Server::new()).await;
    let response = server.get("/status").await;
    assert_eq!((response.status, response.body.trim()), (200, "ok"));
    assert_eq!(server.get("/").await.status, 200);
    for path in ["/nothing", "/ws/", "/client/x.js"] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
    assert_eq!(server.get("/new_room").await.status, 405);
    assert_eq!(server.post("/status").await.status, 405);
}

#[tokio::test]
async fn rejects_a_plain_get_and_creates_no_room() {
    let server = TestServer::tcp(Server::new()).await;
    for path in ["/ws/a", "/ws"] {
        let response = server.get(path).await;
        assert_eq!(response.status, 426, "{path}");
        assert_eq!(response.header("upgrade"), Some("websocket"));
    }
    assert!(server.handle.rooms().await.is_empty());
    assert!(server.script.events("a").is_empty());
}

#[tokio::test]
async fn rejects_invalid_handshakes_and_creates_no_room() {
    let server = TestServer::tcp(Server::new()).await;
    for (status, headers) in [
        (400, [CLOSE, VERSION].concat()),
        (400, [CLOSE, KEY].concat()),
        (400, [CLOSE, VERSION, KEY].concat()),
        (426, [CLOSE, "Sec-WebSocket-Version: 12\r\n", KEY].concat()),
        (426, ["Connection: close\r\nUpgrade: h2c\r\n", VERSION, KEY].concat()),
        (426, ["Connection: close\r\nUpgrade: websockets, x-websocket\r\n", VERSION, KEY].concat()),
        (426, [CLOSE, "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Version: 7\r\n", KEY].concat()),
        (426, [CLOSE, "Sec-WebSocket-Version: 130\r\n", KEY].concat()),
        (400, [CLOSE, "Connection: upgraded, x-upgrade\r\n", VERSION, KEY].concat()),
        (400, [CLOSE, "Connection: Upgrade\r\n", VERSION, KEY, &KEY.replace("dGh", "eGh")].concat()),
    ] {
        let response = server.request(&upgrade("/ws/a", &headers)).await;
        assert_eq!(response.status, status, "{headers}");
    }
    // HTTP/1.0 does not support upgrades.
    let old = upgrade("/ws/a", &[UPGRADE, VERSION, KEY].concat()).replace("HTTP/1.1", "HTTP/1.0");
    let response = server.request(&old).await;
    assert!((400..500).contains(&response.status), "{response:?}");
    assert!(server.handle.rooms().await.is_empty());
}

/// RFC 9110, section 5.6.1: a list may have several members, be spread over several fields, and have empty members.
#[tokio::test]
async fn accepts_handshake_headers_as_lists_in_any_case() {
    let server = TestServer::tcp(Server::new()).await;
    for (connection, upgrades) in [
        (vec!["Upgrade"], vec!["websocket"]),
        (vec!["keep-alive, UPGRADE"], vec!["WebSocket"]),
        (vec!["Upgrade"], vec!["websocket, h2c"]),
        (vec!["Upgrade"], vec!["h2c,websocket"]),
        (vec!["Upgrade"], vec!["h2c", "websocket"]),
        (vec!["Upgrade"], vec!["websocket", "h2c"]),
        (vec!["Upgrade"], vec!["websocket", "websocket"]),
        (vec!["keep-alive", "Upgrade"], vec!["websocket,"]),
        (vec!["Upgrade,", "keep-alive"], vec![" ,, WEBSOCKET\t,"]),
        (vec![",upgrade , HTTP2-Settings"], vec!["TLS/1.0", "websocket"]),
    ] {
        for versions in [vec!["13"], vec!["13", "13"], vec!["13,"], vec!["8, 13"]] {
            let field = |name: &str, values: &[&str]| -> String {
                values.iter().map(|value| format!("{name}: {value}\r\n")).collect()
            };
            let (connection, upgrades) = (field("connection", &connection), field("upgrade", &upgrades));
            let headers = format!("{connection}{upgrades}{}{KEY}", field("Sec-WebSocket-Version", &versions));
            let mut stream = server.open().await;
            stream.write_all(upgrade("/ws/a", &headers).as_bytes()).await.unwrap();
            let mut line = [0; 12];
            within_timeout("a response", stream.read_exact(&mut line)).await.unwrap();
            assert_eq!(&line, b"HTTP/1.1 101", "{headers}");
        }
    }
}

#[tokio::test]
async fn compresses_messages_when_negotiated() {
    let offer = "Sec-WebSocket-Extensions: x-nothing\r\nSec-WebSocket-Extensions: permessage-deflate\r\n";
    let accepted = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    for (compression, offer, accepted) in [(true, offer, Some(accepted)), (true, "", None), (false, offer, None)] {
        let server = TestServer::tcp(Server::new().with_compression(compression)).await;
        let mut stream = server.open().await;
        let request = upgrade("/ws/a", &[UPGRADE, VERSION, KEY, offer].concat());
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(within_timeout("the response", stream.read_u8()).await.unwrap());
        }
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        assert_eq!(head.lines().find_map(|line| line.strip_prefix("sec-websocket-extensions: ")), accepted);
        // `joined 1`, with the compression bit (RSV1) set or clear.
        let first = within_timeout("a frame", stream.read_u8()).await.unwrap();
        assert_eq!(first, if accepted.is_some() { 0xc1 } else { 0x81 });
    }
}

#[tokio::test]
async fn post_creates_a_room() {
    let server = TestServer::tcp(Server::new()).await;
    let response = server.post("/ws/a%2Fb").await;
    assert_eq!((response.status, response.body.as_str()), (200, "a/b"));
    server.script.wait_for_event("a/b", "init", 1).await;
    assert_eq!(server.post("/ws/a%2Fb").await.status, 409);
    let mut client = server.join("a%2Fb").await;
    client.send_text("room").await;
    client.expect_text("a/b").await;
    assert_eq!(server.post("/ws/a%2Fb").await.status, 409);
    assert_eq!(server.script.events("a/b").iter().filter(|event| *event == "init").count(), 1);
}

#[tokio::test]
async fn rejects_rooms_beyond_the_limit() {
    let server = TestServer::tcp(Server::new().with_limits(Limits::default().with_rooms(2))).await;
    let (_a, mut b) = (server.join("a").await, server.join("b").await);
    for response in [server.expect_refusal("/ws/c").await, server.post("/ws/c").await, server.post("/new_room").await] {
        assert_eq!(response.status, 503);
        let seconds: u32 = response.header("retry-after").unwrap().parse().unwrap();
        assert!(seconds > 0);
    }
    let _b2 = server.join("b").await;
    b.expect_text("joined 2").await;
    assert_eq!(server.handle.rooms().await.len(), 2);
}

#[tokio::test]
async fn limits_the_length_of_room_ids_and_tokens() {
    let server = TestServer::tcp(Server::new()).await;
    let (longest, too_long) = ("i".repeat(512), "i".repeat(513));
    server.join(&longest).await;
    assert_eq!(server.expect_refusal(&format!("/ws/{too_long}")).await.status, 400);
    assert_eq!(server.get(&format!("/ws/{too_long}")).await.status, 400);
    assert_eq!(server.post(&format!("/ws/{too_long}")).await.status, 400);
    // The limit applies to the decoded length.
    assert_eq!(server.join(&"%C3%A9".repeat(256)).await.id, 1);
    assert_eq!(server.expect_refusal(&format!("/ws/{}", "%C3%A9".repeat(257))).await.status, 400);
    server.join(&format!("a?token={longest}")).await;
    assert_eq!(server.expect_refusal(&format!("/ws/a?token={too_long}")).await.status, 400);
}

#[tokio::test]
async fn rejects_ids_and_tokens_that_are_not_utf8() {
    let server = TestServer::tcp(Server::new()).await;
    assert_eq!(server.expect_refusal("/ws/%FF").await.status, 400);
    assert_eq!(server.post("/ws/%FF").await.status, 400);
    assert_eq!(server.get("/status").await.status, 200);
}

#[tokio::test]
async fn serves_only_files_of_the_static_and_client_paths() {
    let files = tempfile::tempdir().unwrap();
    let (public, client) = (files.path().join("public"), files.path().join("client"));
    fs::create_dir_all(public.join("sub")).unwrap();
    fs::create_dir(&client).unwrap();
    fs::write(public.join("index.html"), "the page").unwrap();
    fs::write(public.join("sub/index.html"), "a page in a subdirectory").unwrap();
    fs::write(public.join("style.css"), "the style").unwrap();
    fs::write(client.join("client.js"), "the script").unwrap();
    fs::write(client.join("client_bg.wasm"), "the module").unwrap();
    fs::write(files.path().join("secret"), "a secret").unwrap();
    let path = |path: &std::path::Path| Some(path.to_str().unwrap().to_owned());
    let server = TestServer::tcp(Server::new().with_static_path(path(&public)).with_client_path(path(&client))).await;

    for (path, body, kind) in [
        ("/", "the page", "text/html"),
        ("/index.html", "the page", "text/html"),
        ("/sub/", "a page in a subdirectory", "text/html"),
        ("/style.css", "the style", "text/css"),
        ("/client/client.js", "the script", "text/javascript"),
        ("/client/client_bg.wasm", "the module", "application/wasm"),
        ("/status", "ok", "text/plain; charset=utf-8"),
    ] {
        let response = server.get(path).await;
        assert_eq!((response.status, response.body.as_str()), (200, body), "{path}");
        assert_eq!(response.header("content-type"), Some(kind), "{path}");
    }
    for path in ["/nothing", "/client/nothing", "/client/style.css"] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
    for path in ["/../secret", "/%2e%2e/secret", "/..%2Fsecret", "/client/../../secret", "/client/%2e%2e%2fsecret"] {
        let response = server.get(path).await;
        assert!(response.status >= 400 && !response.body.contains("secret"), "{path}: {response:?}");
    }
    server.join("a").await;
}

#[tokio::test]
async fn serves_a_client_path_without_static_files() {
    let client = tempfile::tempdir().unwrap();
    fs::write(client.path().join("client.js"), "the script").unwrap();
    let path = Some(client.path().to_str().unwrap().to_owned());
    let server = TestServer::tcp(Server::new().with_client_path(path)).await;
    assert_eq!(server.get("/client/client.js").await.body, "the script");
    assert_eq!(server.get("/").await.status, 200);
}

#[tokio::test]
async fn rejects_joins_to_rooms_that_were_not_created() {
    for strategy in ["api", "uuid", "short"] {
        let strategy: RoomStrategy = strategy.parse().unwrap();
        let server = TestServer::pipe(Server::new().with_room_strategy(strategy));
        for path in ["/ws/a", "/ws", "/ws/a?token=t"] {
            assert_eq!(server.expect_refusal(path).await.status, 404, "{strategy} {path}");
            assert_eq!(server.get(path).await.status, 404, "{strategy} {path}");
        }
        assert!(server.handle.rooms().await.is_empty());
    }
}

/// Found by the fuzzer: a response that the client has not read is followed by what is no request.
#[tokio::test(start_paused = true)]
async fn answers_garbage_after_the_response_before_it() {
    let server = TestServer::pipe(Server::new().with_room_strategy(RoomStrategy::Api));
    let (mut reader, mut writer) = tokio::io::split(server.open_narrow_pipe(96));
    let post =
        b"POST /new_room HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n\x88\r\n\r\n";
    let mut received = Vec::new();
    let (_, read) = tokio::join!(writer.write_all(post), reader.read_to_end(&mut received));
    read.unwrap();
    let received = String::from_utf8(received).unwrap();
    let (first, second) = received.split_at(received.rfind("HTTP/1.1 ").unwrap());
    assert!(first.ends_with("rooms of this server are created by name: POST /ws/NAME\n"), "{received}");
    assert!(second.starts_with("HTTP/1.1 400 "), "{received}");
}
