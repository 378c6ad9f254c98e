//! The durable rooms that sleep before their time, because another room wants the place of their service.
//!
//! *Invariant:* a room in which something happens is not put to sleep. Looking for rooms costs a bounded share of time, however many
//! others want a place.
use std::{sync::Arc, time::Duration};

use tokio::{sync::oneshot, time::Instant};

use crate::room::inbox::Inbox;

/// How many rooms one search finds.
const MAX_FOUND: usize = 64;
/// Time after a search that found nothing, until the next one.
const SEARCH_INTERVAL: Duration = Duration::from_millis(10);

/// The idle rooms that were found, the idlest last.
#[derive(Debug, Default)]
pub(super) struct Rests {
    found: Vec<(Instant, Arc<Inbox>)>,
    /// When nothing was found.
    failed: Option<Instant>,
}

impl Rests {
    /// Asks the idlest room to sleep. The receiver is ready when it sleeps, or continues because something has happened.
    pub(super) fn rest<'a>(
        &mut self,
        rooms: impl Iterator<Item = &'a Arc<Inbox>>,
        now: Instant,
    ) -> Option<oneshot::Receiver<()>> {
        if let Some(rests) = self.rest_found() {
            return Some(rests);
        }
        if self.failed.is_some_and(|failed| now.saturating_duration_since(failed) < SEARCH_INTERVAL) {
            return None;
        }
        self.found = idlest(rooms, MAX_FOUND);
        let rests = self.rest_found();
        self.failed = rests.is_none().then_some(now);
        rests
    }

    fn rest_found(&mut self) -> Option<oneshot::Receiver<()>> {
        while let Some((since, inbox)) = self.found.pop() {
            // Something may have happened since it was found.
            if inbox.idle() == Some(since)
                && let Some(rests) = inbox.rest()
            {
                return Some(rests);
            }
        }
        None
    }
}

/// Returns the idlest of these rooms, the idlest last.
fn idlest<'a>(rooms: impl Iterator<Item = &'a Arc<Inbox>>, most: usize) -> Vec<(Instant, Arc<Inbox>)> {
    let mut idle: Vec<_> = rooms.filter_map(|inbox| Some((inbox.idle()?, inbox))).collect();
    if idle.len() > most {
        idle.select_nth_unstable_by_key(most, |(since, _)| *since);
        idle.truncate(most);
    }
    idle.sort_unstable_by_key(|(since, _)| std::cmp::Reverse(*since));
    idle.into_iter().map(|(since, inbox)| (since, inbox.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Limits;

    #[tokio::test(start_paused = true)]
    async fn the_idlest_rooms_sleep_first_and_others_never() {
        let start = Instant::now();
        let room = |idle: Option<u64>| {
            let inbox = Arc::new(Inbox::new(&Limits::default()));
            idle.into_iter().for_each(|second| inbox.idle_since(start + Duration::from_secs(second)));
            inbox
        };
        let [busy, first, second, third] = [None, Some(1), Some(2), Some(3)].map(room);
        let all = [&third, &busy, &first, &second];
        let mut rests = Rests::default();
        let asked: Vec<_> = (0..2).map(|_| rests.rest(all.into_iter(), start).unwrap()).collect();
        assert_eq!(
            all.map(|inbox| inbox.idle().is_some()),
            [true, false, false, false],
            "those with a command are not idle"
        );
        third.idle_since(start + Duration::from_secs(9));
        assert!(rests.rest(all.into_iter(), start).is_some(), "it is found again");
        assert!(rests.rest(all.into_iter(), start).is_none());
        third.take(&mut Vec::new());
        third.idle_since(start);
        assert!(rests.rest(all.into_iter(), start).is_none(), "not looked for at once");
        assert!(rests.rest(all.into_iter(), start + SEARCH_INTERVAL).is_some());
        drop(asked);
    }
}
