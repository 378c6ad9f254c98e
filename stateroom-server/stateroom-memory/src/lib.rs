#![doc = include_str!("../README.md")]
//!
//! *Invariant:* what is reserved is counted exactly; the memory that the process uses is sampled when something is about to be
//! reserved, and never by a timer.
mod machine;
mod reservation;

use std::{
    fmt,
    sync::{
        Arc, LazyLock, Weak,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use metrics::gauge;
use parking_lot::Mutex;

pub use self::reservation::Reservation;

/// Minimum time between two samples of the memory that the process uses, while that is little.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(100);
/// The same while over half of the limit is used.
const SHORT_SAMPLE_INTERVAL: Duration = Duration::from_millis(10);

/// Minimum time between two rounds of giving memory back while more than the limit is reserved.
const RELIEF_INTERVAL: Duration = Duration::from_millis(1);
/// The same near the limit while little is reserved, but the process uses much.
const RESIDENT_RELIEF_INTERVAL: Duration = Duration::from_millis(250);

/// Minimum time between two times that freed memory is returned to the system, during which allocations wait.
const TRIM_INTERVAL: Duration = Duration::from_secs(2);

/// Bytes freed from which they are returned to the system although memory is not short, and how long to wait for more.
const TRIM_BYTES: usize = 16 << 20;
const TRIM_DELAY: Duration = Duration::from_secs(1);

/// Assumed where the system does not tell.
const UNKNOWN_MACHINE_BYTES: usize = 4 << 30;

/// A budget of memory, shared by its clones.
#[derive(Clone)]
pub struct MemoryBudget(Arc<State>);

struct State {
    limit: usize,
    reserved: AtomicUsize,
    /// The memory that the process used when that was last sampled.
    resident: AtomicUsize,
    probe: fn() -> Option<usize>,
    start: Instant,
    /// When the memory of the process was last sampled, when memory was last given back, and when freed memory was last returned to
    /// the system: milliseconds from `start`, plus one; 0 before the first time.
    sampled_at: AtomicU64,
    relieved_at: AtomicU64,
    trimmed_at: AtomicU64,
    /// Bytes freed since memory was last returned to the system.
    freed: AtomicUsize,
    reliefs: Mutex<Vec<Weak<dyn Relief>>>,
}

/// Something that can give memory back.
pub trait Relief: Send + Sync {
    /// Gives back about `excess` bytes. It is called by whoever needs memory, and must not wait.
    fn relieve(&self, excess: usize, shortage: Shortage);
}

/// How short memory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shortage {
    /// Over seven eighths of the limit are used.
    Near,
    /// All of it is used.
    Reached,
}

impl MemoryBudget {
    /// Returns a budget of `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        MemoryBudget::with_probe(limit, machine::resident)
    }

    /// Returns the budget that the process uses unless it is given another: three quarters of the memory of the machine, or of
    /// the control group of the process if that has less.
    #[must_use]
    pub fn shared() -> Self {
        static SHARED: LazyLock<MemoryBudget> = LazyLock::new(|| {
            let memory = machine::total().unwrap_or(UNKNOWN_MACHINE_BYTES);
            MemoryBudget::new(memory / 4 * 3)
        });
        SHARED.clone()
    }

    /// Returns a budget that counts reservations only, not what else the process uses.
    #[doc(hidden)]
    #[must_use]
    pub fn of_reservations(limit: usize) -> Self {
        MemoryBudget::with_probe(limit, || None)
    }

    fn with_probe(limit: usize, probe: fn() -> Option<usize>) -> Self {
        MemoryBudget(Arc::new(State {
            limit,
            reserved: AtomicUsize::new(0),
            resident: AtomicUsize::new(0),
            probe,
            start: Instant::now(),
            sampled_at: AtomicU64::new(0),
            relieved_at: AtomicU64::new(0),
            trimmed_at: AtomicU64::new(0),
            freed: AtomicUsize::new(0),
            reliefs: Mutex::default(),
        }))
    }

    /// Returns the limit, in bytes.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.0.limit
    }

    /// Returns the number of bytes reserved.
    #[must_use]
    pub fn reserved(&self) -> usize {
        self.0.reserved.load(Ordering::Relaxed)
    }

    /// Returns the number of bytes in use: those reserved, or those of the whole process if they are more.
    #[must_use]
    pub fn used(&self) -> usize {
        self.0.reserved.load(Ordering::Relaxed).max(self.0.resident.load(Ordering::Relaxed))
    }

    /// Returns whether over seven eighths of the limit are used: too much to begin anything new.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.shortage().is_some()
    }

    /// Reserves `bytes` if no more than seven eighths of the limit are used then, so that nobody else is short for them. Returns
    /// whether they are reserved. Nothing that [`Relief`] needs may be locked.
    #[must_use]
    pub fn try_reserve(&self, bytes: usize) -> bool {
        self.sample();
        let most = self.0.most_for_new();
        let resident = self.0.resident.load(Ordering::Relaxed);
        let fits = |reserved: usize| reserved.checked_add(bytes).filter(|sum| *sum <= most);
        let reserved = &self.0.reserved;
        resident <= most && reserved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok()
    }

    /// Reserves `bytes` that are in use already, even above the limit. [`settle`](Self::settle) is to be called soon.
    pub fn reserve(&self, bytes: usize) {
        self.0.reserved.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Has memory given back if it is short. Nothing that [`Relief`] needs may be locked.
    pub fn settle(&self) {
        if self.0.reserved.load(Ordering::Relaxed) > self.0.limit {
            self.relieve();
        } else {
            self.sample();
        }
    }

    /// Releases `bytes` that were reserved.
    pub fn release(&self, bytes: usize) {
        let reserved = &self.0.reserved;
        let released = |reserved: usize| Some(reserved.saturating_sub(bytes));
        let before = reserved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, released);
        debug_assert!(before.is_ok_and(|before| before >= bytes), "more is released than was reserved");
    }

    /// Notes that about this many bytes were freed, and will not be used again soon. The process would keep most of them: a second
    /// after there are many, they are returned to the system.
    pub fn freed(&self, bytes: usize) {
        let before = self.0.freed.fetch_add(bytes, Ordering::Relaxed);
        if before < TRIM_BYTES && before.saturating_add(bytes) >= TRIM_BYTES {
            let state = self.0.clone();
            if !machine::trim(TRIM_DELAY, move || state.freed.store(0, Ordering::Relaxed)) {
                self.0.freed.store(0, Ordering::Relaxed);
            }
        }
    }

    /// Adds something that gives memory back when it is short, for as long as it lives.
    pub fn add_relief(&self, relief: Weak<dyn Relief>) {
        let mut reliefs = self.0.reliefs.lock();
        reliefs.retain(|relief| relief.strong_count() > 0);
        reliefs.push(relief);
    }

    /// Records the limit and the use as metrics. That is also done whenever something is reserved, at most every
    /// 10 ms.
    pub fn record(&self) {
        self.0.resident.store((self.0.probe)().unwrap_or_default(), Ordering::Relaxed);
        gauge!("stateroom_memory_limit_bytes").set(self.0.limit as f64);
        gauge!("stateroom_memory_reserved_bytes").set(self.0.reserved.load(Ordering::Relaxed) as f64);
        gauge!("stateroom_memory_used_bytes").set(self.used() as f64);
    }

    fn shortage(&self) -> Option<Shortage> {
        let used = self.used();
        if used >= self.0.limit {
            return Some(Shortage::Reached);
        }
        (used > self.0.most_for_new()).then_some(Shortage::Near)
    }

    /// Samples what the process uses, unless that was done a moment ago, and gives memory back if it is short.
    fn sample(&self) {
        let interval = if self.used() > self.0.limit / 2 { SHORT_SAMPLE_INTERVAL } else { SAMPLE_INTERVAL };
        if self.0.is_due(&self.0.sampled_at, interval) {
            self.record();
            self.relieve();
        }
    }

    fn relieve(&self) {
        let Some(shortage) = self.shortage() else { return };
        let reserved = self.0.reserved.load(Ordering::Relaxed);
        let is_reserved = reserved > self.0.most_for_new();
        let interval = match shortage {
            Shortage::Reached if reserved >= self.0.limit => RELIEF_INTERVAL,
            Shortage::Near if !is_reserved => RESIDENT_RELIEF_INTERVAL,
            _ => SHORT_SAMPLE_INTERVAL,
        };
        if !self.0.is_due(&self.0.relieved_at, interval) {
            return;
        }
        // The process may keep what was released.
        if !is_reserved && self.0.is_due(&self.0.trimmed_at, TRIM_INTERVAL) {
            machine::trim(Duration::ZERO, || ());
        }
        // Not under the lock: what gives memory back releases reservations, and may reserve others.
        let reliefs: Vec<_> = self.0.reliefs.lock().iter().filter_map(Weak::upgrade).collect();
        for relief in reliefs {
            let excess = self.used().saturating_sub(self.0.most_for_new());
            if excess > 0 {
                relief.relieve(excess, shortage);
            }
        }
    }
}

