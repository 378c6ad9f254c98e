//! Load from many clients.
use std::{
    io,
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::time::sleep_until;

use super::{
    client::{Client, Responses},
    frame::message,
    latencies::Latencies,
};

/// Number of concurrent joins.
const CONCURRENT_JOINS: usize = 32;

/// Joins one client to each of the given rooms.
pub(crate) async fn join_all(
    server: SocketAddr,
    rooms: impl Iterator<Item = String>,
    responses: &Rc<Responses>,
) -> io::Result<Vec<Client>> {
    let join = |room: String| async move { Client::join(server, &room, responses).await };
    stream::iter(rooms).map(join).buffered(CONCURRENT_JOINS).try_collect().await
}

/// Requests echoes round-robin over all clients, `rate` per second in total. Returns their latencies.
///
/// The load is open-loop: a slow response does not delay later requests.
pub(crate) async fn echoes(
    clients: &[Client],
    responses: &Responses,
    rate: u32,
    time: Duration,
) -> io::Result<Latencies> {
    let echo = message('e');
    let count = (f64::from(rate) * time.as_secs_f64()) as usize;
    let start = Instant::now();
    for (number, client) in (0..count).zip(clients.iter().cycle()) {
        let due = start + Duration::from_secs(1) * number as u32 / rate;
        if due > Instant::now() {
            sleep_until(due.into()).await;
        }
        client.request(&echo)?;
    }
    responses.wait_for_latencies(count).await.map(Latencies::new)
}

/// Latencies of clients that each join a new room.
pub(crate) struct NewRooms {
    /// From the first packet to the 101 response.
    pub(crate) joined: Latencies,
    /// From the first packet to the first echo.
    pub(crate) echoed: Latencies,
    /// The clients, still connected.
    pub(crate) clients: Vec<Client>,
}

/// Joins one new room after the other and requests an echo in each.
pub(crate) async fn join_new_rooms(
    server: SocketAddr,
    rooms: impl Iterator<Item = String>,
    pause: Duration,
) -> io::Result<NewRooms> {
    let responses = Rc::new(Responses::default());
    let (mut joined, mut echoed, mut clients) = (Vec::new(), Vec::new(), Vec::new());
    let echo = message('e');
    for room in rooms {
        let start = Instant::now();
        let client = Client::join(server, &room, &responses).await?;
        joined.push(start.elapsed());
        client.expect_response(start);
        client.send(&echo)?;
        echoed.extend(responses.wait_for_latencies(1).await?);
        clients.push(client);
        if !pause.is_zero() {
            sleep_until((start + pause).into()).await;
        }
    }
    Ok(NewRooms { joined: Latencies::new(joined), echoed: Latencies::new(echoed), clients })
}
