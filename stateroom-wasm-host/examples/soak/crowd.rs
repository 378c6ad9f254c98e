//! Clients that do not behave, each in its own way, over and over.
use std::{
    fmt,
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};
use tokio_util::sync::CancellationToken;

use super::{Error, Shared};

/// What each of them does, how many do it, and what it is called.
const DEEDS: [(Deed, usize, &str); 10] = [
    (Deed::Vanish, 8, "vanished"),
    (Deed::Stall, 4, "stalled"),
    (Deed::Flood, 2, "flooded"),
    (Deed::Trap, 2, "trapped"),
    (Deed::Spin, 1, "spun"),
    (Deed::Rubbish, 4, "sent rubbish"),
    (Deed::Halves, 4, "sent halves"),
    (Deed::Pings, 2, "pinged"),
    (Deed::Http, 4, "asked"),
    (Deed::Visit, 4, "visited"),
];

#[derive(Debug, Clone, Copy)]
enum Deed {
    Vanish,
    Stall,
    Flood,
    Trap,
    Spin,
    Rubbish,
    Halves,
    Pings,
    Http,
    Visit,
}

/// All who do not behave.
pub(super) struct Crowd {
    tasks: JoinSet<()>,
    deeds: Shared<Deeds>,
}

/// How often each deed was done.
#[derive(Debug, Default)]
pub(super) struct Deeds([AtomicU64; DEEDS.len()]);

impl fmt::Display for Deeds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (count, (.., name))) in self.0.iter().zip(DEEDS).enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(formatter, "{comma}{} {name}", count.load(Ordering::Relaxed))?;
        }
        Ok(())
    }
}

impl Crowd {
    /// Has all of them begin.
    pub(super) fn gather(address: SocketAddr, stop: &CancellationToken) -> Self {
        let (mut tasks, deeds) = (JoinSet::new(), Shared::new(Deeds::default()));
        for (index, (deed, many, _)) in DEEDS.into_iter().enumerate() {
            for _ in 0..many {
                let (stop, deeds) = (stop.clone(), deeds.clone());
                tasks.spawn(async move {
                    let over_and_over = async {
                        loop {
                            // That the server hangs up on them is what they get for it.
                            let done = timeout(Duration::from_secs(3), act(deed, address)).await;
                            if let (Ok(Ok(())), Some(count)) = (done, deeds.0.get(index)) {
                                count.fetch_add(1, Ordering::Relaxed);
                            }
                            sleep(Duration::from_millis(5)).await;
                        }
                    };
                    stop.run_until_cancelled(over_and_over).await;
                });
            }
        }
        Crowd { tasks, deeds }
    }

    /// Waits until all have gone. Each kind has to have done something.
    pub(super) async fn disperse(mut self) -> Result<Shared<Deeds>, Error> {
        while let Some(task) = self.tasks.join_next().await {
            task?;
        }
        let idle = self.deeds.0.iter().zip(DEEDS).find(|(count, _)| count.load(Ordering::Relaxed) == 0);
        match idle {
            Some((_, (deed, ..))) => Err(format!("nobody has managed to {deed:?}").into()),
            None => Ok(self.deeds),
        }
    }
}

async fn act(deed: Deed, address: SocketAddr) -> Result<(), Error> {
    let good = format!("good-{}", rand::random_range(0..8));
    match deed {
        Deed::Vanish => drop(join(address, &good).await?),
        Deed::Stall => {
            let socket = TcpSocket::new_v4()?;
            socket.set_recv_buffer_size(4096)?;
            let stalls = over(socket.connect(address).await?, address, &good).await?;
            sleep(Duration::from_secs(1)).await;
            drop(stalls);
        }
        Deed::Flood => {
            let (mut write, mut read) = join(address, "flood").await?.split();
            let flood = "x".repeat(2000);
            for _ in 0..2000 {
                write.feed(Message::text(flood.as_str())).await?;
            }
            drop(timeout(Duration::from_millis(50), read.next()).await);
        }
        Deed::Trap => fails(address, "trap", "!").await?,
        Deed::Spin => fails(address, "spin", "@").await?,
        Deed::Rubbish => {
            let mut rubbish: Vec<u8> = (0..rand::random_range(1..5000)).map(|_| rand::random()).collect();
            // What is random may be a message; in a good room it begins with what cannot be one.
            let room = if rand::random() { "rubbish" } else { &good };
            if room == good {
                rubbish.insert(0, 0xff);
            }
            let mut socket = handshake(address, room).await?;
            socket.write_all(&rubbish).await?;
            socket.write_all(&[0xff; 64]).await?;
            // The server says why, and ends it.
            drop(timeout(Duration::from_secs(2), socket.read_to_end(&mut Vec::new())).await?);
        }
        Deed::Halves => {
            let mut socket = handshake(address, &good).await?;
            // The beginning of a text in parts, and a ping with each further one.
            socket.write_all(&[0x01, 0x81, 0, 0, 0, 0, b'x']).await?;
            for _ in 0..20 {
                socket.write_all(&[0x89, 0x80, 0, 0, 0, 0, 0x00, 0x80, 0, 0, 0, 0]).await?;
                sleep(Duration::from_millis(10)).await;
            }
            let mut head = TcpStream::connect(address).await?;
            head.write_all(b"GET /ws/a HTTP/1.1\r\nHost: x\r\nX-Slow: ").await?;
            sleep(Duration::from_millis(200)).await;
        }
        Deed::Pings => {
            let mut socket = handshake(address, &good).await?;
            let pings = [0x89, 0x80, 0, 0, 0, 0].repeat(1000);
            for _ in 0..10 {
                socket.write_all(&pings).await?;
            }
            drop(timeout(Duration::from_millis(50), socket.read(&mut [0; 1 << 16])).await);
        }
        Deed::Http => {
            for path in ["/status", "/http/good-0/x", "/new_room", "/ws/..%2f..", "/%ff", "/ws/a?token=1&token=2"] {
                let mut socket = TcpStream::connect(address).await?;
                let method = if path == "/new_room" { "POST" } else { "GET" };
                let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
                socket.write_all(request.as_bytes()).await?;
                socket.read_to_end(&mut Vec::new()).await?;
            }
        }
        Deed::Visit => {
            let mut visitor = join(address, &good).await?;
            for _ in 0..20 {
                visitor.next().await.ok_or("the end")??;
            }
            visitor.close(None).await?;
        }
    }
    Ok(())
}

/// Makes a room fail, and sees that it is told so.
async fn fails(address: SocketAddr, room: &str, deed: &str) -> Result<(), Error> {
    let mut client = join(address, room).await?;
    client.send(Message::text(deed)).await?;
    loop {
        match client.next().await.ok_or("it is not told")?? {
            Message::Close(Some(close)) if [1011, 1013].contains(&u16::from(close.code)) => return Ok(()),
            Message::Close(close) => return Err(format!("closed otherwise: {close:?}").into()),
            _ => {}
        }
    }
}

async fn join(address: SocketAddr, room: &str) -> Result<WebSocketStream<TcpStream>, Error> {
    over(TcpStream::connect(address).await?, address, room).await
}

async fn over(socket: TcpStream, address: SocketAddr, room: &str) -> Result<WebSocketStream<TcpStream>, Error> {
    Ok(client_async(format!("ws://{address}/ws/{room}"), socket).await?.0)
}

/// A socket on which frames may be sent by hand.
async fn handshake(address: SocketAddr, room: &str) -> Result<TcpStream, Error> {
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
    if answer.starts_with(b"HTTP/1.1 101") { Ok(socket) } else { Err("not let in".into()) }
}
