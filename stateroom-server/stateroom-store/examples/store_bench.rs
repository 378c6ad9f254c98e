//! Measures a store on disk: `store_bench DIRECTORY [ROOMS_ON_DISK]`.
//!
//! Rooms flat out with one append under way each; the latency of appends at a fixed rate; and many rooms at rest.
//! The directory has to be empty, or to have such rooms from an earlier run, which are opened again.
use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bytes::Bytes;
use hdrhistogram::Histogram;
use stateroom_store::{DiskStore, DiskStoreConfig, RoomLog, Store, StoreError};

const ROOMS: u64 = 1000;
const TIME: Duration = Duration::from_secs(10);
/// As the design has it: a snapshot after so many records.
const TAIL: u64 = 256;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = PathBuf::from(arguments.next().ok_or("the directory is missing")?);
    let at_rest = arguments.next().map_or(Ok(0), |rooms| rooms.parse())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    if at_rest > 0 {
        return Ok(runtime.block_on(rest(&directory, at_rest))?);
    }
    for bytes in [80, 300] {
        runtime.block_on(appends(&directory.join(format!("flat-{bytes}")), bytes, None))?;
    }
    Ok(runtime.block_on(appends(&directory.join("paced"), 80, Some(20_000)))?)
}

/// Appends in all rooms: flat out, or `rate` a second in all of them together.
async fn appends(directory: &Path, bytes: usize, rate: Option<u64>) -> Result<(), StoreError> {
    let store = Arc::new(DiskStore::open(DiskStoreConfig::new(directory))?);
    let latencies = Arc::new(Mutex::new(histogram()));
    let start = Instant::now();
    let mut tasks = Vec::new();
    for number in 0..ROOMS {
        let (store, latencies) = (store.clone(), latencies.clone());
        tasks.push(tokio::spawn(async move {
            let mut log = store.open(&format!("room {number}")).await?.log;
            let period = rate.map(|rate| Duration::from_micros(1_000_000 * ROOMS / rate));
            let mut interval = period.map(|period| {
                let start = tokio::time::Instant::now() + period.mul_f64(number as f64 / ROOMS as f64);
                tokio::time::interval_at(start, period)
            });
            let mut own = histogram();
            for seq in 1.. {
                // Late appends count from when they were due.
                let begin = match &mut interval {
                    Some(interval) => interval.tick().await.into_std(),
                    None => Instant::now(),
                };
                if start.elapsed() > TIME {
                    break;
                }
                append(&mut *log, seq, bytes).await?;
                let _ = own.record(begin.elapsed().as_micros() as u64);
            }
            if let Ok(mut all) = latencies.lock() {
                let _ = all.add(own);
            }
            Ok::<(), StoreError>(())
        }));
    }
    for task in tasks {
        task.await.map_err(|error| StoreError::Failed(error.to_string().into()))??;
    }
    let seconds = start.elapsed().as_secs_f64();
    if let Ok(latencies) = latencies.lock() {
        let at = |quantile| latencies.value_at_quantile(quantile) as f64 / 1000.0;
        println!(
            "{bytes} bytes, {}: {:.0} appends/s; ms: p50 {:.2} p99 {:.2} p99.9 {:.2} max {:.2}; {} MB on disk",
            rate.map_or("flat out".to_owned(), |rate| format!("{rate}/s")),
            latencies.len() as f64 / seconds,
            at(0.5),
            at(0.99),
            at(0.999),
            at(1.0),
            size(directory) >> 20,
        );
    }
    store.close().await
}

async fn append(log: &mut dyn RoomLog, seq: u64, bytes: usize) -> Result<(), StoreError> {
    log.append(seq, Bytes::from(vec![seq as u8; bytes]), None).await?;
    if seq.is_multiple_of(TAIL) {
        log.replace(seq, Bytes::from(vec![1; 1000]), None).await?;
    }
    Ok(())
}

fn histogram() -> Histogram<u64> {
    Histogram::new(3).unwrap_or_else(|_| unreachable!("three digits are allowed"))
}

/// Creates rooms with a snapshot of 700 bytes each.
async fn create(directory: &Path, rooms: u64) -> Result<(), StoreError> {
    let store = Arc::new(DiskStore::open(DiskStoreConfig::new(directory))?);
    let start = Instant::now();
    let mut tasks = Vec::new();
    for lane in 0..500 {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            let mut random = fastrand::Rng::with_seed(lane);
            for number in (lane..rooms).step_by(500) {
                let mut log = store.open(&format!("a room with a name {number}")).await?.log;
                log.append(1, Bytes::from_iter(std::iter::repeat_with(|| random.u8(..)).take(100)), None).await?;
                let snapshot = Bytes::from_iter(std::iter::repeat_with(|| random.u8(..)).take(700));
                let due = Duration::from_secs(random.u64(1_700_000_000..1_800_000_000));
                log.replace(1, snapshot, Some(due)).await?;
            }
            Ok::<(), StoreError>(())
        }));
    }
    for task in tasks {
        task.await.map_err(|error| StoreError::Failed(error.to_string().into()))??;
    }
    let created = start.elapsed();
    store.close().await?;
    drop(store);
    println!(
        "{rooms} rooms created in {created:.1?}; {} bytes of disk each; {} MB resident",
        size(directory) / rooms,
        resident() >> 20
    );
    Ok(())
}

/// Opens a store with many rooms, and creates them first if there are none.
async fn rest(directory: &Path, rooms: u64) -> Result<(), StoreError> {
    if !directory.join("STORE").exists() {
        create(directory, rooms).await?;
    }
    let start = Instant::now();
    let store = DiskStore::open(DiskStoreConfig::new(directory))?;
    let opened = start.elapsed();
    let start = Instant::now();
    let due = store.due(Duration::MAX, 64).await?.len();
    println!("opened in {opened:.2?}; {due} due found in {:.2?}; {} MB resident", start.elapsed(), resident() >> 20);
    let start = Instant::now();
    let mut random = fastrand::Rng::with_seed(1);
    for _ in 0..1000 {
        let room = format!("a room with a name {}", random.u64(0..rooms));
        if store.open(&room).await?.stored.is_none() {
            println!("{room} is missing");
        }
    }
    println!("a random room opens in {:.2?}; {} MB resident", start.elapsed() / 1000, resident() >> 20);
    let start = Instant::now();
    let listed = store.list(None, 1000).await?.len();
    println!("{listed} rooms listed in {:.2?}", start.elapsed());
    store.close().await
}

/// The blocks that the files in a directory take, in bytes.
fn size(directory: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => size(&entry.path()),
            Ok(metadata) => metadata.blocks() * 512,
            Err(_) => 0,
        })
        .sum()
}

fn resident() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).map_or(0, |pages| pages * 4096)
}
