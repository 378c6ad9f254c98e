//! Rooms in an Axum app, with a WebAssembly module named in the app's configuration.
//!
//! ```sh
//! cargo run -p stateroom-cli -- build -C examples/poll
//! cargo run -p stateroom-wasm-host --example embed -- stateroom-wasm-host/examples/embed.toml
//! ```
//!
//! Apart from the configuration, this is the app of `examples/embed-axum`, whose service is native Rust.
use std::{
    env,
    error::Error,
    fs,
    io::{self, IsTerminal},
    path::Path,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    extract::{self, Request, State},
    http::{StatusCode, header::AUTHORIZATION},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use serde::Deserialize;
use stateroom::MessageRecipient;
use stateroom_server::{CallError, Limits, RoomEnded, Server, ServerHandle};
use stateroom_wasm_host::{WasmHostConfig, WasmHostFactory};
use tokio::{net::TcpListener, signal};

/// The configuration file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    address: String,
    word: String,
    administrator: String,
    rooms: Rooms,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rooms {
    module: String,
    maximum: usize,
    memory_mib: usize,
    cpu_milliseconds: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(io::stderr).with_ansi(io::stderr().is_terminal()).init();
    let Some(file) = env::args().nth(1) else {
        eprintln!("usage: embed CONFIGURATION, for example stateroom-wasm-host/examples/embed.toml");
        return ExitCode::from(2);
    };
    match run(Path::new(&file)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(file: &Path) -> Result<(), Box<dyn Error>> {
    let configuration = read(file)?;
    let folder = file.parent().unwrap_or(Path::new(""));
    // Compiles and checks the module: an unusable one is rejected here, before any client connects.
    let module = load(folder, &configuration.rooms)?;
    let listener = TcpListener::bind(&configuration.address)
        .await
        .map_err(|error| format!("failed to listen on {}: {error}", configuration.address))?;
    println!("listening on http://{}", listener.local_addr()?);
    let (app, rooms) = app(configuration, module);
    axum::serve(listener, app)
        .with_graceful_shutdown(async move {
            let _ = signal::ctrl_c().await;
            // Rooms receive `disconnect` for each client, and clients are closed with 1012. Then the app's own connections end.
            rooms.shutdown().await;
        })
        .await?;
    Ok(())
}

fn read(file: &Path) -> Result<Configuration, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("failed to read {}: {error}", file.display()))?;
    toml::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))
}

/// Loads the module, with the limits of the configuration. Other limits have their defaults.
fn load(folder: &Path, rooms: &Rooms) -> Result<WasmHostFactory, String> {
    let config = WasmHostConfig::default()
        .with_memory_bytes(rooms.memory_mib << 20)
        .with_cpu_budget(Duration::from_millis(rooms.cpu_milliseconds))
        .with_instances(u32::try_from(rooms.maximum).unwrap_or(u32::MAX));
    let module = folder.join(&rooms.module);
    WasmHostFactory::with_config(&module, &config).map_err(|error| {
        let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        format!("{error}{cause}\nThe configuration names the module {}. Has it been built?", module.display())
    })
}

/// The state of the handlers.
#[derive(Clone)]
struct App {
    configuration: Arc<Configuration>,
    rooms: ServerHandle,
}

/// Creates the app, and the handle that stops its rooms.
fn app(configuration: Configuration, module: WasmHostFactory) -> (Router, ServerHandle) {
    let limits = Limits::default().with_rooms(configuration.rooms.maximum);
    let (rooms, handle) = Server { limits, ..Server::new() }.router(module);
    let state = App { configuration: Arc::new(configuration), rooms: handle.clone() };
    let administration = Router::new()
        .route("/polls/{room}/announce", post(announce))
        .route("/polls/{room}", delete(close))
        .layer(middleware::from_fn_with_state(state.clone(), only_administrators));
    let app = Router::new()
        .route("/polls", get(list))
        .route("/polls/{room}", get(votes))
        .merge(administration)
        .with_state(state.clone())
        // Clients join ws://HOST/rooms/ws/{room}. The middleware sees the request before it becomes a WebSocket.
        .nest("/rooms", rooms.layer(middleware::from_fn_with_state(state, only_members)));
    (app, handle)
}

