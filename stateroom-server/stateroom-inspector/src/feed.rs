//! What the page is told while it happens, as Server-Sent Events
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).
//!
//! *Invariant:* whoever reads slowly is told later, never more: what is read is the record, from where the reader has got to.
use std::{collections::VecDeque, sync::Arc, time::Duration};

use axum::{
    extract::{Path, Query, State},
    http::HeaderMap,
    response::sse::{Event, KeepAlive, Sse},
};
use futures_util::stream::{self, Stream};
use serde_json::{Value, json};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use super::{Inspector, NoRoom, Sent, json as shown};
use stateroom_record::{Records, RoomRecord};

use crate::status::Build;

/// So often at most, the list of rooms is told.
const INTERVAL: Duration = Duration::from_millis(500);
/// So many entries are read at a time.
const AT_A_TIME: usize = 32;

/// All rooms, and how the build stands.
pub(super) async fn all(State(inspector): State<Inspector>) -> Sse<impl Stream<Item = Sent>> {
    let reloads = inspector.status.as_ref().map(|status| status.reloads());
    let count = reloads.as_ref().map_or(0, |reloads| *reloads.borrow());
    let mut waiting = VecDeque::from([event("session", &json!({ "id": &*inspector.session, "reloads": count }))]);
    let build = inspector.status.as_ref().map(|status| status.build());
    match &build {
        Some(build) => waiting.push_back(event("build", &as_json(&build.borrow()))),
        None => waiting.push_back(event("build", &as_json(&Build::Ready { generation: 1, took: Duration::ZERO }))),
    }
    let rooms = if inspector.shows_rooms { list(&inspector.records) } else { Value::Null };
    if inspector.shows_rooms {
        waiting.push_back(event("rooms", &rooms));
    }
    let state = All {
        waiting,
        changes: inspector.records.changes(),
        reloads,
        stopping: inspector.stopping.clone(),
        told: Instant::now(),
        shows_rooms: inspector.shows_rooms,
        records: inspector.records,
        build,
        rooms,
    };
    Sse::new(stream::unfold(state, All::next)).keep_alive(KeepAlive::default())
}

struct All {
    waiting: VecDeque<Event>,
    records: Arc<Records>,
    changes: watch::Receiver<u64>,
    build: Option<watch::Receiver<Build>>,
    reloads: Option<watch::Receiver<u64>>,
    stopping: watch::Receiver<bool>,
    shows_rooms: bool,
    /// The rooms as they were told, and when.
    rooms: Value,
    told: Instant,
}

impl All {
    async fn next(mut self) -> Option<(Sent, Self)> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some((Ok(event), self));
            }
            tokio::select! {
                _ = self.stopping.wait_for(|stopping| *stopping) => return None,
                () = changed(&mut self.build) => {
                    if let Some(build) = &mut self.build {
                        let text = as_json(&build.borrow_and_update());
                        self.waiting.push_back(event("build", &text));
                    }
                }
                () = changed(&mut self.reloads) => {
                    if let Some(reloads) = &mut self.reloads {
                        reloads.mark_unchanged();
                    }
                    self.waiting.push_back(event("reload", &Value::Null));
                }
                // A room that is begun or left shows even where nothing is written down.
                () = sleep_until(self.told + INTERVAL), if self.shows_rooms => {
                    self.told = Instant::now();
                    self.changes.mark_unchanged();
                    let rooms = list(&self.records);
                    if rooms != self.rooms {
                        self.waiting.push_back(event("rooms", &rooms));
                        self.rooms = rooms;
                    }
                }
            }
        }
    }
}

/// Ready when there is something new; never, where there cannot be.
async fn changed<T>(receiver: &mut Option<watch::Receiver<T>>) {
    if let Some(receiver) = receiver
        && receiver.changed().await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

/// From where on a room is to be read, by whoever cannot say it as browsers do.
#[derive(serde::Deserialize)]
pub(super) struct From {
    after: Option<u64>,
}

/// One room, from its beginning or from where the reader was.
pub(super) async fn room(
    State(inspector): State<Inspector>,
    Path(id): Path<String>,
    Query(From { after }): Query<From>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Sent>>, NoRoom> {
    let last = headers.get("last-event-id").and_then(|seq| seq.to_str().ok()?.parse().ok());
    let after = last.or(after).unwrap_or(0);
    let state = One {
        room: inspector.room(&id)?,
        changes: inspector.records.changes(),
        stopping: inspector.stopping,
        waiting: VecDeque::new(),
        after,
        has_ended: false,
    };
    Ok(Sse::new(stream::unfold(state, One::next)).keep_alive(KeepAlive::default()))
}

struct One {
    room: Arc<RoomRecord>,
    changes: watch::Receiver<u64>,
    stopping: watch::Receiver<bool>,
    waiting: VecDeque<Event>,
    /// The last entry that was read.
    after: u64,
    has_ended: bool,
}

impl One {
    async fn next(mut self) -> Option<(Sent, Self)> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some((Ok(event), self));
            }
            if self.has_ended {
                return None;
            }
            self.changes.mark_unchanged();
            if self.room.is_forgotten() {
                self.has_ended = true;
                self.waiting.push_back(event("end", &Value::Null));
                continue;
            }
            let (entries, first) = self.room.after(self.after, AT_A_TIME);
            if first > self.after.saturating_add(1) {
                self.waiting.push_back(event("gap", &json!({ "before": first })));
            }
            for entry in entries {
                self.after = entry.seq;
                let entry = event("entry", &shown::entry(&entry)).id(entry.seq.to_string());
                self.waiting.push_back(entry);
            }
            self.after = self.after.max(first - 1);
            if self.waiting.is_empty() {
                tokio::select! {
                    _ = self.stopping.wait_for(|stopping| *stopping) => return None,
                    changed = self.changes.changed() => changed.ok()?,
                }
            }
        }
    }
}

fn event(name: &str, data: &Value) -> Event {
    // JSON has no line breaks but escaped ones.
    Event::default().event(name).data(data.to_string())
}

fn as_json(build: &Build) -> Value {
    match build {
        Build::Ready { generation, took } => {
            json!({ "state": "ready", "generation": generation, "seconds": took.as_secs_f64(), "error": null })
        }
        Build::Building { generation } => {
            json!({ "state": "building", "generation": generation, "seconds": null, "error": null })
        }
        Build::Failed { generation, text } => {
            json!({ "state": "failed", "generation": generation, "seconds": null, "error": text })
        }
    }
}

/// All rooms at a glance.
fn list(records: &Records) -> Value {
    records.rooms().iter().map(|room| shown::room(room)).collect()
}
