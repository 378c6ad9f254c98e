//! A thread that drops guests with much memory: giving that back to the system takes milliseconds, for which a worker would
//! keep the other rooms waiting.
//!
//! *Invariant:* a guest is dropped on the thread only while there is room for another one in its place.
use std::{
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, Sender},
    },
    thread,
};

/// Something that takes long to drop.
type Garbage = Box<dyn Send>;

/// The way to the thread; `None` if the system did not start it.
static QUEUE: LazyLock<Option<Sender<Garbage>>> = LazyLock::new(|| {
    let (sender, garbage) = mpsc::channel::<Garbage>();
    let drop_all = move || {
        for garbage in garbage {
            drop(garbage);
            WAITING.fetch_sub(1, Ordering::Relaxed);
        }
    };
    thread::Builder::new().name("stateroom-drop".to_owned()).spawn(drop_all).ok().map(|_| sender)
});
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// Drops a guest, on the thread if no more than `most` are waiting for it.
pub(super) fn dispose(garbage: Garbage, most: usize) {
    let Some(queue) = QUEUE.as_ref() else { return };
    if WAITING.fetch_add(1, Ordering::Relaxed) < most {
        // The thread never ends.
        let _ = queue.send(garbage);
    } else {
        WAITING.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Sends the name of the thread that drops it.
    struct Witness(Sender<Option<String>>);

    impl Drop for Witness {
        fn drop(&mut self) {
            let name = thread::current().name().map(str::to_owned);
            self.0.send(name).unwrap();
        }
    }

    #[test]
    fn drops_on_the_thread_unless_too_many_wait() {
        let (sender, names) = mpsc::channel();
        dispose(Box::new(Witness(sender.clone())), usize::MAX);
        assert_eq!(names.recv_timeout(Duration::from_secs(20)).unwrap().as_deref(), Some("stateroom-drop"));
        dispose(Box::new(Witness(sender)), 0);
        assert_eq!(names.try_recv().unwrap().as_deref(), thread::current().name());
    }
}
