//! The empty rooms that end before their time when there is no place for a new one.
//!
//! *Invariant:* neither a room with clients nor one that the program created is ended. Looking for rooms to end costs a bounded
//! share of time, however many requests find no place.
use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{sync::oneshot, time::Instant};

use super::Maker;
use crate::room::inbox::{Inbox, Vacancy};

/// How many rooms one search finds.
const MAX_FOUND: usize = 64;
/// Time after a search that found nothing, until the next one.
const SEARCH_INTERVAL: Duration = Duration::from_millis(10);

/// The empty rooms that were found, the first to end last.
#[derive(Debug, Default)]
pub(super) struct Evictions {
    found: Vec<(Vacancy, Arc<Inbox>)>,
    /// When nothing was found.
    failed: Option<Instant>,
}

impl Evictions {
    /// Returns whether there may be rooms to end.
    pub(super) fn may_succeed(&self, now: Instant) -> bool {
        self.failed.is_none_or(|failed| now.saturating_duration_since(failed) >= SEARCH_INTERVAL)
    }

    /// Asks an empty room to end. The receiver is ready when it has ended, or continues because a client has joined it.
    pub(super) fn evict<'a>(
        &mut self,
        rooms: impl Iterator<Item = (Maker, &'a Arc<Inbox>)>,
        now: Instant,
    ) -> Option<oneshot::Receiver<()>> {
        if let Some(ended) = self.evict_found() {
            return Some(ended);
        }
        let vacant = rooms.filter(|(maker, _)| *maker != Maker::Program);
        let vacant = vacant.filter_map(|(maker, inbox)| Some((maker, inbox.vacancy()?, inbox))).collect();
        self.found = first(vacant).into_iter().rev().map(|(vacancy, inbox)| (vacancy, inbox.clone())).collect();
        let evicted = self.evict_found();
        self.failed = evicted.is_none().then_some(now);
        evicted
    }

    fn evict_found(&mut self) -> Option<oneshot::Receiver<()>> {
        while let Some((vacancy, inbox)) = self.found.pop() {
            // Clients may have joined, and left, since it was found.
            if inbox.vacancy() == Some(vacancy) {
                return Some(inbox.evict());
            }
        }
        None
    }
}

/// Returns the first empty rooms to end: in turn one of the creator that then has most of them; of these, the ones that were
/// never joined, then those that are empty for longest.
fn first<T>(mut vacant: Vec<(Maker, Vacancy, T)>) -> Vec<(Vacancy, T)> {
    vacant.sort_by_key(|(_, vacancy, _)| (vacancy.was_joined, vacancy.since));
    let mut left: HashMap<Maker, usize> = HashMap::new();
    for (maker, ..) in &vacant {
        *left.entry(*maker).or_default() += 1;
    }
    let mut ranked: Vec<(usize, (Vacancy, T))> = Vec::with_capacity(vacant.len());
    for (maker, vacancy, room) in vacant {
        let left = left.entry(maker).or_default();
        ranked.push((*left, (vacancy, room)));
        *left = left.saturating_sub(1);
    }
    // Stable, so that among equal creators the order above counts.
    ranked.sort_by_key(|(left, _)| std::cmp::Reverse(*left));
    ranked.into_iter().map(|(_, room)| room).take(MAX_FOUND).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_rooms_of_those_that_have_most_then_those_never_joined_then_the_longest_empty() {
        let start = Instant::now();
        let client = |number: u8| Maker::client(Some([192, 0, 2, number].into()));
        let room = |maker, was_joined, second, name| {
            (maker, Vacancy { was_joined, since: start + Duration::from_secs(second) }, name)
        };
        let order = first(vec![
            room(client(1), true, 0, "lonely"),
            room(client(2), true, 2, "b, joined"),
            room(client(2), false, 9, "b, fresh"),
            room(client(3), true, 1, "c, oldest"),
            room(client(3), true, 3, "c, newer"),
            room(client(3), false, 5, "c, fresh"),
        ]);
        let order: Vec<_> = order.into_iter().map(|(_, name)| name).collect();
        assert_eq!(order, ["c, fresh", "b, fresh", "c, oldest", "lonely", "b, joined", "c, newer"]);
    }
}
