//! The shared part of the server's fuzz targets: a real server, a pipe, and a client that sends arbitrary bytes.
//!
//! *Invariant:* a target fails if any task panics (libFuzzer's hook ends the process), and if anything keeps running after the
//! client has disconnected.
use std::{future::Future, time::Duration};

use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use stateroom::{ClientId, DefaultStateroomFactory, MessagePayload, StateroomContext, StateroomService};
use stateroom_server::{Server, http1_builder};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex, split},
    join,
    runtime::Builder,
    time::timeout,
};

/// Maximum time that the client waits for output. Time is paused: it advances when all tasks are idle.
const OUTPUT_TIMEOUT: Duration = Duration::from_secs(1);

/// Maximum time for anything to end: less than the server's timeouts and its heartbeat, as a task that ends only by those is a
/// finding.
const END_TIMEOUT: Duration = Duration::from_secs(9);

#[derive(Default)]
struct Echo;

impl StateroomService for Echo {
    fn message(&mut self, client: ClientId, message: MessagePayload, context: &impl StateroomContext) {
        context.send_message(client, message);
    }
}

/// Makes one client send these bytes over a pipe of this capacity, wait for output, and disconnect. Returns the output.
pub fn converse(server: Server, pipe: usize, said: &[u8]) -> Vec<u8> {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        let head_time = server.limits.request_head_time;
        let (router, handle) = server.router(DefaultStateroomFactory::<Echo>::default());
        let (near, far) = duplex(pipe);
        // As the server does on its own sockets.
        let http = http1_builder(head_time)
            .serve_connection(TokioIo::new(far), TowerToHyperService::new(router))
            .with_upgrades();
        let http = tokio::spawn(http);

        let heard = ends("the conversation", talk(near, said)).await;
        // Its result does not matter.
        let _ = ends("the HTTP connection", http).await.expect("no panic");
        ends("the shutdown", handle.shutdown()).await;
        assert_eq!(handle.rooms().await, [], "rooms of a server that has stopped");
        heard
    })
}

async fn talk(stream: DuplexStream, said: &[u8]) -> Vec<u8> {
    let (mut read, mut write) = split(stream);
    let mut heard = Vec::new();
    // The server may close first.
    let say = async { drop(write.write_all(said).await) };
    let hear = async { while let Ok(Ok(1..)) = timeout(OUTPUT_TIMEOUT, read.read_buf(&mut heard)).await {} };
    join!(say, hear);
    let _ = write.shutdown().await;
    let _ = read.read_to_end(&mut heard).await;
    heard
}

async fn ends<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(END_TIMEOUT, future).await.unwrap_or_else(|_| panic!("{what} does not end"))
}
