//! A guest behind a server, with a client on a real socket; and beside it a good room, which does not notice.
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

pub(crate) async fn play(case: &Case) -> Result<(), Failed> {
    // What is not loaded cannot be served.
    let Ok(hostile) = factory(&case.guest) else { return Ok(()) };
    let (hostile, rooms) = serve(hostile).await?;
    let (good, _) = serve(factory(&guest::whole(ECHO))?).await?;
    let mut neighbour = join(good).await?;
    echo(&mut neighbour).await?;

    let mut client = join(hostile).await?;
    for message in ["a message", LONG_MESSAGE] {
        // Whoever is closed already may not send any more.
        let _ = client.send(Message::text(message)).await;
    }
    let closed = fate(&mut client, &rooms).await?;
    if closed != case.closed {
        return Err(format!("its client should see {:?}, but saw {closed:?}", case.closed).into());
    }

    echo(&mut neighbour).await?;
    echo(&mut join(good).await?).await?;
    // The next one to come to the hostile server meets a server that works, whatever becomes of the room.
    join(hostile).await.map(drop)
}

async fn serve(factory: WasmHostFactory) -> Result<(SocketAddr, ServerHandle), Failed> {
    let server = Server { ip: "127.0.0.1".into(), port: 0, ..Server::default() }.bind(factory).await?;
    let (address, handle) = (server.local_addr(), server.handle());
    tokio::spawn(server.run());
    Ok((address, handle))
}

async fn patiently<T>(what: &str, future: impl Future<Output = T>) -> Result<T, Failed> {
    let patience = tokio::time::timeout(Duration::from_secs(20), future);
    patience.await.map_err(|_| format!("{what} takes too long").into())
}

async fn join(address: SocketAddr) -> Result<Client, Failed> {
    Ok(patiently("joining", connect_async(format!("ws://{address}/ws/a"))).await??.0)
}

async fn echo(client: &mut Client) -> Result<(), Failed> {
    client.send(Message::text("still there?")).await?;
    let answer = patiently("the good room's answer", client.next()).await?.ok_or("the good room is gone")??;
    if answer == Message::text("still there?") { Ok(()) } else { Err(format!("the good room says {answer:?}").into()) }
}

/// The code with which the client is closed; none if it is still there when all that it has said is handled.
async fn fate(client: &mut Client, rooms: &ServerHandle) -> Result<Option<u16>, Failed> {
    // The server has read what came before the ping, and the room has handled it before it answers the call.
    if let Some(code) = ping(client).await? {
        return Ok(Some(code));
    }
    if let Some(room) = rooms.room("a").await {
        // An error is that the room has ended: then there is a close on its way.
        let _ = patiently("the hostile room's turn", room.call("a question")).await?;
    }
    ping(client).await
}

/// Waits until the server answers; gives the code if it closes the connection instead.
async fn ping(client: &mut Client) -> Result<Option<u16>, Failed> {
    // Where it is closed already, that is still to be read.
    let _ = client.send(Message::Ping("are you there?".into())).await;
    while let Some(message) = patiently("an answer to a ping", client.next()).await? {
        match message? {
            Message::Close(frame) => return Ok(frame.map(|frame| frame.code.into())),
            Message::Pong(_) => return Ok(None),
            _ => {}
        }
    }
    Err("the connection was cut".into())
}
