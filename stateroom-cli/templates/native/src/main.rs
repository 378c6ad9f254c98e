//! An Axum app with embedded rooms.
mod counter;

use std::{env, io};

use axum::{Router, extract::State, routing::get};
use counter::Counter;
use stateroom::DefaultStateroomFactory;
use stateroom_server::{Server, ServerHandle};
use tokio::{net::TcpListener, signal};

#[tokio::main]
async fn main() -> io::Result<()> {
    // Clients, such as the page in `static`, join ws://HOST/ws/NAME.
    let files = concat!(env!("CARGO_MANIFEST_DIR"), "/static").to_owned();
    let (rooms, handle) =
        Server::new().with_static_path(Some(files)).router(DefaultStateroomFactory::<Counter>::default());
    // Your own routes, next to those of the rooms. The handle also creates rooms, sends messages to their clients, and
    // closes them.
    let app = Router::new().route("/rooms", get(list)).with_state(handle.clone()).merge(rooms);

    let listener = TcpListener::bind(env::var("ADDRESS").as_deref().unwrap_or("127.0.0.1:8080")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app)
        .with_graceful_shutdown(async move {
            let _ = signal::ctrl_c().await;
            // Delivers every `disconnect` and closes clients with 1012, after which they may reconnect.
            handle.shutdown().await;
        })
        .await
}

/// Lists the room IDs.
async fn list(State(rooms): State<ServerHandle>) -> String {
    rooms.rooms().await.into_iter().map(|room| room.id + "\n").collect()
}
