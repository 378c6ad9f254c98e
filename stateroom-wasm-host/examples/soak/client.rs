//! Connections of hostile clients.
use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use super::Error;

/// Makes a room fail, and checks the close code.
pub(super) async fn fails(address: SocketAddr, room: &str, command: &str) -> Result<(), Error> {
    let mut client = join(address, room).await?;
    client.send(Message::text(command)).await?;
    loop {
        match client.next().await.ok_or("the connection was cut")?? {
            Message::Close(Some(close)) if [1011, 1013].contains(&u16::from(close.code)) => return Ok(()),
            Message::Close(close) => return Err(format!("unexpected close: {close:?}").into()),
            _ => {}
        }
    }
}

pub(super) async fn join(address: SocketAddr, room: &str) -> Result<WebSocketStream<TcpStream>, Error> {
    connect_over(TcpStream::connect(address).await?, address, room).await
}

pub(super) async fn connect_over(
    socket: TcpStream,
    address: SocketAddr,
    room: &str,
) -> Result<WebSocketStream<TcpStream>, Error> {
    Ok(client_async(format!("ws://{address}/ws/{room}"), socket).await?.0)
}

/// Performs the WebSocket handshake, and returns the socket for writing raw frames.
pub(super) async fn handshake(address: SocketAddr, room: &str) -> Result<TcpStream, Error> {
    let mut socket = TcpStream::connect(address).await?;
    let request = format!(
        "GET /ws/{room} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(socket.read_u8().await?);
    }
    if answer.starts_with(b"HTTP/1.1 101") { Ok(socket) } else { Err("the handshake was rejected".into()) }
}