/// Admits requests with the word; a real app checks a session. Other clients receive an HTTP error.
async fn only_members(State(app): State<App>, request: Request, next: Next) -> Response {
    let mut parameters = request.uri().query().unwrap_or_default().split('&');
    if parameters.any(|parameter| parameter.strip_prefix("word=") == Some(&app.configuration.word)) {
        next.run(request).await
    } else {
        (StatusCode::UNAUTHORIZED, "say the word\n").into_response()
    }
}

async fn only_administrators(State(app): State<App>, request: Request, next: Next) -> Response {
    // A real app compares in constant time.
    let expected = format!("Bearer {}", app.configuration.administrator);
    match request.headers().get(AUTHORIZATION) {
        Some(value) if *value == expected => next.run(request).await,
        _ => (StatusCode::UNAUTHORIZED, "administrators only\n").into_response(),
    }
}

/// Lists the rooms.
async fn list(State(app): State<App>) -> String {
    let rooms = app.rooms.rooms().await.into_iter();
    rooms.map(|room| format!("{}: {} connected\n", room.id, room.connections)).collect()
}

/// Calls a room: its module answers.
async fn votes(State(app): State<App>, extract::Path(room): extract::Path<String>) -> Result<String, PollError> {
    let room = app.rooms.room(&room).await.ok_or(PollError::NoRoom)?;
    let answer = room.call("votes").await?.ok_or(PollError::NoAnswer)?;
    Ok(answer.text().map(|text| format!("{text}\n")).unwrap_or_default())
}

/// Sends a message to all clients in a room. The module does not receive it.
async fn announce(
    State(app): State<App>,
    extract::Path(room): extract::Path<String>,
    text: String,
) -> Result<&'static str, PollError> {
    let room = app.rooms.room(&room).await.ok_or(PollError::NoRoom)?;
    room.send(MessageRecipient::Broadcast, text).await?;
    Ok("said\n")
}

/// Closes a room. The code, one of the app's own, tells clients not to reconnect.
async fn close(State(app): State<App>, extract::Path(room): extract::Path<String>) -> Result<&'static str, PollError> {
    app.rooms.room(&room).await.ok_or(PollError::NoRoom)?.close(4100, "the poll is closed").await;
    Ok("closed\n")
}

/// Errors of requests to a room.
enum PollError {
    NoRoom,
    /// The module's service does not answer this call.
    NoAnswer,
}

impl From<CallError> for PollError {
    // Its rooms have no store, so a call fails only with its room.
    fn from(_: CallError) -> Self {
        PollError::NoRoom
    }
}

impl From<RoomEnded> for PollError {
    fn from(_: RoomEnded) -> Self {
        PollError::NoRoom
    }
}

impl IntoResponse for PollError {
    fn into_response(self) -> Response {
        match self {
            PollError::NoRoom => (StatusCode::NOT_FOUND, "there is no such poll\n").into_response(),
            PollError::NoAnswer => (StatusCode::BAD_GATEWAY, "the room has no answer\n").into_response(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{net::SocketAddr, path::PathBuf, process::Command};

    use futures_util::{SinkExt, StreamExt};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
        time::timeout,
    };
    use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

    use super::*;

    const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/embed.toml");

    fn write_and_read(text: &str) -> Result<Configuration, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        read(file.path())
    }

    #[test]
    fn reports_errors_in_the_configuration() {
        let shipped = fs::read_to_string(SHIPPED).unwrap();
        assert!(write_and_read(&shipped).is_ok());
        let error = write_and_read(&shipped.replace("memory_mib", "memory_mb")).unwrap_err();
        assert!(error.contains("unknown field `memory_mb`"), "{error}");
        let error = read(Path::new("nowhere.toml")).unwrap_err();
        assert!(error.starts_with("failed to read nowhere.toml: "), "{error}");
    }

    #[test]
    fn finds_the_module_beside_the_configuration() {
        let Configuration { mut rooms, .. } = read(Path::new(SHIPPED)).unwrap();
        rooms.maximum = 2;
        let folder = Path::new(SHIPPED).parent().unwrap();
        rooms.module = "../tests/guests/room.wat".into();
        assert!(load(folder, &rooms).is_ok());
        rooms.module = "../tests/guests/nothing.wasm".into();
        let error = load(folder, &rooms).unwrap_err();
        assert!(error.contains("nothing.wasm") && error.ends_with("Has it been built?"), "{error}");
        rooms.module = "embed.toml".into();
        assert!(load(folder, &rooms).is_err());
    }

    const ADMINISTRATOR: &str = "authorization: Bearer administrator\r\n";

    #[tokio::test]
    async fn the_app_and_its_rooms_work_together() {
        let mut configuration = read(Path::new(SHIPPED)).unwrap();
        configuration.rooms.module = poll().display().to_string();
        configuration.rooms.maximum = 2;
        let module = load(Path::new(""), &configuration.rooms).unwrap();
        let (app, rooms) = app(configuration, module);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });

