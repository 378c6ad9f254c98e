//! A real nginx before a server, with the configuration of the deployment guide.
use std::{net::SocketAddr, path::PathBuf, process::Stdio};

use futures_util::StreamExt;
use stateroom::{
    ClientId, DefaultStateroomFactory, StateroomContext, StateroomService,
    http::{Request, Response},
};
use stateroom_server::{Admission, Server};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    process::{Child, Command},
    time::timeout,
};
use tokio_tungstenite::client_async;

use crate::common::{TIMEOUT, directory, has_tool};

/// Answers requests with instructions to nginx, and tells each client its room.
#[derive(Default)]
struct Accelerated;

impl StateroomService for Accelerated {
    fn connect(&mut self, client: ClientId, context: &impl StateroomContext) {
        context.send_message(client, context.room_id());
    }

    fn request(&mut self, request: Request, _: &impl StateroomContext) -> Option<Response> {
        let response = Response::from(format!("the room at {}", request.path));
        let headers =
            [("X-Accel-Redirect", "/internal/secret"), ("X-Accel-Buffering", "no"), ("X-Accel-Expires", "@4000000000")];
        Some(headers.into_iter().fold(response, |response, (name, value)| response.with_header(name, value)))
    }
}

/// nginx, killed at the end of the test.
struct Nginx {
    files: TempDir,
    _process: Child,
}

impl Nginx {
    /// Runs nginx before a server at this address.
    async fn before(address: SocketAddr) -> Nginx {
        let readme = include_str!("../../deploy/README.md");
        let (_, location) = readme.split_once("```nginx\n").unwrap();
        let (location, _) = location.split_once("```").unwrap();
        let location = location.replace("127.0.0.1:8080", &address.to_string());
        // With a path after the address, nginx decodes the path that it passes on.
        let pass = format!("proxy_pass http://{address}");
        let decoding = location.replace("location / {", "location /decoded/ {").replace(&pass, &format!("{pass}/"));
        let files = directory(&[("internal/secret", "a secret")]);
        let path = files.path().display();
        let temporary =
            ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|it| format!("{it}_temp_path {it};\n"));
        let configuration = format!(
            "daemon off; master_process off; pid pid; error_log stderr;
            events {{}}
            http {{
                access_log off; {}
                server {{
                    listen unix:{path}/socket;
                    location /internal/ {{ internal; root {path}; }}
                    {location} {decoding}
                }}
            }}",
            temporary.concat()
        );
        std::fs::write(files.path().join("nginx.conf"), configuration).unwrap();
        let mut command = Command::new("nginx");
        command.arg("-p").arg(files.path()).args(["-e", "stderr", "-c", "nginx.conf"]).stdin(Stdio::null());
        let mut process = command.kill_on_drop(true).spawn().unwrap();
        let socket = files.path().join("socket");
        timeout(TIMEOUT, async {
            while UnixStream::connect(&socket).await.is_err() {
                assert!(process.try_wait().unwrap().is_none(), "nginx has exited");
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("nginx does not listen");
        Nginx { files, _process: process }
    }

    fn socket(&self) -> PathBuf {
        self.files.path().join("socket")
    }

    async fn request(&self, head: &str) -> String {
        let mut stream = UnixStream::connect(self.socket()).await.unwrap();
        let request = format!("{head}\r\nHost: app.example\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(TIMEOUT, stream.read_to_string(&mut answer)).await.expect("no answer").unwrap();
        answer
    }

    /// Joins a room. Returns the first message.
    async fn join(&self, path: &str) -> String {
        let stream = UnixStream::connect(self.socket()).await.unwrap();
        let join = client_async(format!("ws://app.example{path}"), stream);
        let (mut socket, _) = timeout(TIMEOUT, join).await.expect("joining takes too long").unwrap();
        timeout(TIMEOUT, socket.next()).await.expect("no message").unwrap().unwrap().to_string()
    }
}

async fn serve(server: Server) -> SocketAddr {
    let server = server.with_ip("127.0.0.1".to_owned()).with_port(0);
    let server = server.bind(DefaultStateroomFactory::<Accelerated>::default()).await.unwrap();
    let address = server.local_addr();
    tokio::spawn(server.run());
    address
}

#[tokio::test]
async fn a_room_does_not_reach_into_nginx() {
    if !has_tool("nginx") {
        return;
    }
    let nginx = Nginx::before(serve(Server::new()).await).await;
    let answer = nginx.request("POST /http/a/x HTTP/1.1").await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("the room at /x"), "{answer}");
    assert!(nginx.request("GET /internal/secret HTTP/1.1").await.starts_with("HTTP/1.1 404"));

    // The same room, if its operator lets the header pass.
    let server = Server::new().with_response_headers(["x-accel-redirect"]);
    let nginx = Nginx::before(serve(server).await).await;
    let answer = nginx.request("POST /http/a/x HTTP/1.1").await;
    assert!(answer.ends_with("a secret"), "{answer}");
}

#[tokio::test]
async fn clients_join_through_nginx_under_any_name() {
    if !has_tool("nginx") {
        return;
    }
    let admission = Admission::new().with_origins("same-host,https://other.example".parse().unwrap());
    let nginx = Nginx::before(serve(Server::new().with_admission(admission)).await).await;
    for (path, room) in [
        ("/ws/a", "a"),
        ("/ws/a/", "a/"),
        ("/ws/team/doc", "team/doc"),
        ("/ws/team%2Fdoc", "team/doc"),
        ("/decoded/ws/team%2Fdoc", "team/doc"),
        ("/decoded/ws/team%2F", "team/"),
        ("/decoded/ws/a%20b", "a b"),
    ] {
        assert_eq!(nginx.join(path).await, room, "{path}");
    }
    let answer = nginx.request("POST /http/team%2Fdoc/x HTTP/1.1").await;
    assert!(answer.ends_with("the room at /x"), "{answer}");

    for (origin, is_allowed) in
        [("https://app.example", true), ("https://other.example", true), ("https://x.example", false)]
    {
        let preflight =
            format!("OPTIONS /new_room HTTP/1.1\r\nOrigin: {origin}\r\nAccess-Control-Request-Method: POST");
        for request in [preflight, format!("POST /new_room HTTP/1.1\r\nOrigin: {origin}")] {
            let answer = nginx.request(&request).await.to_ascii_lowercase();
            let allows = answer.contains(&format!("access-control-allow-origin: {origin}\r\n"));
            assert_eq!(allows, is_allowed, "{request}: {answer}");
        }
    }
}
