//! A server that is treated badly for a while, and clients that see whether they notice.
//!
//! ```sh
//! cargo run --release -p stateroom-wasm-host --example soak -- 3600
//! ```
//!
//! The argument is how many seconds it lasts. In rooms of their own, well-behaved clients number what they say and check all
//! that they hear: nothing may be lost, come twice or in another order. Meanwhile others connect and vanish, flood, never
//! read, send rubbish, send frames by halves, make rooms trap and spin, ask over HTTP; and the rooms' module is swapped all the
//! time. In the end all have left, and the memory has to be about what it was after a tenth of the time. Ends with 1 where any
//! of that is not so.
mod crowd;
mod good;

use std::{env, process::ExitCode, sync::Arc, time::Duration};

use stateroom_server::{Limits, OnSwap, Server, ServerHandle, ShutdownPolicy};
use stateroom_wasm_host::{WasmHostConfig, WasmHostFactory};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use self::{crowd::Crowd, good::Tally};

const GUEST: &str = include_str!("guest.wat");
/// How much more memory there may be in the end. What is kept for the next time, and pages that the allocator does not give
/// back, are in it.
const GROWTH: usize = 48 << 20;
/// How often rooms get another module.
const SWAP: Duration = Duration::from_millis(500);

type Error = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let seconds = env::args().nth(1).map_or(Ok(30.0), |text| text.parse::<f64>());
    let Ok(seconds) = seconds.map(|seconds| seconds.max(5.0)) else {
        eprintln!("Say how many seconds: 30, for one.");
        return ExitCode::from(2);
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("no runtime can be made: {error}");
            return ExitCode::FAILURE;
        }
    };
    // As `cargo test` ends, so that whoever sums up tests counts it.
    match runtime.block_on(soak(Duration::from_secs_f64(seconds))) {
        Ok(()) => {
            println!("test result: ok. 1 passed; 0 failed; 0 ignored (soak)");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("{error}\ntest result: FAILED. 0 passed; 1 failed; 0 ignored (soak)");
            ExitCode::FAILURE
        }
    }
}

async fn soak(time: Duration) -> Result<(), Error> {
    let config = WasmHostConfig::default()
        .with_instances(512)
        .with_cpu_budget(Duration::from_millis(100))
        .with_memory_bytes(1 << 20);
    let factories = [GUEST.to_owned(), GUEST.replace("260000", "250000")]
        .map(|guest| WasmHostFactory::from_bytes("soak", guest.as_bytes(), &config));
    let [first, second] = factories;
    let factories = [first?, second?];
    let limits = Limits::default()
        .with_close_time(Duration::from_secs(1))
        .with_request_head_time(Duration::from_secs(2))
        .with_message_time(Duration::from_secs(2))
        .with_messages_per_second(20_000)
        .with_connections(2000);
    let server = Server::new()
        .with_ip("127.0.0.1".to_owned())
        .with_port(0)
        .with_shutdown_policy(ShutdownPolicy::After(Duration::from_millis(200)))
        .with_limits(limits)
        .bind(factories[0].clone())
        .await?;
    let (address, handle) = (server.local_addr(), server.handle());
    let running = tokio::spawn(server.run());

    let mut tally = Tally::default();
    let mut memory = Vec::new();
    for part in [time / 10, time - time / 10] {
        let stop = CancellationToken::new();
        let crowd = Crowd::gather(address, &stop);
        let swapping = tokio::spawn(swap(handle.clone(), factories.clone(), stop.clone()));
        tally.add(good::talk(address, part).await?);
        stop.cancel();
        let swaps = swapping.await?;
        let deeds = crowd.disperse().await?;
        memory.push(quiet(&handle).await?);
        println!(
            "after {part:?}: {} swaps; deeds: {deeds}; {} MiB, of which the rest of the crowd is gone",
            swaps,
            memory.last().copied().unwrap_or_default() >> 20
        );
    }
    println!("{tally}");
    handle.shutdown().await;
    running.await??;

    tally.check()?;
    match memory[..] {
        [before, after] if after > before + GROWTH => {
            Err(format!("the memory has grown from {before} to {after} bytes").into())
        }
        _ => Ok(()),
    }
}

/// Has rooms begin again with one module and then with the other. Gives how often.
async fn swap(handle: ServerHandle, factories: [WasmHostFactory; 2], stop: CancellationToken) -> u64 {
    let mut swaps = 0;
    for factory in factories.iter().cycle() {
        if stop.run_until_cancelled(sleep(SWAP)).await.is_none() {
            break;
        }
        handle.swap(factory.clone(), OnSwap::Restart);
        swaps += 1;
    }
    swaps
}

/// Waits until nobody is there any more. Gives how much memory the process has then.
async fn quiet(handle: &ServerHandle) -> Result<usize, Error> {
    let end = Instant::now() + Duration::from_secs(20);
    while !handle.local_rooms().is_empty() || handle.local_connections() > 0 {
        if Instant::now() > end {
            let (rooms, connections) = (handle.local_rooms().len(), handle.local_connections());
            return Err(format!("{rooms} rooms and {connections} connections do not end").into());
        }
        sleep(Duration::from_millis(50)).await;
    }
    resident()
}

/// How much memory the process has, in bytes; 0 where that is not known.
fn resident() -> Result<usize, Error> {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return Ok(0) };
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
    let kibibytes: usize = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes << 10)
}

/// What a count is shared by.
type Shared<T> = Arc<T>;
