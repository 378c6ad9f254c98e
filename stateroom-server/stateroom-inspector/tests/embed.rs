//! The inspector in an Axum app with native rooms.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, BodyDataStream, to_bytes},
    http::{HeaderMap, Request, StatusCode, header},
    middleware::from_fn,
    response::Html,
    routing::get,
};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use stateroom::{
    ClientId, DefaultStateroomFactory, MessagePayload, MessageRecipient, StateroomContext, StateroomService,
};
use stateroom_inspector::{BuildStatus, Inspector, inject_page_script};
use stateroom_record::{RecordLimits, Recorder};
use stateroom_server::{Server, ServerHandle};
use tokio::{net::TcpListener, time::timeout};
use tokio_tungstenite::tungstenite::Message;
use tower::ServiceExt;

const TIMEOUT: Duration = Duration::from_secs(10);

/// Sends every message to all clients.
#[derive(Default)]
struct Relay;

impl StateroomService for Relay {
    fn message(&mut self, _: ClientId, message: MessagePayload, context: &impl StateroomContext) {
        context.send_message(MessageRecipient::Broadcast, message);
    }

    fn timer(&mut self, context: &impl StateroomContext) {
        context.send_message(MessageRecipient::Broadcast, "timer");
    }
}

fn app() -> (Router, ServerHandle) {
    let recorder = Recorder::new(RecordLimits::default());
    let (rooms, handle) = Server::new().router(recorder.wrap(DefaultStateroomFactory::<Relay>::default()));
    let inspector =
        Inspector::new(handle.clone(), recorder).with_service_name("relay").with_rooms_path("/rooms/ws/").router();
    (Router::new().route("/", get(async || "app")).nest("/rooms", rooms).merge(inspector), handle)
}

fn request(method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path).header(header::HOST, "127.0.0.1:8080")
}

