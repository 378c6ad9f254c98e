//! Cross-origin requests of pages: those of the origins that are admitted can read every answer, others none.
use std::fs;

use stateroom::{
    DefaultStateroomFactory, StateroomContext, StateroomService,
    http::{Request, Response},
};
use stateroom_server::{Admission, Jwt, Limits, Server};

use crate::common::{HttpResponse, TestServer};

const APP: &str = "https://app.example";
const EVIL: &str = "https://evil.test";
const ALLOW_ORIGIN: &str = "access-control-allow-origin";

/// Names the method of a request.
#[derive(Default)]
struct Methods;

impl StateroomService for Methods {
    fn request(&mut self, request: Request, _: &impl StateroomContext) -> Option<Response> {
        Some(Response::new(200, request.method).with_header("allow", "GET, REPORT"))
    }
}

async fn server(limits: Limits) -> TestServer {
    let admission = Admission::new().with_origins(format!("same-host,{APP}").parse().unwrap());
    let server = Server::new().with_admission(admission).with_limits(limits);
    TestServer::tcp_with_factory(server, DefaultStateroomFactory::<Methods>::default()).await
}

async fn send(server: &TestServer, method: &str, path: &str, headers: &[(&str, &str)]) -> HttpResponse {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("Host: test\r\nConnection: close\r\nContent-Length: 0\r\n{headers}");
    server.request(&format!("{method} {path} HTTP/1.1\r\n{head}\r\n")).await
}

/// The paths of all kinds of answers, and the method of each.
const PATHS: [(&str, &str); 12] = [
    ("POST", "/new_room"),
    ("POST", "/ws/a"),
    ("POST", "/ws/team/doc"),
    ("GET", "/ws/a"),
    ("GET", "/ws"),
    ("GET", "/ws/"),
    ("PUT", "/http/a/text"),
    ("REPORT", "/http/a/text"),
    ("GET", "/http/nothing/text"),
    ("GET", "/status"),
    ("GET", "/nothing"),
    ("DELETE", "/new_room"),
];

#[tokio::test]
async fn admitted_pages_read_every_answer_and_others_none() {
    let server = server(Limits::default()).await;
    for (method, path) in PATHS {
        for origin in [APP, "http://test:3000"] {
            let response = send(&server, method, path, &[("Origin", origin)]).await;
            assert_eq!(response.headers(ALLOW_ORIGIN), [origin], "{method} {path}");
            assert!(response.headers("vary").contains(&"origin"), "{method} {path}");
            assert_eq!(response.header("access-control-allow-credentials"), None, "{method} {path}");
            assert_eq!(response.header("access-control-expose-headers"), Some("*"), "{method} {path}");
        }
        for headers in
            [vec![("Origin", EVIL)], vec![("Origin", APP), ("Origin", EVIL)], vec![("Origin", "null")], vec![]]
        {
            let response = send(&server, method, path, &headers).await;
            assert_eq!(response.header(ALLOW_ORIGIN), None, "{method} {path} {headers:?}");
            assert!(response.headers("vary").contains(&"origin"), "{method} {path} {headers:?}");
        }
    }
}

#[tokio::test]
async fn preflights_are_answered_before_admission() {
    let server = server(Limits::default()).await;
    for (method, path) in PATHS {
        let headers = [
            ("Origin", APP),
            ("Access-Control-Request-Method", method),
            ("Access-Control-Request-Headers", "authorization,content-type"),
            ("Access-Control-Request-Private-Network", "true"),
        ];
        let response = send(&server, "OPTIONS", path, &headers).await;
        assert_eq!((response.status, response.body.as_str()), (200, ""), "{method} {path}");
        assert_eq!(response.header(ALLOW_ORIGIN), Some(APP), "{path}");
        assert_eq!(response.header("access-control-allow-methods"), Some(&*method.to_ascii_lowercase()), "{path}");
        assert_eq!(response.header("access-control-allow-headers"), Some("authorization,content-type"), "{path}");
        assert_eq!(response.header("access-control-allow-private-network"), Some("true"), "{path}");
        assert_eq!(response.header("access-control-allow-credentials"), None, "{path}");
        assert!(response.header("access-control-max-age").is_some(), "{path}");

        let headers = [("Origin", EVIL), headers[1], headers[2], headers[3]];
        let response = send(&server, "OPTIONS", path, &headers).await;
        assert_eq!((response.status, response.header(ALLOW_ORIGIN)), (200, None), "{path}");
        assert_eq!(response.header("access-control-allow-private-network"), None, "{path}");
    }
    assert!(server.handle.rooms().await.is_empty(), "a preflight creates no room");
}

