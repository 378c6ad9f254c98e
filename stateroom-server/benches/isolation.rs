//! What rooms notice of others that compute without end: of the real command, over real sockets.
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
    client::{Client, Heard},
    crowd::{echoes, join_all, newcomers},
    figures::{Milliseconds, rate},
    frame::message,
    run,
    served::Served,
};

/// How many rooms compute without end.
const BUSY: usize = 8;
/// How long one event may do so: together they then compute for longer than it is measured.
const CPU_BUDGET: &str = "2";
/// In how many other rooms somebody says something now and then.
const QUIET: usize = 8;
/// How often, in all of these together.
const ECHOES_PER_SECOND: u32 = 400;
/// For how long.
const TIME: Duration = Duration::from_secs(10);
/// How many new rooms are joined meanwhile.
const NEWCOMERS: u32 = 100;

fn main() -> io::Result<()> {
    let Some(subject) = Subject::from_arguments()? else { return Ok(()) };
    println!("Two workers, {QUIET} rooms that say something now and then; milliseconds, p50 / p99 / max:\n");
    println!("| meanwhile | echo | new room, until joined | until answered |");
    println!("|-|-|-|-|");
    let remarks = run(async {
        let server = Served::start(&subject, &["--cpu-budget", CPU_BUDGET])?;
        let heard = Rc::new(Heard::default());
        let quiet = join_all(server.address, names("quiet", QUIET), &heard).await?;
        measure("nothing else", &server, &quiet, &heard).await?;
        let short = short_events(&server, &quiet, &heard).await?;
        let spun = spinners(&server, &quiet, &heard).await?;
        measure("nothing else, afterwards", &server, &quiet, &heard).await?;
        io::Result::Ok([short, spun])
    })?;
    println!();
    remarks.iter().for_each(|remark| println!("{remark}"));
    Ok(())
}

fn names(kind: &str, count: usize) -> impl Iterator<Item = String> {
    (0..count).map(move |room| format!("{kind}-{room}"))
}

/// Measures what goes on besides, and prints a row of the table.
async fn measure(meanwhile: &str, server: &Served, quiet: &[Client], heard: &Heard) -> io::Result<()> {
    let rooms = (0..NEWCOMERS).map(|room| format!("{meanwhile}-{room}").replace([' ', ','], "-"));
    let new = newcomers(server.address, rooms, TIME / NEWCOMERS);
    let (echo, new) = tokio::try_join!(echoes(quiet, heard, ECHOES_PER_SECOND, TIME), new)?;
    println!(
        "| {meanwhile} | {echo} / {} | {} / {} | {} / {} |",
        echo.max(),
        new.joined,
        new.joined.max(),
        new.answered,
        new.answered.max()
    );
    Ok(())
}

/// Rooms that are never idle, by events none of which takes long: they use more than their share over time.
async fn short_events(server: &Served, quiet: &[Client], heard: &Heard) -> io::Result<String> {
    let work: &[u8] = message('w').leak();
    let worked = Rc::new(Heard::default());
    let workers = join_all(server.address, names("short", BUSY), &worked).await?;
    for worker in &workers {
        worker.talk(work);
        // The second is there when the first is done.
        (0..2).try_for_each(|_| worker.ask(work))?;
    }
    let start = Instant::now();
    measure(&format!("{BUSY} rooms compute in short events"), server, quiet, heard).await?;
    let events = rate(worked.answers_so_far(), start.elapsed());
    Ok(format!("The {BUSY} rooms that compute in short events handle {events} of them a second."))
}

/// Rooms that compute for ever in one event, until they have used up its budget.
async fn spinners(server: &Served, quiet: &[Client], heard: &Heard) -> io::Result<String> {
    let spun = Rc::new(Heard::default());
    let spinners = join_all(server.address, names("spins", BUSY), &spun).await?;
    let start = Instant::now();
    spinners.iter().try_for_each(|spinner| spinner.say(&message('h')))?;
    measure(&format!("{BUSY} rooms spin"), server, quiet, heard).await?;
    let measured = start.elapsed();
    let closes = spun.closes(BUSY).await?;
    let codes: Vec<u16> = closes.iter().filter_map(|(_, code)| *code).collect();
    let after: Vec<Duration> = closes.iter().map(|(at, _)| *at - start).collect();
    let (first, last) = (after.first().copied().unwrap_or_default(), after.last().copied().unwrap_or_default());
    if first < measured || codes != [1011; BUSY] {
        return Err(io::Error::other(format!("the rooms that spin are closed by {codes:?} after {after:?}")));
    }
    Ok(format!(
        "The {BUSY} rooms that spin have a budget of {CPU_BUDGET} s each; all are closed with 1011, after {} to {} ms.",
        Milliseconds(first),
        Milliseconds(last)
    ))
}
