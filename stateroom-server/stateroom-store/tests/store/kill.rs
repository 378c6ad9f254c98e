//! A process that writes is killed at random times. Whatever it was told is stored has to be there.
use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

use bytes::Bytes;
use stateroom_store::{DiskStore, Store, conformance::Backend};

use crate::backends::OnDisk;

const DIRECTORY: &str = "STATEROOM_STORE_TEST_DIRECTORY";
const ROOMS: u64 = 20;

/// The content of a record: each byte depends on its number, and so does the length.
fn content(seq: u64) -> Bytes {
    vec![seq as u8; (seq % 300) as usize].into()
}

/// The other process, if it is one: appends to its rooms, replaces now and then, and prints what was acknowledged.
#[tokio::test]
async fn child() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let mut config = stateroom_store::DiskStoreConfig::new(directory);
    config.memtable_bytes = 256 << 10;
    let store = std::sync::Arc::new(DiskStore::open(config).unwrap());
    let mut tasks = Vec::new();
    for number in 0..ROOMS {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            let opened = store.open(&format!("room {number}")).await.unwrap();
            let mut log = opened.log;
            for seq in opened.stored.map_or(0, |stored| stored.last_seq()) + 1.. {
                log.append(seq, content(seq), None).await.unwrap();
                writeln!(std::io::stdout(), "\nacknowledged {number} {seq}").unwrap();
                if seq % 64 == number {
                    let len = if number == 0 { 3 << 20 } else { 1000 };
                    log.replace(seq, vec![seq as u8; len].into(), None).await.unwrap();
                }
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn a_killed_process_loses_nothing_that_was_acknowledged() {
    let mut random = fastrand::Rng::with_seed(3);
    let mut backend = OnDisk::new();
    let mut acknowledged: HashMap<u64, u64> = HashMap::new();
    for round in 0..8 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::child", "--nocapture"])
            .env(DIRECTORY, backend.directory())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut remaining = random.usize(1..3000);
        let mut note = |line: String| {
            let mut words = line.strip_prefix("acknowledged ")?.split(' ');
            let (room, seq) = (words.next()?.parse().ok()?, words.next()?.parse::<u64>().ok()?);
            let last = acknowledged.entry(room).or_default();
            *last = seq.max(*last);
            Some(seq)
        };
        while remaining > 0 {
            let line = lines.next().expect("the process ended by itself");
            remaining -= usize::from(note(line).is_some());
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines {
            note(line);
        }

        let store = backend.open();
        for (number, &least) in &acknowledged {
            let stored = store.open(&format!("room {number}")).await.unwrap().stored.unwrap();
            assert!(stored.last_seq() >= least, "round {round}, room {number}: {} of {least}", stored.last_seq());
            assert!(stored.tail.iter().all(|record| record.bytes == content(record.seq)));
            if let Some(snapshot) = stored.snapshot {
                assert!(snapshot.bytes.iter().all(|&byte| byte == snapshot.seq as u8));
            }
        }
        backend.kill(store);
    }
}