/// With cookies, browsers take `*` for the name of a header.
#[tokio::test]
async fn exposed_headers_have_names_if_a_cookie_can_admit() {
    let jwt = Jwt::from_secret(b"a secret of at least 32 bytes, shared").unwrap().with_cookie("access");
    let admission = Admission::new().with_origins(APP.parse().unwrap()).with_jwt(jwt);
    let server = Server::new().with_admission(admission).with_response_headers(["X-Total-Count"]);
    let server = TestServer::tcp_with_factory(server, DefaultStateroomFactory::<Methods>::default()).await;
    let response = send(&server, "POST", "/new_room", &[("Origin", APP)]).await;
    assert_eq!(response.header("access-control-allow-credentials"), Some("true"));
    let exposed = response.header("access-control-expose-headers").unwrap();
    let exposed: Vec<&str> = exposed.split(',').map(str::trim).collect();
    for name in ["*", "etag", "location", "retry-after", "x-total-count"] {
        assert!(exposed.contains(&name), "{name}: {exposed:?}");
    }
}

#[tokio::test]
async fn options_that_are_no_preflight_reach_the_room() {
    let server = server(Limits::default()).await;
    for headers in [vec![], vec![("Origin", APP)], vec![("Access-Control-Request-Method", "GET")]] {
        send(&server, "PUT", "/http/a/x", &[]).await;
        let response = send(&server, "OPTIONS", "/http/a/x", &headers).await;
        assert_eq!((response.status, response.body.as_str()), (200, "OPTIONS"), "{headers:?}");
        assert_eq!(response.header("allow"), Some("get, report"), "{headers:?}");
        assert_eq!(response.header(ALLOW_ORIGIN).is_some(), headers == [("Origin", APP)]);
    }
    assert_eq!(send(&server, "OPTIONS", "/http/a/x", &[("Origin", EVIL)]).await.status, 403);
    assert_eq!(send(&server, "OPTIONS", "/new_room", &[]).await.status, 405);
}

#[tokio::test]
async fn a_page_reads_why_there_is_no_connection_left() {
    let server = server(Limits::default().with_connections(1)).await;
    let _only = server.connect("/ws/a").await;
    let response = send(&server, "POST", "/new_room", &[("Origin", APP)]).await;
    assert_eq!((response.status, response.header(ALLOW_ORIGIN)), (503, Some(APP)));
}

#[tokio::test]
async fn files_can_be_imported_by_admitted_pages() {
    let files = tempfile::tempdir().unwrap();
    fs::write(files.path().join("client.js"), "the script").unwrap();
    let path = Some(files.path().to_str().unwrap().to_owned());
    let admission = Admission::new().with_origins(APP.parse().unwrap());
    let server = Server::new().with_client_path(path.clone()).with_static_path(path).with_admission(admission);
    let server = TestServer::tcp(server).await;
    for path in ["/client.js", "/client/client.js", "/client/nothing.js", "/nothing.js"] {
        let response = send(&server, "GET", path, &[("Origin", APP)]).await;
        assert_eq!(response.header(ALLOW_ORIGIN), Some(APP), "{path}");
    }
}

#[tokio::test]
async fn the_admin_routes_are_not_shared() {
    let server = Server::new().with_ip("127.0.0.1".to_owned()).with_port(0);
    let server = server.bind(DefaultStateroomFactory::<Methods>::default()).await.unwrap();
    let server = server.with_admin("127.0.0.1:0".parse().unwrap(), axum::Router::new()).unwrap();
    let admin = TestServer::at(server.admin_addr().unwrap());
    tokio::spawn(server.run());
    let preflight = [("Origin", APP), ("Access-Control-Request-Method", "DELETE")];
    for (method, headers) in [("GET", &preflight[..1]), ("OPTIONS", &preflight[..])] {
        let response = send(&admin, method, "/rooms", headers).await;
        assert_eq!(response.header(ALLOW_ORIGIN), None, "{method}");
    }
}
