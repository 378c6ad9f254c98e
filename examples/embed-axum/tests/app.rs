//! End-to-end tests of the app over sockets.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed expectation fails the test")]
use std::{future::Future, net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use stateroom_server::ServerHandle;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

type Client = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn serve() -> (SocketAddr, ServerHandle) {
    let (app, rooms) = embed_axum::app();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    (address, rooms)
}

async fn with_timeout<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), future).await.unwrap()
}

async fn join(address: SocketAddr, room: &str) -> Client {
    with_timeout(connect_async(format!("ws://{address}/rooms/ws/{room}?word=please"))).await.unwrap().0
}

async fn expect_text(client: &mut Client, text: &str) {
    assert_eq!(with_timeout(client.next()).await.unwrap().unwrap(), Message::text(text));
}

async fn expect_close(client: &mut Client) -> (u16, String) {
    let Message::Close(Some(frame)) = with_timeout(client.next()).await.unwrap().unwrap() else {
        panic!("expected a close frame")
    };
    // Completes the close handshake.
    while with_timeout(client.next()).await.is_some() {}
    (frame.code.into(), frame.reason.to_string())
}

/// Sends a request and returns the status and the body of the response.
async fn request(address: SocketAddr, line: &str, headers: &str, body: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let head =
        format!("{line} HTTP/1.1\r\nhost: app\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n");
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    let mut response = String::new();
    with_timeout(stream.read_to_string(&mut response)).await.unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().to_owned(), body.to_owned())
}

const ADMINISTRATOR: &str = "authorization: Bearer administrator\r\n";

#[tokio::test]
async fn the_app_calls_and_closes_its_rooms() {
    let (address, rooms) = serve().await;
    assert_eq!(request(address, "GET /polls/a", "", "").await.0, "404");
    let (mut one, mut two) = (join(address, "a").await, join(address, "a").await);
    expect_text(&mut one, "votes: 0").await;
    expect_text(&mut two, "votes: 0").await;
    one.send(Message::text("yes")).await.unwrap();
    expect_text(&mut one, "votes: 1").await;
    expect_text(&mut two, "votes: 1").await;

    assert_eq!(request(address, "GET /polls/a", "", "").await, ("200".into(), "1\n".into()));
    let list = "a: 2 connected\nvotes in all: 1\n";
    assert_eq!(request(address, "GET /polls", "", "").await, ("200".into(), list.into()));

    assert_eq!(request(address, "POST /polls/a/announce", "", "hello").await.0, "401");
    assert_eq!(request(address, "POST /polls/a/announce", ADMINISTRATOR, "hello").await.0, "200");
    expect_text(&mut one, "hello").await;
    expect_text(&mut two, "hello").await;

    assert_eq!(request(address, "DELETE /polls/a", ADMINISTRATOR, "").await.0, "200");
    assert_eq!(expect_close(&mut one).await, (4100, "the poll is closed".to_owned()));
    assert_eq!(expect_close(&mut two).await.0, 4100);

    let mut late = join(address, "a").await;
    expect_text(&mut late, "votes: 0").await;
    let ((), (code, _)) = tokio::join!(rooms.shutdown(), expect_close(&mut late));
    assert_eq!(code, 1012);
}

#[tokio::test]
async fn rejects_clients_before_the_upgrade() {
    let (address, _) = serve().await;
    let error = connect_async(format!("ws://{address}/rooms/ws/a")).await.unwrap_err();
    assert!(error.to_string().contains("401"), "{error}");
}
