//! Runs the app: see `lib.rs`.
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
            // Each room hears each `disconnect`, clients are closed with 1012; then the app's own connections end.
            rooms.shutdown().await;
        })
        .await
}
