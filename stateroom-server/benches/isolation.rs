//! Isolation of rooms from other rooms that compute without a pause, with the real binary over real sockets.
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
    client::{Client, Responses},
    frame::message,
    latencies::{Milliseconds, rate},
    load::{echoes, join_all, join_new_rooms},
    run,
    server_process::ServerProcess,
};

/// Number of rooms that compute without a pause.
const BUSY_ROOMS: usize = 8;
/// CPU budget of an event, in seconds. The budgets of all busy rooms together exceed the measurement.
const CPU_BUDGET: &str = "2";
/// Number of other rooms, whose latency is measured.
const QUIET_ROOMS: usize = 8;
/// Echoes per second, over all quiet rooms.
const ECHOES_PER_SECOND: u32 = 400;
/// Duration of each measurement.
const MEASUREMENT_TIME: Duration = Duration::from_secs(10);
/// Number of new rooms joined during each measurement.
const NEW_ROOMS: u32 = 100;

fn main() -> io::Result<()> {
    let Some(target) = Target::from_arguments()? else { return Ok(()) };
    println!("Two worker threads, {QUIET_ROOMS} rooms under measurement. Latencies in ms, p50 / p99 / max.\n");
    println!("| load | echo | new room: joined | new room: first echo |");
    println!("|-|-|-|-|");
    let summaries = run(async {
        let server = ServerProcess::start(&target, &["--cpu-budget", CPU_BUDGET])?;
        let responses = Rc::new(Responses::default());
        let quiet = join_all(server.address, names("quiet", QUIET_ROOMS), &responses).await?;
        measure("none", &server, &quiet, &responses).await?;
        let short = short_events(&server, &quiet, &responses).await?;
        let spun = spinning_rooms(&server, &quiet, &responses).await?;
        measure("none, afterwards", &server, &quiet, &responses).await?;
        io::Result::Ok([short, spun])
    })?;
    println!();
    summaries.iter().for_each(|summary| println!("{summary}"));
    Ok(())
}

fn names(kind: &str, count: usize) -> impl Iterator<Item = String> {
    (0..count).map(move |room| format!("{kind}-{room}"))
}

/// Measures latencies under the named load, and prints a row of the table.
async fn measure(load: &str, server: &ServerProcess, quiet: &[Client], responses: &Responses) -> io::Result<()> {
    let rooms = (0..NEW_ROOMS).map(|room| format!("{load}-{room}").replace([' ', ','], "-"));
    let new = join_new_rooms(server.address, rooms, MEASUREMENT_TIME / NEW_ROOMS);
    let (echo, new) = tokio::try_join!(echoes(quiet, responses, ECHOES_PER_SECOND, MEASUREMENT_TIME), new)?;
    println!(
        "| {load} | {echo} / {} | {} / {} | {} / {} |",
        echo.max(),
        new.joined,
        new.joined.max(),
        new.echoed,
        new.echoed.max()
    );
    Ok(())
}

/// Measures next to rooms that are never idle, but whose events are short. They exceed their CPU share over time.
async fn short_events(server: &ServerProcess, quiet: &[Client], responses: &Responses) -> io::Result<String> {
    let work: &[u8] = message('w').leak();
    let responses_of_workers = Rc::new(Responses::default());
    let workers = join_all(server.address, names("short", BUSY_ROOMS), &responses_of_workers).await?;
    for worker in &workers {
        worker.send_on_response(work);
        // Two messages in flight: the next one is queued when an event ends.
        (0..2).try_for_each(|_| worker.request(work))?;
    }
    let start = Instant::now();
    measure(&format!("{BUSY_ROOMS} rooms compute in short events"), server, quiet, responses).await?;
    let events = rate(responses_of_workers.take_count(), start.elapsed());
    Ok(format!("The {BUSY_ROOMS} rooms that compute in short events handle {events} events per second."))
}

/// Measures next to rooms that spin in a single event until they exhaust its CPU budget.
async fn spinning_rooms(server: &ServerProcess, quiet: &[Client], responses: &Responses) -> io::Result<String> {
    let responses_of_spinners = Rc::new(Responses::default());
    let spinners = join_all(server.address, names("spins", BUSY_ROOMS), &responses_of_spinners).await?;
    let start = Instant::now();
    spinners.iter().try_for_each(|spinner| spinner.send(&message('h')))?;
    measure(&format!("{BUSY_ROOMS} rooms spin"), server, quiet, responses).await?;
    let measured = start.elapsed();
    let closes = responses_of_spinners.wait_for_closes(BUSY_ROOMS).await?;
    let codes: Vec<u16> = closes.iter().filter_map(|(_, code)| *code).collect();
    let after: Vec<Duration> = closes.iter().map(|(at, _)| *at - start).collect();
    let (first, last) = (after.first().copied().unwrap_or_default(), after.last().copied().unwrap_or_default());
    if first < measured || codes != [1011; BUSY_ROOMS] {
        return Err(io::Error::other(format!(
            "expected spinning rooms to be closed with 1011 after the measurement, got {codes:?} after {after:?}"
        )));
    }
    Ok(format!(
        "{BUSY_ROOMS} spinning rooms with a budget of {CPU_BUDGET} s each were all closed with 1011 after {} to {} ms.",
        Milliseconds(first),
        Milliseconds(last)
    ))
}
