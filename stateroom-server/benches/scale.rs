//! What many rooms cost, and many clients of one room: of the real command, over real sockets.
//!
//! `README.md` beside this says how to run it and how to read it.
#[expect(dead_code, reason = "some of it is for the other bench")]
mod common;

use std::{
    io,
    rc::Rc,
    time::{Duration, Instant},
};

use common::{
    Subject,
    client::Heard,
    crowd::{echoes, join_all, newcomers},
    figures::{Times, rate},
    frame::message,
    run,
    served::Served,
};

/// How many echoes a second are asked for, in all rooms together.
const ECHOES_PER_SECOND: u32 = 1_000;
/// For how long. The largest number of rooms is that of the echoes, so that each has had one when memory is measured.
const TIME: Duration = Duration::from_secs(10);
/// How many of the rooms are begun one by one.
const ONE_BY_ONE: usize = 50;
/// How many clients are in the one room.
const MEMBERS: usize = 15_000;
/// How many broadcasts it sends.
const BROADCASTS: usize = 20;

fn main() -> io::Result<()> {
    let Some(subject) = Subject::from_arguments()? else { return Ok(()) };
    println!("Rooms with one client each; times in milliseconds, p50 / p99; memory in KiB a room:\n");
    println!("| rooms | joins a second | resident | proportional | echo | new room, until joined | until answered |");
    println!("|-|-|-|-|-|-|-|");
    for rooms in [100, 1_000, 5_000, 10_000] {
        run(many_rooms(&subject, rooms))?;
    }
    println!("\nOne room; memory in KiB a client:\n");
    println!("| clients | joins a second | resident | proportional | echo | broadcast to the last, p50 / max |");
    println!("|-|-|-|-|-|-|");
    run(one_room(&subject))
}

/// There is space for no more than the largest number of rooms, so the last few of them are those begun one by one.
async fn many_rooms(subject: &Subject, rooms: usize) -> io::Result<()> {
    let server = Served::start(subject, &[])?;
    // What the first room needs, the process needs once.
    let heard = Rc::new(Heard::default());
    let first = join_all(server.address, ["first".to_owned()].into_iter(), &heard).await?;
    echoes(&first, &heard, 10, TIME / 10).await?;
    let before = server.memory()?;

    let start = Instant::now();
    let names = (1..rooms - ONE_BY_ONE).map(|room| format!("room-{room}"));
    let clients = join_all(server.address, names, &heard).await?;
    let joins = rate(clients.len(), start.elapsed());
    let names = (0..ONE_BY_ONE).map(|room| format!("new-{room}"));
    let new = newcomers(server.address, names, Duration::ZERO).await?;
    let echo = echoes(&clients, &heard, ECHOES_PER_SECOND, TIME).await?;
    let each = before.growth(&server.memory()?, rooms - 1);
    println!(
        "| {rooms} | {joins} | {:.1} | {:.1} | {echo} | {} | {} |",
        each.resident, each.proportional, new.joined, new.answered
    );
    drop((first, clients, new.clients));
    Ok(())
}

async fn one_room(subject: &Subject) -> io::Result<()> {
    let server = Served::start(subject, &[])?;
    let heard = Rc::new(Heard::default());
    let names = |count| (0..count).map(|_| "room".to_owned());
    let first = join_all(server.address, names(1), &heard).await?;
    echoes(&first, &heard, 10, TIME / 10).await?;
    let before = server.memory()?;

    let start = Instant::now();
    let clients = join_all(server.address, names(MEMBERS - 1), &heard).await?;
    let joins = rate(clients.len(), start.elapsed());
    let echo = echoes(&clients, &heard, ECHOES_PER_SECOND, TIME).await?;
    let each = before.growth(&server.memory()?, clients.len());
    let mut broadcasts = Vec::new();
    for _ in 0..BROADCASTS {
        let now = Instant::now();
        first.iter().chain(&clients).for_each(|client| client.expect(now));
        first.iter().try_for_each(|client| client.say(&message('b')))?;
        broadcasts.extend(heard.answers(MEMBERS).await?.into_iter().max());
    }
    let broadcasts = Times::new(broadcasts);
    println!(
        "| {MEMBERS} | {joins} | {:.1} | {:.1} | {echo} | {} / {} |",
        each.resident,
        each.proportional,
        broadcasts.median(),
        broadcasts.max()
    );
    Ok(())
}
