//! The rooms that the registry has, and those that can make place for others.
//!
//! *Invariant:* each room that is added is counted for its maker until it is removed.
use std::{collections::HashMap, sync::Arc};

use tokio::{sync::oneshot, time::Instant};
use uuid::Uuid;

use super::{
    Maker, backoff::Backoff, ended::EndedRooms, eviction::Evictions, makers::RoomMakers, names::ShortNames, rest::Rests,
};
use crate::{
    room::inbox::Inbox,
    settings::{RoomStrategy, Settings},
};

/// A room, and who created it.
pub(super) struct RoomEntry {
    pub(super) inbox: Arc<Inbox>,
    pub(super) maker: Maker,
}

impl RoomEntry {
    /// Returns whether the room may be ended to make place: it is empty, and the program did not create it.
    pub(super) fn is_evictable(&self) -> bool {
        self.maker != Maker::Program && self.inbox.vacancy().is_some()
    }
}

/// The rooms of a registry, and its memory of ended ones.
pub(super) struct RegistryState {
    pub(super) rooms: HashMap<Arc<str>, RoomEntry>,
    pub(super) makers: RoomMakers,
    pub(super) evictions: Evictions,
    rests: Rests,
    pub(super) ended: EndedRooms,
    short_names: Option<ShortNames>,
    pub(super) backoff: Backoff,
    pub(super) stopping: bool,
}

impl RegistryState {
    pub(super) fn new(settings: &Settings) -> Self {
        RegistryState {
            rooms: HashMap::new(),
            makers: RoomMakers::new(&settings.limits),
            evictions: Evictions::default(),
            rests: Rests::default(),
            ended: EndedRooms::default(),
            short_names: match settings.room_strategy {
                RoomStrategy::Short(length) => Some(ShortNames::new(length)),
                _ => None,
            },
            backoff: Backoff::default(),
            stopping: false,
        }
    }

    pub(super) fn live(&self, room_id: &str) -> Option<(&Arc<str>, &Arc<Inbox>)> {
        let entry = self.rooms.get_key_value(room_id).map(|(id, entry)| (id, &entry.inbox));
        entry.filter(|(_, inbox)| !inbox.has_ended())
    }

    /// Adds a room that starts. It may replace one that has ended.
    pub(super) fn add(&mut self, id: Arc<str>, entry: RoomEntry) {
        self.remove(&id);
        self.makers.add(entry.maker, &id, Instant::now());
        self.rooms.insert(id, entry);
    }

    pub(super) fn remove(&mut self, id: &str) {
        if let Some(entry) = self.rooms.remove(id) {
            self.makers.remove(entry.maker, id);
        }
    }

    /// Returns the first of the empty rooms of an address to end: one that was never joined, or else the one that is empty
    /// for longest.
    pub(super) fn first_vacant_of(&self, maker: Maker) -> Option<&Arc<Inbox>> {
        let rooms = self.makers.rooms_of(maker).filter_map(|id| self.rooms.get(id));
        let vacant = rooms.filter_map(|entry| Some((entry.inbox.vacancy()?, &entry.inbox)));
        vacant.min_by_key(|(vacancy, _)| (vacancy.was_joined, vacancy.since)).map(|(_, inbox)| inbox)
    }

    /// Asks an empty room of an address to end.
    pub(super) fn evict_of(&self, maker: Maker) -> Option<oneshot::Receiver<()>> {
        self.first_vacant_of(maker).map(|inbox| inbox.evict())
    }

    /// Asks an empty room to end.
    pub(super) fn evict(&mut self) -> Option<oneshot::Receiver<()>> {
        let rooms = self.rooms.values().map(|entry| (entry.maker, &entry.inbox));
        self.evictions.evict(rooms, Instant::now())
    }

    /// Asks the idlest room to sleep.
    pub(super) fn rest(&mut self) -> Option<oneshot::Receiver<()>> {
        self.rests.rest(self.rooms.values().map(|entry| &entry.inbox), Instant::now())
    }

    /// Returns the ID of a room whose creator does not choose one.
    pub(super) fn generate_name(&mut self) -> Option<Arc<str>> {
        if self.short_names.is_none() {
            return Some(Uuid::new_v4().to_string().into());
        }
        self.next_short_name().map(Into::into)
    }

    /// Returns the next short name that no room has. Of one more name than there are rooms, one is unused.
    fn next_short_name(&mut self) -> Option<String> {
        let names = self.short_names.as_mut()?;
        let tries = names.count().min(self.rooms.len() as u64 + 1);
        (0..tries).map(|_| names.next_name()).find(|name| !self.rooms.contains_key(name.as_str()))
    }
}