        assert_eq!(request(address, "GET /polls/a", "", "").await, answer("404", "there is no such poll\n"));
        assert_eq!(request(address, "GET /rooms/ws/a", "", "").await.0, "401");
        let (mut one, mut two) = (join(address).await, join(address).await);
        for client in [&mut one, &mut two] {
            assert_eq!(next(client).await, Message::text("votes: 0"));
        }
        one.send(Message::text("no")).await.unwrap();
        one.send(Message::text("yes")).await.unwrap();
        for client in [&mut one, &mut two] {
            assert_eq!(next(client).await, Message::text("votes: 1"));
        }
        assert_eq!(request(address, "GET /polls/a", "", "").await, answer("200", "1\n"));
        assert_eq!(request(address, "GET /polls", "", "").await, answer("200", "a: 2 connected\n"));

        assert_eq!(request(address, "POST /polls/a/announce", "", "hello").await.0, "401");
        assert_eq!(request(address, "POST /polls/a/announce", ADMINISTRATOR, "hello").await, answer("200", "said\n"));
        for client in [&mut one, &mut two] {
            assert_eq!(next(client).await, Message::text("hello"));
        }
        assert_eq!(request(address, "DELETE /polls/a", ADMINISTRATOR, "").await, answer("200", "closed\n"));
        for client in [&mut one, &mut two] {
            assert_eq!(closed(client).await, (4100, "the poll is closed".to_owned()));
        }

        let mut late = join(address).await;
        assert_eq!(next(&mut late).await, Message::text("votes: 0"), "a new room");
        let ((), (code, _)) = tokio::join!(rooms.shutdown(), closed(&mut late));
        assert_eq!(code, 1012);
    }

    /// Builds the module of the example `poll`.
    fn poll() -> PathBuf {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
        let arguments =
            ["build", "--quiet", "--locked", "--release", "--lib", "--target", "wasm32-wasip1", "-p", "poll"];
        let built = Command::new(env!("CARGO")).args(arguments).current_dir(&examples).status().unwrap();
        assert!(built.success(), "`rustup target add wasm32-wasip1` if the target is missing");
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| examples.join("target"), PathBuf::from);
        target.join("wasm32-wasip1/release/poll.wasm")
    }

    type Client = WebSocketStream<MaybeTlsStream<TcpStream>>;

    async fn join(address: SocketAddr) -> Client {
        connect_async(format!("ws://{address}/rooms/ws/a?word=please")).await.unwrap().0
    }

    async fn next(client: &mut Client) -> Message {
        timeout(Duration::from_secs(30), client.next()).await.expect("no message").unwrap().unwrap()
    }

    async fn closed(client: &mut Client) -> (u16, String) {
        let Message::Close(Some(frame)) = next(client).await else { panic!("no close") };
        // Answers it.
        while let Ok(Some(Ok(_))) = timeout(Duration::from_secs(30), client.next()).await {}
        (frame.code.into(), frame.reason.to_string())
    }

    fn answer(status: &str, body: &str) -> (String, String) {
        (status.to_owned(), body.to_owned())
    }

    /// Returns the status and the body of an answer.
    async fn request(address: SocketAddr, line: &str, headers: &str, body: &str) -> (String, String) {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let length = body.len();
        let head =
            format!("{line} HTTP/1.1\r\nhost: app\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n");
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(Duration::from_secs(30), stream.read_to_string(&mut answer)).await.expect("no answer").unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().to_owned(), body.to_owned())
    }
}
