//! The thread that writes: it takes all requests that wait, commits them as one batch, and answers them when that is durable.
//!
//! *Invariant:* a request is answered after its commit is durable and its number is in `STORE`. After a write that failed, nothing
//! is written any more.
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
    time::Duration,
};

use fjall::PersistMode;

use super::{
    Shared,
    answers::Answers,
    engine::{Engine, describe, panic_text},
    layout::Commit,
    marker::Marker,
    queue::Request,
};
use crate::StoreError;

/// How often a full disk is looked at.
const FULL_INTERVAL: Duration = Duration::from_millis(200);

/// How long the task that was woken first may take to wake the others.
const ANSWER_TIME: Duration = Duration::from_millis(1);

/// Writes until the queue ends.
pub(super) fn run(shared: &Arc<Shared>, engine: &Engine, mut marker: Marker, mut number: u64) {
    let (mut answers, mut is_shared) = (Answers::none(), false);
    loop {
        if is_shared {
            // Rooms without another core run now, so that more of them are in the next commit.
            thread::yield_now();
        }
        if !shared.queue.wait(ANSWER_TIME) {
            answers.give();
        }
        let mut requests = shared.queue.take();
        if requests.is_empty() {
            break;
        }
        shared.set_in_commit(requests.len());
        is_shared = requests.len() > 1;
        let write = AssertUnwindSafe(|| {
            wait_for_space(shared, &requests)?;
            commit(shared, engine, &mut marker, &requests, &mut number)
        });
        let result = catch_unwind(write).unwrap_or_else(|panic| Err(StoreError::failed(panic_text(&*panic))));
        if let Err(error) = &result {
            shared.fail(error);
        }
        shared.set_in_commit(0);
        for request in &mut requests {
            if let Some(room) = request.room.take() {
                room.committed(request.is_bulk);
            }
        }
        answers.give();
        answers = Answers::begin(result, requests.into_iter().filter_map(|request| request.done).collect());
    }
    answers.give();
    if shared.is_closing() && shared.failure().is_none() {
        let flush = AssertUnwindSafe(|| engine.flush().map_err(database_error).and_then(|()| marker.sync()));
        let flushed = catch_unwind(flush).unwrap_or_else(|panic| Err(StoreError::failed(panic_text(&*panic))));
        if let Err(error) = flushed {
            shared.fail(&error);
        }
    }
}

fn commit(
    shared: &Shared,
    engine: &Engine,
    marker: &mut Marker,
    requests: &[Request],
    number: &mut u64,
) -> Result<(), StoreError> {
    let mut changes = requests.iter().flat_map(|request| &request.changes).peekable();
    if changes.peek().is_none() {
        return Ok(());
    }
    let next = number.saturating_add(1);
    let commit = Commit { number: next, next_id: shared.peek_id(), database_seq: engine.database.seqno() };
    let own = commit.change();
    let mut batch = engine.database.batch().durability(Some(PersistMode::SyncData));
    // The number comes first: the check of the journal takes the first value of its key.
    for change in std::iter::once(&own).chain(changes) {
        let keyspace = engine.keyspace(change.space);
        match change.value() {
            Some(value) => batch.insert(keyspace, change.key.as_slice(), value),
            None => batch.remove(keyspace, change.key.as_slice()),
        }
    }
    shared.sync_begins();
    let committed = shared
        .config
        .disk
        .before_sync()
        .map_err(StoreError::failed)
        .and_then(|()| batch.commit().map_err(database_error));
    shared.sync_ends();
    committed?;
    *number = next;
    marker.acknowledge(next)
}

fn database_error(error: fjall::Error) -> StoreError {
    StoreError::failed(describe(&error))
}

/// Waits while the disk is full. A store that is closed meanwhile gives up what waits.
fn wait_for_space(shared: &Shared, requests: &[Request]) -> Result<(), StoreError> {
    // The journal has it now, a table later, and compaction copies tables.
    let needed = 3 * requests.iter().map(|request| request.len() as u64).sum::<u64>();
    while !shared.has_space(needed)? {
        if shared.queue.ended().is_some() {
            return Err(StoreError::Full);
        }
        shared.queue.wait_for_end(FULL_INTERVAL);
    }
    Ok(())
}
