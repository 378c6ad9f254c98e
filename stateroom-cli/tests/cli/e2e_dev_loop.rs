//! The development loop: changes are built and served while sockets stay open.
use std::{fs, net::SocketAddr, path::Path, process::Command};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::TcpStream,
    time::timeout,
};

use crate::common::{
    Client, Serving, TIMEOUT, directory, stateroom, target, with_locked_versions, write, write_service,
};

/// A service that counts messages and reports its version.
fn write_version(directory: &Path, version: u32) {
    let source = "\
use stateroom_wasm::*;

#[stateroom_wasm]
#[derive(Default)]
struct Counts {
    seen: u32,
}

impl StateroomService for Counts {
    fn connect(&mut self, client: ClientId, context: &impl StateroomContext) {
        context.send_message(client, format!(\"vVERSION connect {}\", client.0));
    }

    fn message(&mut self, client: ClientId, message: MessagePayload, context: &impl StateroomContext) {
        assert!(message.text() != Some(\"fail\"), \"told to\");
        self.seen += 1;
        println!(\"seen {}\", self.seen);
        context.send_message(client, format!(\"vVERSION message {}\", self.seen));
    }

    fn timer(&mut self, context: &impl StateroomContext) {
        context.send_message(MessageRecipient::Broadcast, \"vVERSION timer\");
    }
}
";
    write(&directory.join("src/lib.rs"), &source.replace("VERSION", &version.to_string()));
}

/// Writes a crate with the first version, and a page.
fn service(name: &str) -> tempfile::TempDir {
    let here = directory(&[
        ("static/index.html", "<!doctype html><title>A page</title>"),
        ("stateroom.toml", "static_files = \"static\""),
    ]);
    write_service(here.path(), name, "", "let _ = (client, message, context);");
    write_version(here.path(), 1);
    with_locked_versions(here.path());
    here
}

fn dev(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = stateroom();
    command.args(["dev", "-C"]).arg(directory).args(arguments).env("CARGO_TARGET_DIR", target());
    if !arguments.contains(&"--port") {
        command.args(["--port", "0"]);
    }
    command
}

/// The lines of an event stream of the inspector.
struct Feed(Lines<BufReader<TcpStream>>);

impl Feed {
    async fn open(server: &Serving, path: &str) -> Feed {
        Feed::open_at(server.address, path).await
    }

    async fn open_at(address: SocketAddr, path: &str) -> Feed {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET /_stateroom/api/{path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        Feed(BufReader::new(stream).lines())
    }

    /// Returns the next line that contains this text.
    async fn line(&mut self, part: &str) -> String {
        let mut seen = Vec::new();
        loop {
            match timeout(TIMEOUT, self.0.next_line()).await {
                Ok(Ok(Some(line))) if line.contains(part) => return line,
                Ok(Ok(Some(line))) => seen.push(line),
                _ => panic!("no `{part}`: {seen:#?}"),
            }
        }
    }
}

/// Performs an action of the inspector, and returns the status line.
async fn act(server: &Serving, path: &str, body: &str, origin: &str) -> String {
    let request = format!(
        "POST /_stateroom/api/rooms/{path} HTTP/1.1\r\nHost: {}\r\n{origin}Content-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        server.address,
        body.len()
    );
    server.first_line(&request).await
}

#[tokio::test]
async fn changes_are_served_and_failed_builds_are_not() {
    let here = service("dev-loop");
    let mut server = Serving::run(dev(here.path(), &[])).await;
    let mut feed = Feed::open(&server, "feed").await;
    feed.line(r#""state":"ready""#).await;
    let mut client = server.join("a").await;
    assert_eq!(client.text().await, "v1 connect 1");

    write_version(here.path(), 2);
    server.line("rebuilt in ").await;
    assert_eq!(client.text().await, "v2 connect 1");
    client.send("x").await;
    assert_eq!(client.text().await, "v2 message 1");
    feed.line(r#""generation":2"#).await;

    write(&here.path().join("src/lib.rs"), "nonsense");
    server.line("the running service continues").await;
    server.line("error: expected").await;
    assert!(feed.line(r#""state":"failed""#).await.contains("nonsense"), "the page shows it, too");
    client.send("x").await;
    assert_eq!(client.text().await, "v2 message 2");

    // What was there before, which is served.
    write_version(here.path(), 2);
    server.line("build succeeded").await;
    feed.line(r#""state":"ready""#).await;
    client.send("x").await;
    assert_eq!(client.text().await, "v2 message 3");
}

#[tokio::test]
async fn debug_builds_are_served() {
    let here = service("dev-debug");
    let module = |profile: &str| target().join("wasm32-wasip1").join(profile).join("dev_debug.wasm");
    // An earlier run's.
    let _ = fs::remove_file(module("debug"));
    let mut server = Serving::run(dev(here.path(), &["--debug"])).await;
    let mut client = server.join("a").await;
    assert_eq!(client.text().await, "v1 connect 1");
    write_version(here.path(), 2);
    server.line("rebuilt in ").await;
    assert_eq!(client.text().await, "v2 connect 1");
    assert_eq!((module("debug").exists(), module("release").exists()), (true, false));
}

#[tokio::test]
async fn restore_replays_events_to_the_new_code() {
    let here = service("dev-restore");
    let mut server = Serving::run(dev(here.path(), &["--restore"])).await;
    let mut client = server.join("a").await;
    assert_eq!(client.text().await, "v1 connect 1");
    for seen in 1..=3 {
        client.send("x").await;
        assert_eq!(client.text().await, format!("v1 message {seen}"));
    }
    for version in [2, 3] {
        write_version(here.path(), version);
        server.line("rebuilt in ").await;
        // It is in the room already, and the room knows what it knew.
        client.send("x").await;
        assert_eq!(client.text().await, format!("v{version} message {}", version + 2));
    }
    // A client that joins now is new to the room.
    let mut other = server.join("a").await;
    assert_eq!(other.text().await, "v3 connect 2");
}

#[tokio::test]
async fn pages_reload_on_changes_of_static_files() {
    let here = service("dev-page");
    let mut server = Serving::run(dev(here.path(), &[])).await;
    let mut feed = Feed::open(&server, "feed").await;
    feed.line("event: session").await;
    let request =
        format!("GET / HTTP/1.1\r\nHost: {}\r\nAccept: text/html\r\nConnection: close\r\n\r\n", server.address);
    let page = server.answer(&request).await;
    assert!(page.contains("<title>A page</title><script src=\"/_stateroom/dev.js\""), "{page}");
    assert!(server.get("/").await.ends_with("<title>A page</title>"), "a program gets the file as it is");
    assert!(server.get("/_stateroom/dev.js").await.starts_with("HTTP/1.1 200"));

    fs::write(here.path().join("static/more.css"), "p {}").unwrap();
    server.line("static/more.css changed: reloading pages").await;
    feed.line("event: reload").await;
}

#[tokio::test]
async fn waits_for_changes_if_the_first_build_fails() {
    let here = service("dev-first");
    write(&here.path().join("src/lib.rs"), "nonsense");
    let (server, ()) = Serving::run_with(dev(here.path(), &[]), async |server| {
        server.line("for wasm32-wasip1").await;
        server.line("waiting for changes").await;
        write_version(here.path(), 7);
        server.line("src/lib.rs changed").await;
    })
    .await;
    assert_eq!(server.join("a").await.text().await, "v7 connect 1");
}

#[tokio::test]
async fn the_inspector_shows_rooms_and_performs_actions() {
    let here = service("dev-inspector");
    let server = Serving::run(dev(here.path(), &[])).await;
    let mut client = server.join("a").await;
    assert_eq!(client.text().await, "v1 connect 1");
    let mut all = Feed::open(&server, "feed").await;
    assert!(all.line(r#""id":"a""#).await.contains(r#""clients":[1]"#));
    let mut room = Feed::open(&server, "rooms/a/feed").await;
    room.line(r#""kind":"start""#).await;
    assert!(
        room.line(r#""kind":"connect""#).await.contains(r#""payload":{"bytes":12,"cut":false,"text":"v1 connect 1"}"#)
    );

    // Only what comes from a page of this address, or from none at all.
    let evil = "Origin: https://evil.example\r\n";
    let says = r#"{"client":1,"payload":{"text":"x"}}"#;
    assert_eq!(act(&server, "a/message", says, evil).await, "HTTP/1.1 403 Forbidden");
    let own = format!("Origin: http://{}\r\n", server.address);
    assert_eq!(act(&server, "a/message", says, &own).await, "HTTP/1.1 204 No Content");
    assert_eq!(client.text().await, "v1 message 1");
    room.line(r#""text":"seen 1""#).await;
    room.line(r#""kind":"message""#).await;
    assert_eq!(act(&server, "a/timer", "", "").await, "HTTP/1.1 204 No Content");
    assert_eq!(client.text().await, "v1 timer");
    assert_eq!(act(&server, "a/restart", "", "").await, "HTTP/1.1 204 No Content");
    assert_eq!(client.text().await, "v1 connect 1");
    room.line(r#""kind":"start""#).await;
    assert_eq!(act(&server, "a/message", &says.replace('1', "9"), "").await, "HTTP/1.1 409 Conflict");
    assert_eq!(act(&server, "b/timer", "", "").await, "HTTP/1.1 404 Not Found");
    assert_eq!(act(&server, "a/message", "{}", "").await, "HTTP/1.1 422 Unprocessable Entity");

    let test = server.get("/_stateroom/api/rooms/a/test").await;
    let ann = "    let ann = room.connect();\n    room.expect(ann, [\"v1 connect 1\"]);\n";
    assert!(test.contains("fn as_it_was_recorded() {") && test.contains(ann), "{test}");
    let bye = r#"{"client":1,"code":3001,"reason":"bye"}"#;
    assert_eq!(act(&server, "a/disconnect", bye, "").await, "HTTP/1.1 204 No Content");
    assert_eq!(client.closed().await, (3001, "bye".to_owned()));
    let mut other = server.join("a").await;
    assert_eq!(other.text().await, "v1 connect 2");
    other.send("fail").await;
    let fault = room.line(r#""kind":"fault""#).await;
    assert!(fault.contains("told to") && fault.contains("src/lib.rs") && fault.contains("backtrace"), "{fault}");

    // A name that leads here by its owner's will is no name of this machine.
    let request = "GET /_stateroom/api/info HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    assert_eq!(server.first_line(request).await, "HTTP/1.1 403 Forbidden");
}

#[tokio::test]
async fn the_inspector_is_off_if_other_machines_can_connect() {
    let here = service("dev-everywhere");
    let server = Serving::run(dev(here.path(), &["--ip", "0.0.0.0"])).await;
    let port = server.address.port();
    let there = SocketAddr::from(([127, 0, 0, 1], port));
    for path in ["", "index.html", "api/info", "api/rooms/a/feed"] {
        assert!(server.get_at(there, &format!("/_stateroom/{path}")).await.starts_with("HTTP/1.1 404"), "{path}");
    }
    // But pages hear of builds.
    assert!(server.get_at(there, "/_stateroom/dev.js").await.starts_with("HTTP/1.1 200"));
    let mut feed = Feed::open_at(there, "feed").await;
    feed.line(r#""state":"ready""#).await;
    let _client = Client::connect(&format!("ws://{there}/ws/a")).await;
    write_version(here.path(), 2);
    let building = feed.line("data: {").await;
    assert!(building.contains("building"), "and of no room: {building}");
}

#[cfg(unix)]
#[tokio::test]
async fn open_opens_the_page_and_next_port_skips_a_port_in_use() {
    use crate::common::{path_with, write_program};

    let here = service("dev-open");
    let tools = directory(&[]);
    for program in ["xdg-open", "open"] {
        write_program(&tools.path().join(program), &format!("echo \"$@\" > {}/opened", tools.path().display()));
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut command = dev(here.path(), &["--next-port", "--open", "--port", &port.to_string()]);
    command.env("PATH", path_with(tools.path()));
    let server = Serving::run(command).await;
    assert!(server.address.port() > port);
    let opened = tools.path().join("opened");
    let text = timeout(TIMEOUT, async {
        loop {
            match fs::read_to_string(&opened) {
                Ok(text) if text.ends_with('\n') => return text,
                _ => tokio::task::yield_now().await,
            }
        }
    });
    assert_eq!(text.await.unwrap().trim_end(), format!("http://{}/", server.address));
}

#[cfg(unix)]
#[tokio::test]
async fn stopping_the_server_ends_the_build() {
    use crate::common::{path_with, write_program};

    let here = service("dev-stopped");
    let tools = directory(&[]);
    let mut command = dev(here.path(), &[]);
    command.env("PATH", path_with(tools.path()));
    let mut server = Serving::run(command).await;
    let began = tools.path().join("began");
    // From now on, a build is one that never ends.
    let (began_at, cargo) = (began.display(), env!("CARGO"));
    let script = format!("case \"$*\" in build*) echo > {began_at}; exec sleep 600;; esac; exec {cargo} \"$@\"");
    write_program(&tools.path().join("cargo"), &script);
    write_version(here.path(), 2);
    let begins = timeout(TIMEOUT, async {
        while !began.exists() {
            tokio::task::yield_now().await;
        }
    });
    begins.await.unwrap();
    server.signal("TERM");
    server.line("shutting down").await;
    assert_eq!(server.end().await.code(), Some(0));
}

#[tokio::test]
async fn a_renamed_service_is_served() {
    let here = service("dev-named");
    let mut server = Serving::run(dev(here.path(), &[])).await;
    let mut client = server.join("a").await;
    assert_eq!(client.text().await, "v1 connect 1");
    let manifest = fs::read_to_string(here.path().join("Cargo.toml")).unwrap();
    write_version(here.path(), 2);
    write(&here.path().join("Cargo.toml"), &manifest.replace("dev-named", "dev-renamed"));
    server.line("rebuilt in ").await;
    assert_eq!(client.text().await, "v2 connect 1");
}

#[tokio::test]
async fn changes_of_pages_are_remembered_over_failed_builds() {
    let here = service("dev-both");
    let mut server = Serving::run(dev(here.path(), &[])).await;
    let mut feed = Feed::open(&server, "feed").await;
    feed.line("event: session").await;
    fs::write(here.path().join("static/more.css"), "p {}").unwrap();
    write(&here.path().join("src/lib.rs"), "nonsense");
    server.line("the running service continues").await;
    write_version(here.path(), 2);
    feed.line("event: reload").await;
}
