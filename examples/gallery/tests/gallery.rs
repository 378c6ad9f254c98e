//! Every page is served, every room can be joined, and every example is listed.
#![expect(clippy::unwrap_used, reason = "a failed expectation fails the test")]
use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use axum::{Router, body::Body, http::Request, http::StatusCode};
use futures_util::{SinkExt, StreamExt};
use tokio::{net::TcpListener, time::timeout};
use tokio_tungstenite::{connect_async, tungstenite::Message};
use tower::ServiceExt;

const INDEX: &str = include_str!("../static/index.html");

/// Returns the status and the redirect target of a response.
async fn get(app: &Router, address: &str) -> (StatusCode, String) {
    let request = Request::get(address).body(Body::empty()).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    let location = response.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
    (response.status(), location.unwrap_or_default())
}

/// Returns the links of the index.
fn links() -> Vec<&'static str> {
    INDEX.split("class=\"open\" href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[tokio::test]
async fn every_link_opens_a_page() {
    let (app, _rooms) = gallery::gallery();
    assert_eq!(get(&app, "/").await.0, StatusCode::OK);
    assert_eq!(links().len(), 9);
    for link in links() {
        let (page, _) = get(&app, &format!("/{link}")).await;
        let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared-cursors/dist/static/index.html").exists();
        let expected =
            if link == "shared-cursors/" && !built { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
        assert_eq!(page, expected, "{link}");
        // A path without a trailing slash redirects to the page and keeps the room.
        let to = (StatusCode::TEMPORARY_REDIRECT, format!("/{link}?room=a%20b"));
        assert_eq!(get(&app, &format!("/{}?room=a%20b", link.trim_end_matches('/'))).await, to);
        // Every page that is built has the shared assets.
        if expected == StatusCode::OK {
            assert_eq!(get(&app, &format!("/{link}assets/room.js")).await.0, StatusCode::OK, "{link}");
        }
    }
    assert_eq!(get(&app, "/elsewhere").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn every_example_serves_rooms() {
    let (app, rooms) = gallery::gallery();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    let client = 1_u32.to_le_bytes();
    // The message to send, and the expected prefix of the first message received.
    let cases = [
        ("binary-echo/", Some("a"), &b"a"[..]),
        ("chat/", None, br#"{"type":"welcome","you":1,"#),
        // Ticks every four seconds, which is too long to wait for.
        ("clock/", None, b""),
        ("counter-service/", Some("increment"), b"new value: 1"),
        ("echo-server/", None, b"User ClientId(1) connected."),
        ("game-loop/", None, br#"{"you":1}"#),
        ("randomness/", None, b"User ClientId(1) connected. Random number: "),
        ("shared-cursors/", None, &[&[1][..], &client].concat()),
        ("whiteboard/", None, &[&[5][..], &client].concat()),
    ];
    assert_eq!(BTreeSet::from(cases.map(|(link, ..)| link)), links().into_iter().collect());
    for (link, message, prefix) in cases {
        let (mut client, _) = connect_async(format!("ws://{address}/{link}ws/a")).await.unwrap();
        if let Some(message) = message {
            client.send(Message::text(message)).await.unwrap();
        }
        if !prefix.is_empty() {
            let received = timeout(Duration::from_secs(20), client.next()).await.unwrap().unwrap().unwrap();
            assert!(received.clone().into_data().starts_with(prefix), "{link} {received:?}");
        }
    }
    assert_eq!(rooms.len(), links().len());
}

#[test]
fn every_example_is_listed() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let names: BTreeSet<String> = fs::read_dir(&examples)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().join("README.md").exists())
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| name != "assets")
        .collect();
    assert!(names.len() > 10, "{names:?}");
    let table = fs::read_to_string(examples.join("README.md")).unwrap();
    for name in names {
        assert!(table.contains(&format!("| [{name}]({name}) |")), "{name} is not in examples/README.md");
        let listed = INDEX.contains(&format!("<h3>{name}</h3>"));
        assert!(listed || name == "gallery", "{name} is not in the gallery's index");
    }
}
