//! The record of one room.
//!
//! *Invariant:* entries are numbered without gaps; only the oldest are missing.
use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::{Mutex, MutexGuard};
use stateroom::ClientId;

use crate::{
    Entry, RecordKind, RecordLimits, RecordedScript, delivery::update_clients, event_time::to_unix_ms, script,
};

/// How soon a room restarts with new code, once its current event is over. A room of the same ID that starts later is
/// another room.
const RESTART_TIMEOUT: Duration = Duration::from_secs(30);

/// The record of one room: its most recent entries, across all the services it has had.
#[derive(Debug)]
pub struct RoomRecord {
    id: Arc<str>,
    limits: RecordLimits,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    entries: VecDeque<Arc<Entry>>,
    bytes: usize,
    last_seq: u64,
    summary: RoomSummary,
    /// Generation of the current service.
    generation: u64,
    /// The generation whose service replays the history, and until when it has to start.
    replay: Option<(u64, Instant)>,
    ended: Option<Instant>,
    is_evicted: bool,
    /// First entry of the history of the current service, or of the last one.
    history_from: u64,
}

/// The entries that a service has handled, or that were replayed into it.
#[derive(Debug)]
pub(crate) struct History {
    from: u64,
    pub(crate) entries: Vec<Arc<Entry>>,
    pub(crate) is_complete: bool,
}

/// Entries of a record, in order.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EntryRange {
    /// The entries.
    pub entries: Vec<Arc<Entry>>,
    /// Number of the oldest entry that the record still has. Entries before it were dropped.
    pub first_kept: u64,
}

/// The state of a room as its record shows it.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct RoomSummary {
    /// The clients in the room.
    pub clients: BTreeSet<ClientId>,
    /// Number of events that were handled.
    pub events: u64,
    /// Time that was spent in them.
    pub event_time: Duration,
    /// Size of the service's memory, where it is known.
    pub memory_bytes: Option<usize>,
    /// When the current service started, or the last one.
    pub started: Option<Instant>,
    /// Whether the room has a service.
    pub is_running: bool,
    /// Number of times that a service of the room failed.
    pub faults: u64,
}

impl RoomRecord {
    pub(crate) fn new(id: &str, limits: RecordLimits) -> Self {
        RoomRecord { id: id.into(), limits, state: Mutex::default() }
    }

    /// Returns the ID of the room.
    #[must_use]
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// Returns the state of the room.
    #[must_use]
    pub fn summary(&self) -> RoomSummary {
        self.lock().summary.clone()
    }

    /// Returns at most `limit` entries after the one numbered `seq`; 0 is before the first.
    #[must_use]
    pub fn entries_after(&self, seq: u64, limit: usize) -> EntryRange {
        let state = self.lock();
        let first_kept = state.entries.front().map_or(state.last_seq + 1, |entry| entry.seq);
        let skip = usize::try_from(seq.saturating_add(1).saturating_sub(first_kept)).unwrap_or(usize::MAX);
        EntryRange { entries: state.entries.iter().skip(skip).take(limit).cloned().collect(), first_kept }
    }

    /// Exports the history of the current service, or of the last one, as a script that a test can run.
    ///
    /// ```
    /// # use stateroom_record::RoomRecord;
    /// fn export(record: &RoomRecord) -> String {
    ///     record.script().script.to_test("as_recorded", "Room::of(Counter::default)")
    /// }
    /// ```
    #[must_use]
    pub fn script(&self) -> RecordedScript {
        let history = self.lock().history();
        RecordedScript {
            script: script::script(history.entries.iter().map(|entry| &**entry)),
            is_complete: history.is_complete,
        }
    }

    /// Returns whether the recorder has evicted the record. A room of the same ID has another one then.
    #[must_use]
    pub fn is_evicted(&self) -> bool {
        self.lock().is_evicted
    }

    /// Has the service of that generation replay the history, if the room is running and restarts soon.
    pub(crate) fn request_replay(&self, generation: u64) {
        let mut state = self.lock();
        state.replay = state.summary.is_running.then(|| (generation, Instant::now() + RESTART_TIMEOUT));
    }

    /// Begins the record of a new service. Returns the history of the service before it, if that is to be replayed.
    pub(crate) fn begin_instance(&self, generation: u64) -> Option<History> {
        let mut state = self.lock();
        state.generation = generation;
        let replay = state.replay.take();
        replay.filter(|(of, until)| *of == generation && Instant::now() < *until).map(|_| state.history())
    }

    /// Makes a replayed history part of the current service's own. The clients in it are in the room.
    pub(crate) fn adopt(&self, history: &History, clients: BTreeSet<ClientId>) {
        let mut state = self.lock();
        state.history_from = history.from;
        state.summary.clients = clients;
    }

    /// Appends an entry. Returns how many bytes were added and dropped.
    pub(crate) fn push(&self, kind: RecordKind, time: Duration, is_full: bool) -> (usize, usize) {
        let mut state = self.lock();
        if state.is_evicted {
            return (0, 0);
        }
        state.summary.apply(&kind);
        state.last_seq += 1;
        if matches!(kind, RecordKind::Start) {
            state.history_from = state.last_seq;
            state.ended = None;
        }
        let added = kind.size();
        let (seq, generation) = (state.last_seq, state.generation);
        let unix_ms = to_unix_ms(time);
        state.entries.push_back(Arc::new(Entry { seq, unix_ms, generation, kind }));
        state.bytes += added;
        let max_bytes = if is_full { state.bytes.saturating_sub(2 * added) } else { self.limits.room_bytes };
        let mut dropped = 0;
        while state.bytes > max_bytes || state.entries.len() > self.limits.room_entries {
            let Some(entry) = state.entries.pop_front() else { break };
            let size = entry.kind.size();
            state.bytes -= size;
            dropped += size;
        }
        (added, dropped)
    }

    /// Marks the current service as dropped.
    pub(crate) fn end_instance(&self) {
        let mut state = self.lock();
        state.summary.is_running = false;
        state.summary.clients.clear();
        state.ended = Some(Instant::now());
    }

    /// Returns when the room ended, if it has.
    pub(crate) fn ended(&self) -> Option<Instant> {
        self.lock().ended
    }

    /// Drops all entries. Returns how many bytes they had.
    pub(crate) fn evict(&self) -> usize {
        let mut state = self.lock();
        state.entries.clear();
        state.is_evicted = true;
        std::mem::take(&mut state.bytes)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

impl State {
    fn history(&self) -> History {
        let from = self.history_from;
        let first_kept = self.entries.front().map_or(u64::MAX, |entry| entry.seq);
        let entries = self.entries.iter().filter(|entry| entry.seq >= from).cloned().collect();
        History { from, entries, is_complete: first_kept <= from }
    }
}

impl RoomSummary {
    fn apply(&mut self, kind: &RecordKind) {
        match kind {
            // The room announces the clients that stayed to its new service.
            RecordKind::Start => {
                self.clients.clear();
                self.started = Some(Instant::now());
                self.is_running = true;
            }
            RecordKind::Event { event, duration, memory_bytes, .. } => {
                self.events += 1;
                self.event_time += *duration;
                self.memory_bytes = memory_bytes.or(self.memory_bytes);
                update_clients(&mut self.clients, event);
            }
            RecordKind::Fault { .. } => {
                self.faults += 1;
                self.clients.clear();
            }
            RecordKind::Restore { .. } | RecordKind::Log { .. } => {}
        }
    }
}
