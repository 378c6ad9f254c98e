//! The answers to the requests of a commit.
//!
//! To wake a task of another thread takes a system call, and often a change of threads. So the writer wakes one task, which wakes the
//! others from where it runs.
//!
//! *Invariant:* every request is answered, even if the task that is woken first never runs again.
use std::{mem, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::oneshot::{self, Receiver, Sender};

use crate::{StoreError, StoreFuture};

/// The sender of an answer to the one that waits for it.
pub(super) type Waiting = Sender<Answer>;

/// The answer to a request.
#[derive(Debug)]
pub(super) struct Answer {
    result: Result<(), StoreError>,
    /// The answers to the other requests of the commit, which are given when this one is received.
    others: Option<Arc<Answers>>,
}

impl Answer {
    pub(super) fn new(result: Result<(), StoreError>) -> Answer {
        Answer { result, others: None }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if let Some(others) = self.others.take() {
            others.give();
        }
    }
}

/// Answers that were not given yet.
#[derive(Debug)]
pub(super) struct Answers {
    result: Result<(), StoreError>,
    waiting: Mutex<Vec<Waiting>>,
}

impl Answers {
    pub(super) fn none() -> Arc<Answers> {
        Arc::new(Answers { result: Ok(()), waiting: Mutex::default() })
    }

    /// Answers the first of these requests, which passes the answer on.
    pub(super) fn begin(result: Result<(), StoreError>, mut waiting: Vec<Waiting>) -> Arc<Answers> {
        let first = waiting.pop();
        let answers = Arc::new(Answers { result: result.clone(), waiting: Mutex::new(waiting) });
        if let Some(first) = first {
            let _ = first.send(Answer { result, others: Some(answers.clone()) });
        }
        answers
    }

    /// Gives all that were not given.
    pub(super) fn give(&self) {
        let waiting = mem::take(&mut *self.waiting.lock());
        for one in waiting {
            let _ = one.send(Answer::new(self.result.clone()));
        }
    }
}

/// Returns a place for an answer, and the future of it.
pub(super) fn channel() -> (Waiting, StoreFuture<()>) {
    let (waiting, answer): (_, Receiver<Answer>) = oneshot::channel();
    let result = async {
        let Ok(mut answer) = answer.await else { return Err(StoreError::Closed) };
        mem::replace(&mut answer.result, Ok(()))
    };
    (waiting, Box::pin(result))
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn begin(result: &Result<(), StoreError>) -> (Arc<Answers>, Vec<StoreFuture<()>>, StoreFuture<()>) {
        let (waiting, mut futures): (Vec<_>, Vec<_>) = (0..3).map(|_| channel()).unzip();
        let first = futures.pop().unwrap();
        (Answers::begin(result.clone(), waiting), futures, first)
    }

    fn poll(future: &mut StoreFuture<()>) -> Poll<Result<(), StoreError>> {
        future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn the_one_that_is_woken_answers_the_others() {
        let result = Err(StoreError::Full);
        let (_answers, mut others, mut first) = begin(&result);
        assert!(others.iter_mut().all(|future| poll(future).is_pending()));
        assert_eq!(poll(&mut first), Poll::Ready(result.clone()));
        others.iter_mut().for_each(|future| assert_eq!(poll(future), Poll::Ready(result.clone())));
    }

    #[test]
    fn one_that_goes_away_answers_the_others() {
        let (_answers, mut others, first) = begin(&Ok(()));
        drop(first);
        others.iter_mut().for_each(|future| assert_eq!(poll(future), Poll::Ready(Ok(()))));
    }

    #[test]
    fn the_writer_answers_those_that_the_first_has_not() {
        let (answers, mut others, mut first) = begin(&Ok(()));
        answers.give();
        others.iter_mut().for_each(|future| assert_eq!(poll(future), Poll::Ready(Ok(()))));
        assert_eq!(poll(&mut first), Poll::Ready(Ok(())));
    }
}
