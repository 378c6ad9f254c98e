//! The gallery as its visitors meet it: every page there, every room to be joined, no example forgotten.
#![expect(clippy::unwrap_used, reason = "a test fails where something is not as expected")]
use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use axum::{Router, body::Body, http::Request, http::StatusCode};
use futures_util::{SinkExt, StreamExt};
use tokio::{net::TcpListener, time::timeout};
use tokio_tungstenite::{connect_async, tungstenite::Message};
use tower::ServiceExt;

const INDEX: &str = include_str!("../static/index.html");

/// The status of an answer, and where it sends its reader.
async fn get(app: &Router, address: &str) -> (StatusCode, String) {
    let request = Request::get(address).body(Body::empty()).unwrap();
    let answer = app.clone().oneshot(request).await.unwrap();
    let location = answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
    (answer.status(), location.unwrap_or_default())
}

/// What the index opens.
fn opened() -> Vec<&'static str> {
    INDEX.split("class=\"open\" href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[tokio::test]
async fn each_link_opens_a_page() {
    let (app, _rooms) = gallery::gallery();
    assert_eq!(get(&app, "/").await.0, StatusCode::OK);
    assert_eq!(opened().len(), 9);
    for link in opened() {
        let (page, _) = get(&app, &format!("/{link}")).await;
        let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared-cursors/dist/static/index.html").exists();
        let expected =
            if link == "shared-cursors/" && !built { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
        assert_eq!(page, expected, "{link}");
        // Whoever types the name alone comes to the page, and to their room.
        let to = (StatusCode::TEMPORARY_REDIRECT, format!("/{link}?room=a%20b"));
        assert_eq!(get(&app, &format!("/{}?room=a%20b", link.trim_end_matches('/'))).await, to);
        // Each has what the pages share, but for what is not built.
        if expected == StatusCode::OK {
            assert_eq!(get(&app, &format!("/{link}assets/room.js")).await.0, StatusCode::OK, "{link}");
        }
    }
    assert_eq!(get(&app, "/elsewhere").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn each_example_has_its_rooms() {
    let (app, rooms) = gallery::gallery();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    let me = 1_u32.to_le_bytes();
    // What one says, and how the first message begins that one hears.
    let rooms_of = [
        ("binary-echo/", Some("a"), &b"a"[..]),
        ("chat/", None, br#"{"type":"welcome","you":1,"#),
        // Ticks every four seconds: too long to wait for.
        ("clock/", None, b""),
        ("counter-service/", Some("increment"), b"new value: 1"),
        ("echo-server/", None, b"User ClientId(1) connected."),
        ("game-loop/", None, br#"{"you":1}"#),
        ("randomness/", None, b"User ClientId(1) connected. Random number: "),
        ("shared-cursors/", None, &[&[1][..], &me].concat()),
        ("whiteboard/", None, &[&[5][..], &me].concat()),
    ];
    assert_eq!(BTreeSet::from(rooms_of.map(|(link, ..)| link)), opened().into_iter().collect());
    for (link, says, beginning) in rooms_of {
        let (mut client, _) = connect_async(format!("ws://{address}/{link}ws/a")).await.unwrap();
        if let Some(says) = says {
            client.send(Message::text(says)).await.unwrap();
        }
        if !beginning.is_empty() {
            let heard = timeout(Duration::from_secs(20), client.next()).await.unwrap().unwrap().unwrap();
            assert!(heard.clone().into_data().starts_with(beginning), "{link} {heard:?}");
        }
    }
    assert_eq!(rooms.len(), opened().len());
}

#[test]
fn no_example_is_forgotten() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folders: BTreeSet<String> = fs::read_dir(&examples)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().join("README.md").exists())
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| name != "assets")
        .collect();
    assert!(folders.len() > 10, "{folders:?}");
    let table = fs::read_to_string(examples.join("README.md")).unwrap();
    for folder in folders {
        assert!(table.contains(&format!("| [{folder}]({folder}) |")), "{folder} is not in examples/README.md");
        let listed = INDEX.contains(&format!("<h3>{folder}</h3>"));
        assert!(listed || folder == "gallery", "{folder} is not in the gallery's index");
    }
}
