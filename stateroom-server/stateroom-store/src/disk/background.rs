//! The priority of the database's own threads: a thread has that of the one that started it.
//!
//! *Invariant:* only new threads are changed, never that of the caller.
use std::{io, panic::resume_unwind, thread};

/// How much less important it is to write tables than to run rooms, as for `nice`.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// Runs this on a thread of low priority, which is that of all threads it starts.
///
/// # Errors
///
/// If there can be no more threads.
pub(super) fn run<T: Send>(start: impl FnOnce() -> T + Send) -> io::Result<T> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().spawn_scoped(scope, || {
            lower_priority();
            start()
        })?;
        Ok(thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

/// Lowers the priority of this thread. Elsewhere than on Linux, threads have none of their own.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{getpriority_process, setpriority_process};
        // It is not worse than without, if the system refuses it.
        let _ = getpriority_process(None).and_then(|own| setpriority_process(None, own.saturating_add(NICENESS)));
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::getpriority_process;

    use super::*;

    #[test]
    fn threads_that_are_started_have_the_low_priority_and_the_caller_has_not() {
        let own = || getpriority_process(None).unwrap();
        let before = own();
        let started = run(|| thread::spawn(own).join().unwrap()).unwrap();
        assert_eq!((started, own()), ((before + NICENESS).min(19), before));
    }
}