async fn send(app: &Router, request: Request<Body>) -> (StatusCode, String) {
    let response = app.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn fetch(app: &Router, path: &str) -> (StatusCode, String) {
    send(app, request("GET", path).body(Body::empty()).unwrap()).await
}

async fn act(app: &Router, action: &str, body: Value) -> StatusCode {
    let request = request("POST", &format!("/_stateroom/api/rooms/{action}"));
    let request = request.header(header::CONTENT_TYPE, "application/json").body(body.to_string().into()).unwrap();
    send(app, request).await.0
}

/// Reads Server-Sent Events.
struct Feed {
    body: BodyDataStream,
    text: String,
}

impl Feed {
    async fn open(app: &Router, path: &str) -> Self {
        let request = request("GET", &format!("/_stateroom/api/{path}")).body(Body::empty()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        Feed { body: response.into_body().into_data_stream(), text: String::new() }
    }

    /// Returns the next event that contains this.
    async fn event(&mut self, part: &str) -> String {
        loop {
            while let Some(end) = self.text.find("\n\n") {
                let event: String = self.text.drain(..end + 2).collect();
                if event.contains(part) {
                    return event;
                }
            }
            let more = timeout(TIMEOUT, self.body.next()).await.unwrap_or_else(|_| panic!("no event with `{part}`"));
            self.text.push_str(str::from_utf8(&more.expect("the feed ended").unwrap()).unwrap());
        }
    }

    /// Waits for the end of the feed.
    async fn ended(mut self) {
        let rest = async { while self.body.next().await.is_some() {} };
        timeout(TIMEOUT, rest).await.expect("the feed does not end");
    }
}

#[tokio::test]
async fn page_and_its_files_are_served_below_the_path() {
    let (app, _handle) = app();
    let (status, page) = fetch(&app, "/_stateroom/").await;
    assert!(status == StatusCode::OK && page.contains("<title>Stateroom inspector</title>"), "{page}");
    for file in ["main.js", "inspector.css", "dev.js"] {
        assert_eq!(fetch(&app, &format!("/_stateroom/{file}")).await.0, StatusCode::OK, "{file}");
    }
    assert_eq!(fetch(&app, "/_stateroom/nothing.js").await.0, StatusCode::NOT_FOUND);
    assert_eq!(fetch(&app, "/").await, (StatusCode::OK, "app".to_owned()));

    let nested = Router::new().nest("/admin", app);
    assert_eq!(fetch(&nested, "/admin/_stateroom/").await.0, StatusCode::OK);
    let request = request("GET", "/admin/_stateroom").body(Body::empty()).unwrap();
    let response = nested.oneshot(request).await.unwrap();
    assert_eq!(response.headers()[header::LOCATION], "_stateroom/", "relative to the nested path");
}

#[tokio::test]
async fn info_names_the_service_and_the_path_of_rooms() {
    let (app, _handle) = app();
    let (_, info) = fetch(&app, "/_stateroom/api/info").await;
    let info: Value = serde_json::from_str(&info).unwrap();
    assert_eq!((&info["service"], &info["rooms_path"]), (&json!("relay"), &json!("/rooms/ws/")));
}

#[tokio::test]
async fn feeds_show_events_and_actions_reach_the_room() {
    let (app, handle) = app();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, app.clone()).into_future());
    let (mut client, _) = tokio_tungstenite::connect_async(format!("ws://{address}/rooms/ws/a")).await.unwrap();
    client.send(Message::text("hello")).await.unwrap();
    assert_eq!(client.next().await.unwrap().unwrap(), Message::text("hello"));

    let mut server = Feed::open(&app, "feed").await;
    server.event("event: session").await;
    server.event(r#""state":"ready""#).await;
    assert!(server.event(r#""id":"a""#).await.contains(r#""clients":[1]"#));
    let mut room = Feed::open(&app, "rooms/a/feed").await;
    room.event(r#""kind":"start""#).await;
    let entry = room.event(r#""kind":"message""#).await;
    assert!(entry.contains(r#""text":"hello""#) && entry.contains(r#""to":"all""#), "{entry}");

    let message = json!({ "client": 1, "payload": { "binary": "AAE=" } });
    assert_eq!(act(&app, "a/message", message).await, StatusCode::NO_CONTENT);
    assert_eq!(client.next().await.unwrap().unwrap(), Message::binary(vec![0, 1]));
    assert_eq!(act(&app, "a/timer", Value::Null).await, StatusCode::NO_CONTENT);
    assert_eq!(client.next().await.unwrap().unwrap(), Message::text("timer"));
    for (action, body, status) in [
        ("a/message", json!({ "client": 1, "payload": { "binary": "?" } }), StatusCode::BAD_REQUEST),
        ("a/message", json!({ "client": 2, "payload": { "text": "" } }), StatusCode::CONFLICT),
        ("a/message", json!({}), StatusCode::UNPROCESSABLE_ENTITY),
        ("b/timer", Value::Null, StatusCode::NOT_FOUND),
        ("a/restart", Value::Null, StatusCode::NO_CONTENT),
        ("a/disconnect", json!({ "client": 1, "code": 3001, "reason": "bye" }), StatusCode::NO_CONTENT),
    ] {
        if action == "a/disconnect" {
            // The room announces the client to its new service before it closes it.
            room.event(r#""kind":"start""#).await;
            room.event(r#""kind":"connect""#).await;
        }
        assert_eq!(act(&app, action, body.clone()).await, status, "{action} {body}");
    }
    let Message::Close(Some(close)) = client.next().await.unwrap().unwrap() else { panic!("not closed") };
    assert_eq!((u16::from(close.code), close.reason.as_str()), (3001, "bye"));
    drop(client);

    let (_, test) = fetch(&app, "/_stateroom/api/rooms/a/test").await;
    assert!(test.contains("fn as_it_was_recorded() {"), "{test}");
    // Feeds do not keep an app alive that is shut down gracefully.
    handle.shutdown().await;
    server.ended().await;
    room.ended().await;
}

#[tokio::test]
async fn a_feed_starts_after_the_last_event_that_the_reader_has() {
    let (app, handle) = app();
    let room = handle.create_room(Some("a")).await.unwrap();
    room.call("1").await.unwrap();
    room.call("2").await.unwrap();
    for query in ["?after=2", "?after=2&more"] {
        let mut feed = Feed::open(&app, &format!("rooms/a/feed{query}")).await;
        assert!(feed.event("event: entry").await.contains("id: 3"));
    }
    assert_eq!(fetch(&app, "/_stateroom/api/rooms/b/feed").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn pages_of_other_sites_get_nothing() {
    let (app, _handle) = app();
    for path in ["/_stateroom/", "/_stateroom/dev.js", "/_stateroom/api/info", "/_stateroom/api/feed"] {
        let request = Request::get(path).header(header::HOST, "evil.example").body(Body::empty()).unwrap();
        assert_eq!(send(&app, request).await.0, StatusCode::FORBIDDEN, "{path}");
    }
    let cross_site = request("POST", "/_stateroom/api/rooms/a/timer").header(header::ORIGIN, "https://evil.example");
    assert_eq!(send(&app, cross_site.body(Body::empty()).unwrap()).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn without_rooms_only_the_page_script_is_served() {
    let recorder = Recorder::new(RecordLimits::default());
    let (_, handle) = Server::new().router(recorder.wrap(DefaultStateroomFactory::<Relay>::default()));
    let app = Inspector::new(handle.clone(), recorder).without_rooms().router();
    for (path, status) in [("", 404), ("api/info", 404), ("api/rooms/a/feed", 404), ("dev.js", 200)] {
        assert_eq!(fetch(&app, &format!("/_stateroom/{path}")).await.0.as_u16(), status, "{path}");
    }
    let mut feed = Feed::open(&app, "feed").await;
    feed.event("event: build").await;
    handle.shutdown().await;
    feed.ended().await;
}

#[tokio::test]
async fn pages_get_the_script_and_the_state_of_the_build() {
    let recorder = Recorder::new(RecordLimits::default());
    let (_, handle) = Server::new().router(recorder.wrap(DefaultStateroomFactory::<Relay>::default()));
    let status = Arc::new(BuildStatus::new(Duration::from_secs(1)));
    let inspector = Inspector::new(handle, recorder).with_build_status(status.clone());
    let kept = async |headers: HeaderMap| match headers.contains_key(header::IF_NONE_MATCH) {
        true => (StatusCode::NOT_MODIFIED, [(header::ETAG, "\"1\"")], Html("")),
        false => (StatusCode::OK, [(header::ETAG, "\"1\"")], Html("<title>A page</title>")),
    };
    let pages = Router::new()
        .route("/", get(async || Html("<title>A page</title>")))
        .route("/text", get(async || "text"))
        .route("/kept", get(kept));
    let app = pages.layer(from_fn(inject_page_script)).merge(inspector.router());

    for (path, accept, page) in [
        ("/", "text/html", "<title>A page</title><script src=\"/_stateroom/dev.js\" async></script>"),
        ("/", "*/*", "<title>A page</title>"),
        ("/text", "text/html", "text"),
    ] {
        let request = request("GET", path).header(header::ACCEPT, accept).body(Body::empty()).unwrap();
        assert_eq!(send(&app, request).await, (StatusCode::OK, page.to_owned()), "{path} {accept}");
    }

    // The browser may have a copy without the script, of the same page at the same address.
    for (accept, status, etag) in
        [("text/html", StatusCode::OK, None), ("*/*", StatusCode::NOT_MODIFIED, Some("\"1\""))]
    {
        let request = request("GET", "/kept").header(header::ACCEPT, accept).header(header::IF_NONE_MATCH, "\"1\"");
        let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let found = response.headers().get(header::ETAG).map(|etag| etag.to_str().unwrap());
        assert_eq!((response.status(), found), (status, etag), "{accept}");
    }

    let mut feed = Feed::open(&app, "feed").await;
    assert!(feed.event(r#""state":"ready""#).await.contains(r#""generation":1,"seconds":1.0"#));
    status.set_building();
    feed.event(r#""state":"building""#).await;
    status.set_failed("error: expected `;`".to_owned());
    assert!(feed.event(r#""state":"failed""#).await.contains("expected `;`") && status.has_failed());
    status.set_ready(2, Duration::from_secs(1));
    feed.event(r#""generation":2"#).await;
    status.reload_pages();
    feed.event("event: reload").await;
}
