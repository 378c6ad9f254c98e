//! The checks that each implementation of [`Store`](crate::Store) passes.
//!
//! ```ignore
//! stateroom_store::conformance_tests!(MyBackend::new());
//! ```
//!
//! *Invariant:* the checks use nothing but the traits and [`Backend`].
#![expect(clippy::indexing_slicing, reason = "a check fails by an error or a panic")]

mod rooms;
mod stores;

use std::sync::Arc;

use bytes::Bytes;

pub use self::{rooms::*, stores::*};
use crate::{RoomLog, Store, StoreError, Stored};

/// The place where the stores of one check are kept.
pub trait Backend {
    /// Opens the store, or opens it again.
    fn open(&mut self) -> Arc<dyn Store>;

    /// Ends the store without closing it.
    fn kill(&mut self, store: Arc<dyn Store>);

    /// Damages what is stored of a room in the open store, so that the room cannot be opened.
    fn damage(&mut self, store: &Arc<dyn Store>, room: &str);
}

/// The outcome of a check.
pub type Outcome = Result<(), StoreError>;

/// Defines one test for each check. The argument makes the backend of a test.
#[macro_export]
macro_rules! conformance_tests {
    ($backend:expr) => {
        $crate::conformance_tests!(
            $backend;
            nothing_is_stored_of_a_new_room, records_come_back_in_order, a_gap_or_repetition_is_fenced,
            the_second_of_two_logs_is_fenced, replace_is_atomic, replace_keeps_later_records,
            replace_is_fenced, delete_leaves_nothing, discard_leaves_nothing, list_returns_pages, a_damaged_room_hides_no_other, due_rooms_come_in_order,
            due_is_never_late, acknowledged_records_survive_a_kill, dropped_requests_keep_their_order,
            names_may_be_anything, records_may_be_empty, large_snapshots_come_back, the_longest_record_comes_back, many_rooms_write_at_once,
            modules_come_back, nothing_is_accepted_after_close, the_key_stays,
        );
    };
    ($backend:expr; $($check:ident),* $(,)?) => {
        $(
            #[tokio::test]
            async fn $check() -> $crate::conformance::Outcome {
                $crate::conformance::$check(&mut $backend).await
            }
        )*
    };
}

async fn appended(store: &Arc<dyn Store>, room: &str, records: u64) -> Result<Box<dyn RoomLog>, StoreError> {
    let mut log = store.open(room).await?.log;
    for seq in 1..=records {
        log.append(seq, record(room, seq), None).await?;
    }
    Ok(log)
}

fn record(room: &str, seq: u64) -> Bytes {
    format!("record {seq} of {room}").into()
}

async fn read(store: &Arc<dyn Store>, room: &str) -> Result<Stored, StoreError> {
    Ok(store.open(room).await?.stored.unwrap_or_default())
}

fn seqs(stored: &Stored) -> Vec<u64> {
    stored.tail.iter().map(|record| record.seq).collect()
}

fn fenced(expected: u64, found: u64) -> Outcome {
    Err(StoreError::Fenced { expected, found })
}
