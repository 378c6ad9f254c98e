//! Runs the app in `lib.rs`.
use std::{env, io, process::ExitCode};

use tokio::{net::TcpListener, signal};

#[tokio::main]
async fn main() -> ExitCode {
    let address = env::var("ADDRESS").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    match run(&address).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("failed to listen on {address}: {error}; set ADDRESS to listen elsewhere");
            ExitCode::FAILURE
        }
    }
}

async fn run(address: &str) -> io::Result<()> {
    let (app, rooms) = gallery::gallery();
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app)
        .with_graceful_shutdown(async move {
            let _ = signal::ctrl_c().await;
            for rooms in rooms {
                rooms.shutdown().await;
            }
        })
        .await
}
