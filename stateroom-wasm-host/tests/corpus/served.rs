//! A guest behind a server with a client on a real socket, next to a well-behaved room that must not be affected.
use std::{future::Future, net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use libtest_mimic::Failed;
use stateroom_server::{Server, ServerHandle};
use stateroom_wasm_host::WasmHostFactory;
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use crate::{
    case::{Case, LONG_MESSAGE},
    guest::{self, ECHO},
    script::factory,
};

type Client = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub(crate) async fn run(case: &Case) -> Result<(), Failed> {
    // A rejected module cannot be served.
    let Ok(hostile) = factory(&case.guest) else { return Ok(()) };
    let (hostile, rooms) = serve(hostile).await?;
    let (good, _) = serve(factory(&guest::complete(ECHO))?).await?;
    let mut neighbor = join(good).await?;
    echo(&mut neighbor).await?;

    let mut client = join(hostile).await?;
    for message in ["a message", LONG_MESSAGE] {
        // Fails if the connection is closed already.
        let _ = client.send(Message::text(message)).await;
    }
    let closed = close_code(&mut client, &rooms).await?;
    if closed != case.closed {
        return Err(format!("expected the close code {:?}, found {closed:?}", case.closed).into());
    }

    echo(&mut neighbor).await?;
    echo(&mut join(good).await?).await?;
    // The hostile room's server still accepts clients.
    join(hostile).await.map(drop)
}

async fn serve(factory: WasmHostFactory) -> Result<(SocketAddr, ServerHandle), Failed> {
    let server = Server { ip: "127.0.0.1".into(), port: 0, ..Server::default() }.bind(factory).await?;
    let (address, handle) = (server.local_addr(), server.handle());
    tokio::spawn(server.run());
    Ok((address, handle))
}

async fn within_timeout<T>(what: &str, future: impl Future<Output = T>) -> Result<T, Failed> {
    let outcome = tokio::time::timeout(Duration::from_secs(20), future);
    outcome.await.map_err(|_| format!("{what} takes too long").into())
}

async fn join(address: SocketAddr) -> Result<Client, Failed> {
    Ok(within_timeout("joining", connect_async(format!("ws://{address}/ws/a"))).await??.0)
}

async fn echo(client: &mut Client) -> Result<(), Failed> {
    client.send(Message::text("still there?")).await?;
    let answer = within_timeout("an answer of the well-behaved room", client.next())
        .await?
        .ok_or("the well-behaved room is gone")??;
    if answer == Message::text("still there?") {
        Ok(())
    } else {
        Err(format!("the well-behaved room answered {answer:?}").into())
    }
}

/// Returns the code with which the client is closed, or none if it is connected after all its messages are handled.
async fn close_code(client: &mut Client, rooms: &ServerHandle) -> Result<Option<u16>, Failed> {
    // The server has read the messages sent before the ping, and the room handles them before it answers the call.
    if let Some(code) = ping(client).await? {
        return Ok(Some(code));
    }
    if let Some(room) = rooms.room("a").await {
        // An error means that the room has ended, and a close follows.
        let _ = within_timeout("an answer of the hostile room", room.call("a question")).await?;
    }
    ping(client).await
}

/// Waits for the answer to a ping. Returns the code if the server closes the connection instead.
async fn ping(client: &mut Client) -> Result<Option<u16>, Failed> {
    // Fails if the connection is closed already; the close is read below.
    let _ = client.send(Message::Ping("are you there?".into())).await;
    while let Some(message) = within_timeout("an answer to a ping", client.next()).await? {
        match message? {
            Message::Close(frame) => return Ok(frame.map(|frame| frame.code.into())),
            Message::Pong(_) => return Ok(None),
            _ => {}
        }
    }
    Err("the connection was cut".into())
}