impl State {
    /// Returns how much may be used when something new begins: seven eighths of the limit.
    fn most_for_new(&self) -> usize {
        self.limit / 8 * 7
    }

    /// Returns whether `last` is at least `interval` ago, and sets it to now if so: for one caller.
    fn is_due(&self, last: &AtomicU64, interval: Duration) -> bool {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1);
        let before = last.load(Ordering::Relaxed);
        let is_due = before == 0 || u128::from(now.saturating_sub(before)) >= interval.as_millis();
        is_due && last.compare_exchange(before, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

impl Default for MemoryBudget {
    /// Returns [`MemoryBudget::shared`].
    fn default() -> Self {
        MemoryBudget::shared()
    }
}

impl PartialEq for MemoryBudget {
    /// Returns whether both are clones of one budget.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for MemoryBudget {}

impl fmt::Debug for MemoryBudget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let State { limit, reserved, resident, .. } = &*self.0;
        formatter
            .debug_struct("MemoryBudget")
            .field("limit", limit)
            .field("reserved", reserved)
            .field("resident", resident)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Releases what it holds when memory is short.
    struct Cache(MemoryBudget, Mutex<Vec<Shortage>>);

    impl Relief for Cache {
        fn relieve(&self, excess: usize, shortage: Shortage) {
            self.1.lock().push(shortage);
            self.0.release(excess);
        }
    }

    #[test]
    fn refuses_what_exceeds_the_limit() {
        let budget = MemoryBudget::of_reservations(1000);
        assert!(!budget.try_reserve(876) && !budget.try_reserve(usize::MAX));
        assert!(budget.try_reserve(875) && !budget.is_short());
        assert!(!budget.try_reserve(1));
        assert_eq!(budget.used(), 875);
        budget.reserve(1);
        assert!(budget.is_short());
        budget.release(200);
        assert!(budget.try_reserve(100) && !budget.is_short());
    }

    #[test]
    fn counts_what_the_process_uses_otherwise() {
        let budget = MemoryBudget::with_probe(1000, || Some(875));
        assert!(budget.try_reserve(800) && !budget.try_reserve(100) && !budget.is_short());
        let budget = MemoryBudget::with_probe(1000, || Some(876));
        assert!(!budget.try_reserve(0) && budget.is_short());
    }

    #[test]
    fn has_memory_given_back_when_it_is_short() {
        let budget = MemoryBudget::of_reservations(1000);
        let cache = Arc::new(Cache(budget.clone(), Mutex::default()));
        let relief: Arc<dyn Relief> = cache.clone();
        budget.add_relief(Arc::downgrade(&relief));
        budget.reserve(800);
        budget.settle();
        assert!(cache.1.lock().is_empty());
        budget.reserve(300);
        budget.settle();
        assert_eq!((budget.used(), cache.1.lock().clone()), (875, vec![Shortage::Reached]));
        drop((cache, relief));
        budget.reserve(300);
        budget.settle();
        assert_eq!(budget.used(), 1175);
    }

    #[test]
    fn the_shared_budget_is_a_part_of_the_machine() {
        let limit = MemoryBudget::shared().limit();
        assert!(limit > 64 << 20, "{limit}");
        assert_eq!(MemoryBudget::shared(), MemoryBudget::default());
    }
}
