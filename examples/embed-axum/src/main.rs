//! Runs the app in `lib.rs`.
use std::{env, io};

use tokio::{net::TcpListener, signal};

#[tokio::main]
async fn main() -> io::Result<()> {
    let (app, rooms) = embed_axum::app();
    let listener = TcpListener::bind(env::var("ADDRESS").as_deref().unwrap_or("127.0.0.1:8080")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app)
        .with_graceful_shutdown(async move {
            let _ = signal::ctrl_c().await;
            // Delivers every `disconnect` and closes clients with 1012. The other connections end afterwards.
            rooms.shutdown().await;
        })
        .await
}
