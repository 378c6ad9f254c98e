//! An Axum app with rooms inside of it.
mod counter;

use std::{env, io};

use axum::{Router, extract::State, routing::get};
use counter::Counter;
use stateroom::DefaultStateroomFactory;
use stateroom_server::{Server, ServerHandle};
use tokio::{net::TcpListener, signal};

#[tokio::main]
async fn main() -> io::Result<()> {
    // Clients join ws://HOST/ws/NAME, which is what the page in `static` does.
    let files = concat!(env!("CARGO_MANIFEST_DIR"), "/static").to_owned();
    let (rooms, handle) =
        Server::new().with_static_path(Some(files)).router(DefaultStateroomFactory::<Counter>::default());
    // Routes of your own, beside the rooms. The handle also creates rooms, speaks to their clients, and closes them.
    let app = Router::new().route("/rooms", get(list)).with_state(handle.clone()).merge(rooms);

    let listener = TcpListener::bind(env::var("ADDRESS").as_deref().unwrap_or("127.0.0.1:8080")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app)
        .with_graceful_shutdown(async move {
            let _ = signal::ctrl_c().await;
            // Each room hears each `disconnect`, and clients are closed with 1012: they may come back.
            handle.shutdown().await;
        })
        .await
}

/// The names of the rooms that there are.
async fn list(State(rooms): State<ServerHandle>) -> String {
    rooms.rooms().await.into_iter().map(|room| room.id + "\n").collect()
}
