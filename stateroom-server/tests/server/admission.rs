//! Admission of clients, and the client details passed to services.
use std::sync::Arc;

use stateroom::{ClientId, DefaultStateroomFactory, StateroomContext, StateroomService, details::ClientDetails};
use stateroom_server::{Admission, AdmissionRequest, Denied, Server};
use tokio::sync::Notify;

use crate::common::{Client, TestServer, within_timeout};

/// Sends each client the details the service received about it.
#[derive(Default)]
pub(crate) struct Guestbook;

impl StateroomService for Guestbook {
    fn connect_with(&mut self, client: ClientId, details: &ClientDetails, context: &impl StateroomContext) {
        let ClientDetails { subject, claims, query, headers, subprotocol, .. } = details;
        let text = format!("{} {subject:?} {claims:?} {query:?} {headers:?} {subprotocol:?}", client.0);
        context.send_message(client, text);
    }
}

pub(crate) async fn guestbook(admission: Admission) -> TestServer {
    let server = Server::new().with_admission(admission);
    TestServer::tcp_with_factory(server, DefaultStateroomFactory::<Guestbook>::default()).await
}

/// Requests a new room from a page of the given origin. Returns the status.
async fn create_from(server: &TestServer, origin: &str) -> u16 {
    let head = format!("Host: test\r\nOrigin: {origin}\r\nConnection: close\r\nContent-Length: 0");
    server.request(&format!("POST /new_room HTTP/1.1\r\n{head}\r\n\r\n")).await.status
}

#[tokio::test]
async fn admits_allowed_origins_only() {
    let server = guestbook(Admission::new().with_origins("same-host".parse().unwrap())).await;
    drop(server.connect("/ws/a").await);
    drop(server.connect_with("/ws/a", &[("origin", "https://test:4433")]).await);
    let response = server.expect_refusal_with("/ws/a", &[("origin", "https://evil.test")]).await;
    assert_eq!(response.status, 403);
    for part in ["`https://evil.test`", "`test`", "`--origins`", "`--trusted-proxies`"] {
        assert!(response.body.contains(part), "{part}: {}", response.body);
    }
    let duplicate = [("origin", "https://test"), ("origin", "https://evil.test")];
    assert_eq!(server.expect_refusal_with("/ws/b", &duplicate).await.status, 403);
    assert_eq!(create_from(&server, "https://evil.test").await, 403);
    assert_eq!(create_from(&server, "https://test").await, 200);
    assert!(server.handle.room("b").await.is_none());

    let open = guestbook(Admission::new()).await;
    drop(open.connect_with("/ws/a", &[("origin", "https://evil.test")]).await);
}

#[tokio::test]
async fn uses_the_forwarded_host_of_a_trusted_proxy() {
    let headers = [("origin", "https://app.example"), ("x-forwarded-host", "app.example")];
    let same_host = || Admission::new().with_origins("same-host".parse().unwrap());
    let server = guestbook(same_host().with_trusted_proxies("127.0.0.1".parse().unwrap())).await;
    drop(server.connect_with("/ws/a", &headers).await);
    let server = guestbook(same_host()).await;
    assert_eq!(server.expect_refusal_with("/ws/a", &headers).await.status, 403);
}

#[tokio::test]
async fn passes_the_query_without_secrets_and_the_configured_headers() {
    let admission = Admission::new().with_client_headers(["User-Agent", "x-none"]).with_subprotocols(["v2", "v1"]);
    let server = guestbook(admission).await;
    let headers = [("user-agent", "browser"), ("cookie", "secret"), ("sec-websocket-protocol", "v1, v3,v2")];
    let path = "/ws/a?name=Ann%20B&token=secret&access_token=secret&name=2";
    let (mut client, response) = server.connect_with(path, &headers).await;
    let details = r#"1 None None [("name", "Ann B"), ("name", "2")] [("user-agent", "browser")] Some("v2")"#;
    client.expect_text(details).await;
    assert_eq!(response.header("sec-websocket-protocol"), Some("v2"));

    let mut plain = server.connect("/ws/b").await;
    plain.expect_text("1 None None [] [] None").await;
    assert_eq!(server.expect_refusal("/ws/a?token=1&token=2").await.status, 400);
}

async fn by_cookie(request: AdmissionRequest) -> Result<ClientDetails, Denied> {
    let mut details = request.details;
    details.subject = match request.headers.get("cookie").and_then(|cookie| cookie.to_str().ok()) {
        Some("panic") => panic!("scripted panic"),
        Some("full") => return Err(Denied::new(429, "try again tomorrow")),
        Some(name) => {
            Some(format!("{name} {:?} {:?} {:?} {}", request.access, request.room, request.peer, request.query))
        }
        None => return Err(Denied::new(401, "log in first")),
    };
    Ok(details)
}

#[tokio::test]
async fn passes_the_request_to_the_hook_which_admits_or_denies_it() {
    let proxy = "127.0.0.1".parse().unwrap();
    let server = guestbook(Admission::new().with_hook(by_cookie).with_trusted_proxies(proxy)).await;
    let headers = [("cookie", "Ann"), ("x-forwarded-for", "1.1.1.1, 198.51.100.7")];
    let (mut client, _): (Client, _) = server.connect_with("/ws/a%20b?x=1", &headers).await;
    client.expect_text(r#"1 Some("Ann Join Some(\"a b\") Some(198.51.100.7) x=1") None [("x", "1")] [] None"#).await;

    let response = server.expect_refusal("/ws/b").await;
    assert_eq!((response.status, response.body.trim()), (401, "log in first"));
    let response = server.expect_refusal_with("/ws/b", &[("cookie", "full")]).await;
    assert_eq!((response.status, response.header("retry-after")), (429, Some("5")));
    assert_eq!(server.expect_refusal_with("/ws/b", &[("cookie", "panic")]).await.status, 500);
    assert_eq!(server.post("/new_room").await.status, 401, "a denied request creates no room");
    assert_eq!(server.handle.rooms().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn rejects_with_503_when_the_hook_times_out() {
    let called = Arc::new(Notify::new());
    let hook = {
        let called = called.clone();
        move |_| {
            let called = called.clone();
            async move {
                called.notify_one();
                std::future::pending().await
            }
        }
    };
    let mut admission = Admission::new().with_hook(hook);
    admission.hook_time = std::time::Duration::from_secs(3);
    let server = TestServer::pipe(Server::new().with_admission(admission));
    let started = tokio::time::Instant::now();
    let response = within_timeout("a response", server.expect_refusal("/ws/a")).await;
    assert_eq!((response.status, response.header("retry-after")), (503, Some("5")));
    assert_eq!(started.elapsed().as_secs(), 3);
    called.notified().await;
}
