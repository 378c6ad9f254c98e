//! The cost of many rooms, and of many clients in one room, with the real binary over real sockets.
//!
//! See `README.md` in this directory for how to run it and how to read the results.
#[expect(dead_code, reason = "partly used by the other benchmark")]
mod common;

use std::{
    io,
    rc::Rc,
    time::{Duration, Instant},
};

use common::{
    Target,
    client::Responses,
    frame::message,
    latencies::{Latencies, rate},
    load::{echoes, join_all, join_new_rooms},
    run,
    server_process::ServerProcess,
};

/// Echoes per second, over all rooms.
const ECHOES_PER_SECOND: u32 = 1_000;
/// Duration of the echo load: long enough for an echo in each of 10 000 rooms before memory is measured.
const ECHO_TIME: Duration = Duration::from_secs(10);
/// Number of rooms created one at a time.
const SEQUENTIAL_ROOMS: usize = 50;
/// Number of clients in the single room.
const ROOM_CLIENTS: usize = 15_000;
/// Number of broadcasts in the single room.
const BROADCASTS: usize = 20;

fn main() -> io::Result<()> {
    let Some(target) = Target::from_arguments()? else { return Ok(()) };
    println!("Rooms with one client each. Latencies in ms, p50 / p99. Memory in KiB per room.\n");
    println!("| rooms | joins per second | resident | proportional | echo | new room: joined | new room: first echo |");
    println!("|-|-|-|-|-|-|-|");
    for rooms in [100, 1_000, 5_000, 10_000] {
        run(many_rooms(&target, rooms))?;
    }
    println!("\nOne room. Memory in KiB per client.\n");
    println!("| clients | joins per second | resident | proportional | echo | broadcast, last client, p50 / max |");
    println!("|-|-|-|-|-|-|");
    run(one_room(&target))
}

/// Measures a number of rooms with one client each.
///
/// The sequential rooms are part of that number, because the largest one is the default limit of rooms.
async fn many_rooms(target: &Target, rooms: usize) -> io::Result<()> {
    let server = ServerProcess::start(target, &[])?;
    // The first room triggers the one-time allocations of the process.
    let responses = Rc::new(Responses::default());
    let first = join_all(server.address, ["first".to_owned()].into_iter(), &responses).await?;
    echoes(&first, &responses, 10, ECHO_TIME / 10).await?;
    let before = server.memory()?;

    let start = Instant::now();
    let names = (1..rooms - SEQUENTIAL_ROOMS).map(|room| format!("room-{room}"));
    let clients = join_all(server.address, names, &responses).await?;
    let joins = rate(clients.len(), start.elapsed());
    let names = (0..SEQUENTIAL_ROOMS).map(|room| format!("new-{room}"));
    let new = join_new_rooms(server.address, names, Duration::ZERO).await?;
    let echo = echoes(&clients, &responses, ECHOES_PER_SECOND, ECHO_TIME).await?;
    let each = before.growth(&server.memory()?, rooms - 1);
    println!(
        "| {rooms} | {joins} | {:.1} | {:.1} | {echo} | {} | {} |",
        each.resident, each.proportional, new.joined, new.echoed
    );
    drop((first, clients, new.clients));
    Ok(())
}

/// Measures a single room with many clients.
async fn one_room(target: &Target) -> io::Result<()> {
    let server = ServerProcess::start(target, &[])?;
    let responses = Rc::new(Responses::default());
    let names = |count| (0..count).map(|_| "room".to_owned());
    let first = join_all(server.address, names(1), &responses).await?;
    echoes(&first, &responses, 10, ECHO_TIME / 10).await?;
    let before = server.memory()?;

    let start = Instant::now();
    let clients = join_all(server.address, names(ROOM_CLIENTS - 1), &responses).await?;
    let joins = rate(clients.len(), start.elapsed());
    let echo = echoes(&clients, &responses, ECHOES_PER_SECOND, ECHO_TIME).await?;
    let each = before.growth(&server.memory()?, clients.len());
    let mut broadcasts = Vec::new();
    for _ in 0..BROADCASTS {
        let now = Instant::now();
        first.iter().chain(&clients).for_each(|client| client.expect_response(now));
        first.iter().try_for_each(|client| client.send(&message('b')))?;
        broadcasts.extend(responses.wait_for_latencies(ROOM_CLIENTS).await?.into_iter().max());
    }
    let broadcasts = Latencies::new(broadcasts);
    println!(
        "| {ROOM_CLIENTS} | {joins} | {:.1} | {:.1} | {echo} | {} / {} |",
        each.resident,
        each.proportional,
        broadcasts.median(),
        broadcasts.max()
    );
    Ok(())
}
