//! Embedding: a server nests in an Axum app or listens on its own address, and returns errors.
use axum::{Router, routing::get};
use stateroom::{ClientId, DefaultStateroomFactory, MessagePayload, StateroomContext, StateroomService};
use stateroom_server::{Server, ServerHandle};
use tokio::net::TcpListener;
use tokio_tungstenite::{connect_async, tungstenite::Message};

use crate::common::{Client, Io, ScriptFactory, TestServer, within_timeout};

#[derive(Default)]
struct Echo;

impl StateroomService for Echo {
    fn message(&mut self, client: ClientId, message: MessagePayload, context: &impl StateroomContext) {
        context.send_message(client, message);
    }
}

/// Serves an app with `axum::serve`. Returns its address.
async fn serve_app(app: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address.to_string()
}

async fn client(address: &str, path: &str) -> Client {
    let stream: Box<dyn Io> = Box::new(tokio::net::TcpStream::connect(address).await.unwrap());
    let (socket, _) = tokio_tungstenite::client_async(format!("ws://{address}{path}"), stream).await.unwrap();
    Client::new(socket)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nests_in_an_axum_app_beside_other_routes() {
    let script = ScriptFactory::default();
    let (rooms, handle) = Server::new().router(script.clone());
    let app = Router::new()
        .route("/hello", get(async || "hello"))
        .nest("/games", rooms)
        .fallback(async || (axum::http::StatusCode::IM_A_TEAPOT, "not found"));
    let address = serve_app(app).await;

    let mut one = client(&address, "/games/ws/a%2Fb").await;
    one.expect_text("joined 1").await;
    let mut two = client(&address, "/games/ws/a%2Fb?token=t").await;
    two.expect_text("joined 2").await;
    one.expect_text("joined 2").await;
    two.send_text("room").await;
    two.expect_text("a/b").await;
    one.send_text(format!("all {}", "x".repeat(1 << 20))).await;
    assert_eq!(two.receive_text().await.len(), 1 << 20);
    assert_eq!(one.receive_text().await.len(), 1 << 20);

    let rooms = handle.rooms().await;
    assert_eq!(rooms.len(), 1);
    assert_eq!((rooms[0].id.as_str(), rooms[0].connections), ("a/b", 2));

    let (_, (_, (code, _)), (_, (other_code, _))) =
        tokio::join!(handle.shutdown(), one.receive_until_close(), two.receive_until_close());
    assert_eq!((code, other_code), (1012, 1012));
    assert_eq!(script.events("a/b").last().unwrap(), "drop");
    // The app keeps running.
    let refused = connect_async(format!("ws://{address}/games/ws/a")).await.unwrap_err();
    assert!(refused.to_string().contains("503"), "{refused}");
    let other = connect_async(format!("ws://{address}/nothing")).await.unwrap_err();
    assert!(other.to_string().contains("418"), "{other}");
}

#[tokio::test]
async fn two_servers_in_one_app_are_independent() {
    let (chat, chats) = Server::new().router(ScriptFactory::default());
    let (game, games) = Server::new().router(DefaultStateroomFactory::<Echo>::default());
    let address = serve_app(Router::new().nest("/chat", chat).nest("/game", game)).await;
    client(&address, "/chat/ws/a").await.expect_text("joined 1").await;
    let mut player = client(&address, "/game/ws/a").await;
    player.send(Message::binary(vec![1, 2, 3])).await;
    assert_eq!(player.receive_message().await, Message::binary(vec![1, 2, 3]));
    assert_eq!((chats.local_rooms().len(), games.local_rooms().len()), (1, 1));
    let (_, (code, _)) = tokio::join!(games.shutdown(), player.expect_close());
    assert_eq!(code, 1012);
    client(&address, "/chat/ws/a").await.expect_text("joined 2").await;
}

/// Rooms do not require an OS socket: any stream works, such as TLS.
#[tokio::test]
async fn serves_over_any_stream() {
    let server = TestServer::pipe(Server::new());
    let (mut one, mut two) = (server.join("a").await, server.join("a").await);
    one.expect_text("joined 2").await;
    one.send_text(format!("all {}", "x".repeat(3 << 20))).await;
    assert_eq!(one.receive_text().await.len(), 3 << 20);
    assert_eq!(two.receive_text().await.len(), 3 << 20);
    two.leave().await;
    one.expect_text("left 2").await;
}

#[tokio::test]
async fn lists_rooms_by_the_handle() {
    let server = TestServer::tcp(Server::new()).await;
    let handle: ServerHandle = server.handle.clone();
    assert!(handle.rooms().await.is_empty());
    let (_one, _two, _b) = (server.join("a").await, server.join("a").await, server.join("b").await);
    server.post("/ws/empty").await;
    let mut rooms: Vec<_> = handle.rooms().await.into_iter().map(|room| (room.id, room.connections)).collect();
    rooms.sort();
    assert_eq!(rooms, [("a".to_owned(), 2), ("b".to_owned(), 1), ("empty".to_owned(), 0)]);
    assert!(!format!("{handle:?}").is_empty());
}

#[test]
fn has_the_documented_settings_and_defaults() {
    let server = Server::new();
    assert_eq!((server.heartbeat_interval.as_secs(), server.heartbeat_timeout.as_secs()), (30, 300));
    assert_eq!((server.port, server.ip.as_str()), (8080, "0.0.0.0"));
    assert_eq!((&server.static_path, &server.client_path), (&None, &None));
    assert!(format!("{server:?}").contains("8080"));
    let server = Server { port: 1, ..Server::default() };
    assert_eq!(server.port, 1);
    let server = Server::new()
        .with_static_path(Some("static".to_owned()))
        .with_client_path(None)
        .with_heartbeat_interval(1)
        .with_heartbeat_timeout(2)
        .with_port(3)
        .with_ip("::1".to_owned());
    assert_eq!((server.heartbeat_interval.as_secs(), server.heartbeat_timeout.as_secs()), (1, 2));
    assert_eq!((server.port, server.ip.as_str(), server.static_path.as_deref()), (3, "::1", Some("static")));
}

#[test]
fn futures_are_send() {
    fn is_send<T: Send>(_: &T) {}
    is_send(&Server::new().serve_async(ScriptFactory::default()));
    is_send(&Server::new().bind(DefaultStateroomFactory::<Echo>::default()));
    let (_, handle) = Server::new().router(ScriptFactory::default());
    is_send(&handle.shutdown());
}

#[tokio::test]
async fn rejects_an_invalid_address() {
    for ip in ["", "example.com", "256.0.0.1", "127.0.0.1:80", "192.0.2.1"] {
        let server = Server::new().with_ip(ip.to_owned()).with_port(0);
        let error = server.serve_async(ScriptFactory::default()).await.unwrap_err();
        assert!(ip.is_empty() || error.to_string().contains(ip), "{error}");
    }
}

#[tokio::test]
async fn rejects_a_port_in_use() {
    let first = TestServer::tcp(Server::new()).await;
    let server = Server::new().with_ip("127.0.0.1".to_owned()).with_port(first.address().port());
    let error = server.serve_async(ScriptFactory::default()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    assert!(error.to_string().contains(&first.address().to_string()), "{error}");
}

#[tokio::test]
async fn serves_on_a_blocking_thread() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let serving = std::thread::spawn(move || {
        Server::new().with_ip("127.0.0.1".to_owned()).with_port(address.port()).serve(ScriptFactory::default())
    });
    let connected = within_timeout("the server to listen", async {
        loop {
            if let Ok((socket, _)) = connect_async(format!("ws://{address}/ws/a")).await {
                return socket;
            }
            assert!(!serving.is_finished());
            tokio::task::yield_now().await;
        }
    });
    drop(connected.await);
}

#[tokio::test]
async fn listens_on_ipv6() {
    let Ok(server) = Server::new().with_ip("::1".to_owned()).with_port(0).bind(ScriptFactory::default()).await else {
        // IPv6 is not available on this machine.
        return;
    };
    assert!(server.local_addr().is_ipv6());
}
