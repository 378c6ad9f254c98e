//! What many clients do together.
use std::{
    io,
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::time::sleep_until;

use super::{
    client::{Client, Heard},
    figures::Times,
    frame::message,
};

/// How many join at the same time.
const AT_ONCE: usize = 32;

/// Has many join, each the room of the name at its place.
pub(crate) async fn join_all(
    server: SocketAddr,
    rooms: impl Iterator<Item = String>,
    heard: &Rc<Heard>,
) -> io::Result<Vec<Client>> {
    let join = |room: String| async move { Client::join(server, &room, heard).await };
    stream::iter(rooms).map(join).buffered(AT_ONCE).try_collect().await
}

/// Has the clients say something in turns, so many times a second in all; gives how long each waited for its echo.
///
/// They do not wait for each other: who is late does not make the others say less.
pub(crate) async fn echoes(clients: &[Client], heard: &Heard, rate: u32, time: Duration) -> io::Result<Times> {
    let echo = message('e');
    let count = (f64::from(rate) * time.as_secs_f64()) as usize;
    let start = Instant::now();
    for (number, client) in (0..count).zip(clients.iter().cycle()) {
        let due = start + Duration::from_secs(1) * number as u32 / rate;
        if due > Instant::now() {
            sleep_until(due.into()).await;
        }
        client.ask(&echo)?;
    }
    heard.answers(count).await.map(Times::new)
}

/// How long newcomers wait.
pub(crate) struct Newcomers {
    /// Until they have joined, from the first packet on.
    pub(crate) joined: Times,
    /// Until they have been answered, from the first packet on.
    pub(crate) answered: Times,
    /// They stay.
    pub(crate) clients: Vec<Client>,
}

/// Has one after the other join a new room and say something there.
pub(crate) async fn newcomers(
    server: SocketAddr,
    rooms: impl Iterator<Item = String>,
    pause: Duration,
) -> io::Result<Newcomers> {
    let heard = Rc::new(Heard::default());
    let (mut joined, mut answered, mut clients) = (Vec::new(), Vec::new(), Vec::new());
    let echo = message('e');
    for room in rooms {
        let start = Instant::now();
        let client = Client::join(server, &room, &heard).await?;
        joined.push(start.elapsed());
        client.expect(start);
        client.say(&echo)?;
        answered.extend(heard.answers(1).await?);
        clients.push(client);
        if !pause.is_zero() {
            sleep_until((start + pause).into()).await;
        }
    }
    Ok(Newcomers { joined: Times::new(joined), answered: Times::new(answered), clients })
}
