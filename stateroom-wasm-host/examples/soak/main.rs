//! A soak test: a server under hostile load, and well-behaved clients that check for effects of it.
//!
//! ```sh
//! cargo run --release -p stateroom-wasm-host --example soak -- 3600
//! stateroom serve stateroom-wasm-host/examples/soak/guest.wat --total-memory 384MiB
//! cargo run --release -p stateroom-wasm-host --example soak -- 600 127.0.0.1:8080
//! ```
//!
//! The first argument is the duration in seconds, the second the address of a server; without it, one is started. The third names
//! the actions of hostile clients, separated by commas, such as `Fill,Grow`; after a `-`, those to omit.
//!
//! Well-behaved clients number their messages and check those that they receive: none may be lost, duplicated or reordered.
//! Meanwhile hostile clients connect and vanish, flood, never read, send garbage and partial frames, make rooms trap and spin, send
//! HTTP requests, and attack the memory, the processors, the rooms and the log of the process. The module of a server that was started is swapped continuously; at the end all clients have left, no memory may
//! be reserved, and the process may keep no more than its budget. Well-behaved clients of another server send at a fixed rate,
//! and the times until they receive their own messages are reported. Exits with status 1 if anything is wrong.
mod attacks;
mod client;
mod hostile;
mod well_behaved;

use std::{env, net::SocketAddr, process::ExitCode, sync::Arc, time::Duration};

use stateroom_server::{Limits, MemoryBudget, OnSwap, Server, ServerHandle, ShutdownPolicy};
use stateroom_wasm_host::{WasmHostConfig, WasmHostFactory};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use self::{hostile::HostileClients, well_behaved::Tally};

const GUEST: &str = include_str!("guest.wat");
/// The memory of the process, of which the clients here take a part. It is also what the process may keep when it is idle: the
/// allocator returns freed memory only when it is short.
const MEMORY_BYTES: usize = 1 << 30;
/// The interval at which a well-behaved client of another server sends.
const PACE: Duration = Duration::from_millis(50);
/// The interval at which the module is swapped.
const SWAP_INTERVAL: Duration = Duration::from_millis(500);

type Error = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let seconds = env::args().nth(1).map_or(Ok(30.0), |text| text.parse::<f64>());
    let address = env::args().nth(2).map(|text| text.parse::<SocketAddr>()).transpose();
    let (Ok(seconds), Ok(address)) = (seconds.map(|seconds| seconds.max(5.0)), address) else {
        eprintln!("usage: soak [SECONDS [ADDRESS [ACTIONS]]]");
        return ExitCode::from(2);
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("failed to start the Tokio runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    // In the format of `cargo test`, so that scripts that sum up tests count it.
    let time = Duration::from_secs_f64(seconds);
    let outcome = runtime.block_on(async {
        match address {
            Some(address) => attack(address, time).await,
            None => soak(time).await,
        }
    });
    match outcome {
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

/// Attacks a server that runs elsewhere.
async fn attack(address: SocketAddr, time: Duration) -> Result<(), Error> {
    let stop = CancellationToken::new();
    let hostile = HostileClients::start(address, &stop, env::args().nth(3));
    let tally = well_behaved::run(address, time, Some(PACE)).await?;
    stop.cancel();
    let actions = hostile.join().await?;
    println!("hostile actions: {actions}\n{tally}");
    if env::args().nth(3).is_none() {
        actions.check()?;
    }
    tally.check()
}

async fn soak(time: Duration) -> Result<(), Error> {
    let budget = MemoryBudget::new(MEMORY_BYTES);
    let config = WasmHostConfig::default()
        .with_instances(160)
        .with_cpu_budget(Duration::from_millis(100))
        .with_memory_bytes(64 << 20)
        .with_memory_budget(budget.clone());
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
        .with_memory_budget(budget.clone())
        .bind(factories[0].clone())
        .await?;
    let (address, handle) = (server.local_addr(), server.handle());
    let running = tokio::spawn(server.run());

    let mut tally = Tally::default();
    let mut memory = Vec::new();
    for part in [time / 10, time - time / 10] {
        let stop = CancellationToken::new();
        let hostile = HostileClients::start(address, &stop, None);
        let swapping = tokio::spawn(swap(handle.clone(), factories.clone(), stop.clone()));
        tally.add(well_behaved::run(address, part, None).await?);
        stop.cancel();
        let swaps = swapping.await?;
        let actions = hostile.join().await?;
        if !memory.is_empty() {
            actions.check()?;
        }
        memory.push(memory_when_idle(&handle).await?);
        println!(
            "after {part:?}: {} swaps; hostile actions: {actions}; {} MiB when idle",
            swaps,
            memory.last().copied().unwrap_or_default() >> 20
        );
    }
    println!("{tally}");
    handle.shutdown().await;
    running.await??;

    tally.check()?;
    if let Some(memory) = memory.into_iter().find(|memory| *memory > MEMORY_BYTES) {
        return Err(format!("the process keeps {memory} bytes when it is idle").into());
    }
    match budget.reserved() {
        0 => Ok(()),
        reserved => Err(format!("{reserved} bytes are reserved for nobody").into()),
    }
}

/// Restarts rooms with alternating modules. Returns the number of swaps.
async fn swap(handle: ServerHandle, factories: [WasmHostFactory; 2], stop: CancellationToken) -> u64 {
    let mut swaps = 0;
    for factory in factories.iter().cycle() {
        if stop.run_until_cancelled(sleep(SWAP_INTERVAL)).await.is_none() {
            break;
        }
        handle.swap(factory.clone(), OnSwap::Restart);
        swaps += 1;
    }
    swaps
}

/// Waits until all rooms and connections have ended. Returns the memory of the process.
async fn memory_when_idle(handle: &ServerHandle) -> Result<usize, Error> {
    let end = Instant::now() + Duration::from_secs(20);
    while !handle.local_rooms().is_empty() || handle.local_connections() > 0 {
        if Instant::now() > end {
            let (rooms, connections) = (handle.local_rooms().len(), handle.local_connections());
            return Err(format!("{rooms} rooms and {connections} connections did not end").into());
        }
        sleep(Duration::from_millis(50)).await;
    }
    resident_memory()
}

/// Returns the resident memory of the process in bytes, or 0 if it is unknown.
fn resident_memory() -> Result<usize, Error> {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return Ok(0) };
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap_or("0");
    let kibibytes: usize = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes << 10)
}

/// A shared counter.
type Shared<T> = Arc<T>;
