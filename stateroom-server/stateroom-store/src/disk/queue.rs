//! The requests that wait for the writer.
//!
//! *Invariant:* the requests of one room are committed in the order in which they were made.
use std::{collections::VecDeque, mem, sync::Arc, time::Duration};

use parking_lot::{Condvar, Mutex};

use super::{
    answers::{self, Answer, Waiting},
    layout::Change,
    room::RoomState,
};
use crate::{StoreError, StoreFuture};

/// The size of a request from which it is `Bulk`.
pub(super) const BULK_BYTES: usize = 256 << 10;
/// The number of bytes after which a commit takes no more requests. Of bulk it takes one request, so that small records wait
/// little for large snapshots.
const COMMIT_BYTES: usize = 8 << 20;

/// Changes to be committed together.
#[derive(Debug, Default)]
pub(super) struct Request {
    pub(super) changes: Vec<Change>,
    /// The room whose changes they are.
    pub(super) room: Option<Arc<RoomState>>,
    /// Whether the request waits for its turn among the large ones.
    pub(super) is_bulk: bool,
    pub(super) done: Option<Waiting>,
}

impl Request {
    pub(super) fn len(&self) -> usize {
        self.changes.iter().map(Change::len).sum()
    }
}

#[derive(Debug, Default)]
struct Requests {
    small: VecDeque<Request>,
    bulk: VecDeque<Request>,
    /// The reason why nothing is accepted any more.
    ended: Option<StoreError>,
}

/// The requests that wait for the writer.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Requests>,
    changed: Condvar,
}

impl Queue {
    pub(super) fn push(&self, mut request: Request) -> StoreFuture<()> {
        let (done, result) = answers::channel();
        request.done = Some(done);
        if let Err(error) = self.push_silent(request) {
            return Box::pin(async { Err(error) });
        }
        result
    }

    /// Adds a request whose outcome nobody waits for.
    pub(super) fn push_silent(&self, request: Request) -> Result<(), StoreError> {
        let mut waiting = self.waiting.lock();
        if let Some(error) = &waiting.ended {
            return Err(error.clone());
        }
        if request.is_bulk {
            waiting.bulk.push_back(request)
        } else {
            waiting.small.push_back(request)
        }
        drop(waiting);
        self.changed.notify_one();
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        let waiting = self.waiting.lock();
        waiting.small.len() + waiting.bulk.len()
    }

    /// Returns the error with which requests are refused, if any.
    pub(super) fn ended(&self) -> Option<StoreError> {
        self.waiting.lock().ended.clone()
    }

    /// Waits until there are requests or the queue has ended, for this time at most. Returns whether it is so.
    pub(super) fn wait(&self, time: Duration) -> bool {
        let mut waiting = self.waiting.lock();
        let is_idle =
            |waiting: &mut Requests| waiting.small.is_empty() && waiting.bulk.is_empty() && waiting.ended.is_none();
        !self.changed.wait_while_for(&mut waiting, is_idle, time).timed_out()
    }

    /// Waits for requests and takes those of the next commit. Returns none when the queue has ended and is empty.
    pub(super) fn take(&self) -> Vec<Request> {
        let mut waiting = self.waiting.lock();
        while waiting.small.is_empty() && waiting.bulk.is_empty() && waiting.ended.is_none() {
            self.changed.wait(&mut waiting);
        }
        let mut taken = Vec::with_capacity(waiting.small.len() + 1);
        let mut bytes = 0;
        while bytes < COMMIT_BYTES
            && let Some(request) = waiting.small.pop_front()
        {
            bytes += request.len();
            taken.push(request);
        }
        taken.extend(waiting.bulk.pop_front());
        taken
    }

    /// Accepts no more requests. Those that wait are completed.
    pub(super) fn end(&self, error: StoreError) {
        self.waiting.lock().ended.get_or_insert(error);
        self.changed.notify_one();
    }

    /// Accepts no more requests, and answers those that wait with `error`.
    pub(super) fn fail(&self, error: &StoreError) {
        let mut waiting = self.waiting.lock();
        waiting.ended.get_or_insert_with(|| error.clone());
        let small = mem::take(&mut waiting.small);
        let bulk = mem::take(&mut waiting.bulk);
        drop(waiting);
        self.changed.notify_one();
        for done in small.into_iter().chain(bulk).filter_map(|request| request.done) {
            let _ = done.send(Answer::new(Err(error.clone())));
        }
    }

    /// Waits until the queue ends or `time` has passed.
    pub(super) fn wait_for_end(&self, time: Duration) {
        let mut waiting = self.waiting.lock();
        if waiting.ended.is_none() {
            self.changed.wait_for(&mut waiting, time);
        }
    }
}
