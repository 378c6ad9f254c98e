//! Attacks on what the whole process has: memory, processors, rooms, and the log.
use std::{net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::{sleep, timeout},
};
use tokio_tungstenite::tungstenite::Message;

use super::{
    Error,
    client::{connect_over, fails, handshake, join},
};

/// An attack.
#[derive(Debug, Clone, Copy)]
pub(super) enum Attack {
    /// Asks for large answers, all at once.
    Burst,
    /// Has a guest grow, and leaves it so.
    Grow,
    /// Asks for large answers, and reads none.
    Hoard,
    /// Sends half of a long message.
    HalfMessage,
    /// Creates rooms.
    CreateRooms,
    /// Has a room broadcast to many members, often.
    FanOut,
    /// Has a guest write to its whole memory for ever.
    Fill,
    /// Has a guest ask for random numbers for ever.
    Random,
    /// Has a guest print.
    Print,
    /// Leaves rooms behind whose timers fire often.
    LeaveTimers,
}

/// The attacks, the number of clients for each, and the name in the report.
pub(super) const ATTACKS: [(Attack, usize, &str); 10] = [
    (Attack::Burst, 1, "asked for bursts"),
    (Attack::Grow, 2, "grew"),
    (Attack::Hoard, 8, "hoarded"),
    (Attack::HalfMessage, 16, "sent half messages"),
    (Attack::CreateRooms, 1, "created rooms"),
    (Attack::FanOut, 1, "fanned out"),
    (Attack::Fill, 2, "filled memory"),
    (Attack::Random, 1, "drew random numbers"),
    (Attack::Print, 2, "printed"),
    (Attack::LeaveTimers, 2, "left timers"),
];

/// Number of members of a room that fans out.
const MEMBERS: usize = 20;
/// Length of a message of which half is sent.
const LONG_MESSAGE: u64 = 16 << 20;

pub(super) async fn attack(attack: Attack, address: SocketAddr) -> Result<(), Error> {
    let room = |kind: &str, rooms: u32| format!("{kind}-{}", rand::random_range(0..rooms));
    match attack {
        Attack::Burst => {
            let mut client = join(address, &room("burst", 2)).await?;
            for _ in 0..128 {
                client.feed(Message::text("(")).await?;
            }
            client.flush().await?;
            for _ in 0..128 {
                // An answer, and the broadcast after it. The client may be closed for what others do, but not the room.
                let answer = client.next().await.ok_or("the connection was cut")??;
                if let Message::Close(close) = answer {
                    let is_room = close.as_ref().is_some_and(|close| u16::from(close.code) == 1011);
                    return if is_room { Err(format!("a burst ended its room: {close:?}").into()) } else { Ok(()) };
                }
            }
        }
        Attack::Grow => {
            let mut client = join(address, &room("grow", 1000)).await?;
            for _ in 0..4 {
                client.send(Message::text("#")).await?;
            }
            drop(timeout(Duration::from_millis(200), client.next()).await);
        }
        Attack::Hoard => {
            let socket = TcpSocket::new_v4()?;
            socket.set_recv_buffer_size(4096)?;
            let mut hoarder = connect_over(socket.connect(address).await?, address, &room("hoard", 100)).await?;
            for _ in 0..60 {
                hoarder.feed(Message::text("(")).await?;
            }
            hoarder.flush().await?;
            sleep(Duration::from_secs(1)).await;
        }
        Attack::HalfMessage => {
            let mut socket = handshake(address, &room("half", 10)).await?;
            socket.write_all(&[0x82, 0xff]).await?;
            socket.write_all(&LONG_MESSAGE.to_be_bytes()).await?;
            socket.write_all(&[0; 4]).await?;
            let part = vec![0; 64 << 10];
            for _ in 0..LONG_MESSAGE / 2 / part.len() as u64 {
                socket.write_all(&part).await?;
            }
            sleep(Duration::from_secs(1)).await;
        }
        Attack::CreateRooms => {
            let mut socket = TcpStream::connect(address).await?;
            let mut requests = String::new();
            for number in 0..200 {
                let end = if number == 199 { "Connection: close\r\n" } else { "" };
                let room = rand::random::<u32>();
                requests
                    .push_str(&format!("POST /ws/made-{room} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n{end}\r\n"));
            }
            socket.write_all(requests.as_bytes()).await?;
            socket.read_to_end(&mut Vec::new()).await?;
        }
        Attack::FanOut => {
            let mut members = Vec::with_capacity(MEMBERS);
            for _ in 0..MEMBERS {
                members.push(join(address, "fan-out").await?);
            }
            let sender = members.first_mut().ok_or("there are no members")?;
            sender.send(Message::text("%")).await?;
            drop(timeout(Duration::from_millis(500), sender.next()).await);
        }
        Attack::Fill => fails(address, &room("fill", 4), "$").await?,
        Attack::Random => fails(address, "random", "?").await?,
        Attack::Print => {
            let mut client = join(address, &room("print", 1000)).await?;
            client.send(Message::text("&")).await?;
            drop(timeout(Duration::from_millis(200), client.next()).await);
        }
        Attack::LeaveTimers => {
            let mut client = join(address, &room("timers", 200)).await?;
            client.send(Message::text("*")).await?;
            client.close(None).await?;
        }
    }
    Ok(())
}
