//! What the fuzz targets of the server have in common: a real server, a pipe, and a client that says any bytes.
//!
//! *Invariant:* a target fails if anything panics, in whatever task (libFuzzer's hook ends the process), and if anything
//! goes on once the client has hung up.
use std::{future::Future, time::Duration};

use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use stateroom::{ClientId, DefaultStateroomFactory, MessagePayload, StateroomContext, StateroomService};
use stateroom_server::Server;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex, split},
    join,
    runtime::Builder,
    time::timeout,
};

/// How long the client waits for an answer. Time is paused: it passes when nobody has anything else to do.
const QUIET: Duration = Duration::from_secs(1);

/// How long anything may take to end. Less than the server's own time limits of what it drops by force, and than its
/// heartbeat: what ends only by those is a finding.
const PATIENCE: Duration = Duration::from_secs(9);

#[derive(Default)]
struct Echo;

impl StateroomService for Echo {
    fn message(&mut self, client: ClientId, message: MessagePayload, context: &impl StateroomContext) {
        context.send_message(client, message);
    }
}

/// One client says all this over a pipe into which so many bytes fit at a time, waits until no more answers come, and
/// hangs up. Gives what it has heard.
pub fn converse(server: Server, pipe: usize, said: &[u8]) -> Vec<u8> {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        let head_time = server.limits.request_head_time;
        let (router, handle) = server.router(DefaultStateroomFactory::<Echo>::default());
        let (near, far) = duplex(pipe);
        // As the server does it by itself on a socket.
        let http = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(head_time)
            .serve_connection(TokioIo::new(far), TowerToHyperService::new(router))
            .with_upgrades();
        let http = tokio::spawn(http);

        let heard = ends("the conversation", talk(near, said)).await;
        // How it ends is its own matter.
        let _ = ends("the HTTP connection", http).await.expect("no panic");
        ends("what the rooms are", handle.shutdown()).await;
        assert_eq!(handle.rooms().await, [], "rooms of a server that has stopped");
        heard
    })
}

async fn talk(stream: DuplexStream, said: &[u8]) -> Vec<u8> {
    let (mut read, mut write) = split(stream);
    let mut heard = Vec::new();
    // The server may be the first to hang up.
    let say = async { drop(write.write_all(said).await) };
    let hear = async { while let Ok(Ok(1..)) = timeout(QUIET, read.read_buf(&mut heard)).await {} };
    join!(say, hear);
    let _ = write.shutdown().await;
    let _ = read.read_to_end(&mut heard).await;
    heard
}

async fn ends<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("{what} does not end"))
}
