//! The record of one room.
use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use stateroom::{messages::Event, testing::Script};

use super::{Entry, Happened, export};

/// How much is kept of a room.
pub(super) const BYTES: usize = 16 << 20;
/// How many entries are.
const ENTRIES: usize = 100_000;
/// A room that begins again does so when its event is over. One of this name that begins later is another one.
const SOON: Duration = Duration::from_secs(30);

/// What has happened in one room, the last of it.
#[derive(Debug)]
pub struct RoomRecord {
    id: Arc<str>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    entries: VecDeque<Arc<Entry>>,
    bytes: usize,
    last_seq: u64,
    seen: Seen,
    /// Of which code the instance is.
    generation: u64,
    /// The generation whose instance is to be told what this one was, and until when it has to begin.
    restore: Option<(u64, Instant)>,
    /// When the room ended, if it has.
    ended: Option<Instant>,
    /// Whether it is no longer kept.
    is_forgotten: bool,
    /// The first entry of what the living instance was told, from its beginning on.
    history_from: u64,
}

/// What an instance was told, from its beginning on.
#[derive(Debug)]
pub(super) struct History {
    from: u64,
    pub(super) entries: Vec<Arc<Entry>>,
    /// Whether nothing of it is gone.
    pub(super) is_whole: bool,
}

/// A room at a glance.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seen {
    /// Who is in it.
    pub clients: BTreeSet<u32>,
    /// How many events it has handled.
    pub events: u64,
    /// How long it has computed for them.
    pub computed: Duration,
    pub memory_bytes: Option<usize>,
    /// When its instance began.
    pub began: Option<Instant>,
    /// Whether it has an instance.
    pub lives: bool,
    /// How often it has failed.
    pub faults: u64,
}

impl RoomRecord {
    pub(super) fn new(id: &str) -> Self {
        RoomRecord { id: id.into(), state: Mutex::default() }
    }

    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// The room at a glance.
    pub fn seen(&self) -> Seen {
        self.lock().seen.clone()
    }

    /// What happened after an entry, and the number of the first that is still there.
    pub fn after(&self, seq: u64, most: usize) -> (Vec<Arc<Entry>>, u64) {
        let state = self.lock();
        let first = state.entries.front().map_or(state.last_seq + 1, |entry| entry.seq);
        let skip = usize::try_from(seq.saturating_add(1).saturating_sub(first)).unwrap_or(usize::MAX);
        (state.entries.iter().skip(skip).take(most).cloned().collect(), first)
    }

    /// Has the instance of this generation be told what this one was, if the room lives.
    pub(super) fn set_restore(&self, generation: u64) {
        let mut state = self.lock();
        state.restore = state.seen.lives.then(|| (generation, Instant::now() + SOON));
    }

    /// What the instance before this one was told, if the one that begins now is to be told the same.
    pub(super) fn take_history(&self, generation: u64) -> Option<History> {
        let mut state = self.lock();
        state.restore.take().filter(|(of, until)| *of == generation && Instant::now() < *until)?;
        let from = state.history_from;
        let first = state.entries.front().map_or(u64::MAX, |entry| entry.seq);
        let entries = state.entries.iter().filter(|entry| entry.seq >= from).cloned().collect();
        Some(History { from, entries, is_whole: first <= from })
    }

    /// What the living instance, or the last one, was told, as a script; and whether nothing of it is gone.
    pub fn script(&self) -> (Script, bool) {
        let state = self.lock();
        let first = state.entries.front().map_or(u64::MAX, |entry| entry.seq);
        let is_whole = first <= state.history_from;
        let history: Vec<_> = state.entries.iter().filter(|entry| entry.seq >= state.history_from).cloned().collect();
        drop(state);
        (export::script(history.iter().map(|entry| &**entry)), is_whole)
    }

    /// An instance was told all of this: it belongs to its own history, and whoever is left in the room is in it.
    pub(super) fn restored(&self, history: &History, clients: impl Iterator<Item = u32>) {
        let mut state = self.lock();
        state.history_from = history.from;
        state.seen.clients = clients.collect();
    }

    /// Writes something down. The result is how many bytes were added, and how many dropped.
    pub(super) fn write(&self, happened: Happened, is_full: bool) -> (usize, usize) {
        let mut state = self.lock();
        if state.is_forgotten {
            return (0, 0);
        }
        state.seen.see(&happened);
        state.last_seq += 1;
        let seq = state.last_seq;
        if let Happened::Begin { generation } = happened {
            state.generation = generation;
            state.history_from = seq;
            state.ended = None;
        }
        let added = happened.size();
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let unix_ms = since_1970.as_secs_f64() * 1000.0;
        let generation = state.generation;
        state.entries.push_back(Arc::new(Entry { seq, unix_ms, generation, happened }));
        state.bytes += added;
        let most = if is_full { state.bytes.saturating_sub(2 * added) } else { BYTES };
        let mut dropped = 0;
        while state.bytes > most || state.entries.len() > ENTRIES {
            let Some(entry) = state.entries.pop_front() else { break };
            let size = entry.happened.size();
            state.bytes -= size;
            dropped += size;
        }
        (added, dropped)
    }

    /// The instance is no more.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.seen.lives = false;
        state.seen.clients.clear();
        state.ended = Some(Instant::now());
    }

    /// When the room ended, if it has.
    pub(super) fn ended(&self) -> Option<Instant> {
        self.lock().ended
    }

    /// Whether it is no longer kept: another one may have taken its place.
    pub fn is_forgotten(&self) -> bool {
        self.lock().is_forgotten
    }

    /// Forgets all; says how much that was.
    pub(super) fn forget(&self) -> usize {
        let mut state = self.lock();
        state.entries.clear();
        state.is_forgotten = true;
        std::mem::take(&mut state.bytes)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn see(&mut self, happened: &Happened) {
        match happened {
            // Whoever is there is told to the new instance.
            Happened::Begin { .. } => {
                self.clients.clear();
                self.began = Some(Instant::now());
                self.lives = true;
            }
            Happened::Event { event, took, memory_bytes, .. } => {
                self.events += 1;
                self.computed += *took;
                self.memory_bytes = memory_bytes.or(self.memory_bytes);
                match event {
                    Event::Connect { client } | Event::ConnectWith { client, .. } => {
                        self.clients.insert(client.0);
                    }
                    Event::Disconnect { client } => {
                        self.clients.remove(&client.0);
                    }
                    _ => {}
                }
            }
            Happened::Fault { .. } => {
                self.faults += 1;
                self.clients.clear();
            }
            Happened::Restore { .. } | Happened::Log { .. } => {}
        }
    }
}
