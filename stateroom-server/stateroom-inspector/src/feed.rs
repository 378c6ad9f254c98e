//! Feeds of what happens, as Server-Sent Events
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).
//!
//! *Invariant:* a feed buffers nothing. It reads the record from where the reader is, so a slow reader falls behind
//! and costs no memory.
use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::{Path, Query, State},
    http::HeaderMap,
    response::sse::{Event, KeepAlive, Sse},
};
use futures_util::{
    future::{BoxFuture, FutureExt},
    stream::{self, Stream},
};
use serde_json::{Value, json};
use stateroom_record::{Recorder, RoomRecord};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use crate::{Build, Inspector, NoRecord, json as encode};

/// How often the list of rooms is compared and sent if it has changed.
const ROOMS_INTERVAL: Duration = Duration::from_millis(500);
/// Number of entries that are read from a record at a time.
const ENTRIES_PER_READ: usize = 32;

/// An event of a feed, which never fails.
type FeedItem = Result<Event, Infallible>;

/// The feed of the server: its session, the build, and the list of rooms.
pub(crate) async fn server_feed(State(inspector): State<Inspector>) -> Sse<impl Stream<Item = FeedItem>> {
    let status = inspector.build_status.as_deref();
    let (build, reloads) =
        (status.map(|status| status.subscribe_build()), status.map(|status| status.subscribe_reloads()));
    let reload_count = reloads.as_ref().map_or(0, |reloads| *reloads.borrow());
    let build_now = match &build {
        Some(build) => build_json(&build.borrow()),
        None => build_json(&Build::Ready { generation: 1, duration: Duration::ZERO }),
    };
    let mut pending = VecDeque::from([
        event("session", &json!({ "id": &*inspector.session, "reloads": reload_count })),
        event("build", &build_now),
    ]);
    let rooms = if inspector.shows_rooms { rooms_json(&inspector.recorder) } else { Value::Null };
    if inspector.shows_rooms {
        pending.push_back(event("rooms", &rooms));
    }
    let state = ServerFeed {
        pending,
        reloads,
        stopping: inspector.server.stopping().boxed(),
        rooms_sent: Instant::now(),
        shows_rooms: inspector.shows_rooms,
        recorder: inspector.recorder,
        build,
        rooms,
    };
    Sse::new(stream::unfold(state, ServerFeed::next)).keep_alive(KeepAlive::default())
}

struct ServerFeed {
    pending: VecDeque<Event>,
    recorder: Recorder,
    build: Option<watch::Receiver<Build>>,
    reloads: Option<watch::Receiver<u64>>,
    stopping: BoxFuture<'static, ()>,
    shows_rooms: bool,
    /// The list of rooms that was sent last.
    rooms: Value,
    rooms_sent: Instant,
}

impl ServerFeed {
    async fn next(mut self) -> Option<(FeedItem, Self)> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                return Some((Ok(event), self));
            }
            tokio::select! {
                () = &mut self.stopping => return None,
                () = changed(&mut self.build) => {
                    if let Some(build) = &mut self.build {
                        let build = build_json(&build.borrow_and_update());
                        self.pending.push_back(event("build", &build));
                    }
                }
                () = changed(&mut self.reloads) => {
                    if let Some(reloads) = &mut self.reloads {
                        reloads.mark_unchanged();
                    }
                    self.pending.push_back(event("reload", &Value::Null));
                }
                // Compared and not awaited: a room that starts or ends may record nothing.
                () = sleep_until(self.rooms_sent + ROOMS_INTERVAL), if self.shows_rooms => {
                    self.rooms_sent = Instant::now();
                    let rooms = rooms_json(&self.recorder);
                    if rooms != self.rooms {
                        self.pending.push_back(event("rooms", &rooms));
                        self.rooms = rooms;
                    }
                }
            }
        }
    }
}

/// Completes when the value has changed; never if there is none.
async fn changed<T>(receiver: &mut Option<watch::Receiver<T>>) {
    if let Some(receiver) = receiver
        && receiver.changed().await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

/// Start of a feed, for readers that do not send `Last-Event-ID` as browsers do.
#[derive(serde::Deserialize)]
pub(crate) struct FeedStart {
    after: Option<u64>,
}

/// The feed of a room: its entries, from the first or after the last one that the reader has.
pub(crate) async fn room_feed(
    State(inspector): State<Inspector>,
    Path(id): Path<String>,
    Query(FeedStart { after }): Query<FeedStart>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = FeedItem>>, NoRecord> {
    let last_event_id = headers.get("last-event-id").and_then(|seq| seq.to_str().ok()?.parse().ok());
    let state = RoomFeed {
        room: inspector.room(&id)?,
        changes: inspector.recorder.subscribe(),
        stopping: inspector.server.stopping().boxed(),
        pending: VecDeque::new(),
        last_read: last_event_id.or(after).unwrap_or(0),
        has_ended: false,
    };
    Ok(Sse::new(stream::unfold(state, RoomFeed::next)).keep_alive(KeepAlive::default()))
}

struct RoomFeed {
    room: Arc<RoomRecord>,
    changes: watch::Receiver<u64>,
    stopping: BoxFuture<'static, ()>,
    pending: VecDeque<Event>,
    /// Number of the last entry that was read.
    last_read: u64,
    has_ended: bool,
}

impl RoomFeed {
    async fn next(mut self) -> Option<(FeedItem, Self)> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                return Some((Ok(event), self));
            }
            if self.has_ended {
                return None;
            }
            self.changes.mark_unchanged();
            if self.room.is_evicted() {
                self.has_ended = true;
                self.pending.push_back(event("end", &Value::Null));
                continue;
            }
            let range = self.room.entries_after(self.last_read, ENTRIES_PER_READ);
            if range.first_kept > self.last_read.saturating_add(1) {
                self.pending.push_back(event("gap", &json!({ "before": range.first_kept })));
            }
            for entry in range.entries {
                self.last_read = entry.seq;
                self.pending.push_back(event("entry", &encode::entry(&entry)).id(entry.seq.to_string()));
            }
            self.last_read = self.last_read.max(range.first_kept - 1);
            if self.pending.is_empty() {
                tokio::select! {
                    () = &mut self.stopping => return None,
                    changed = self.changes.changed() => changed.ok()?,
                }
            }
        }
    }
}

fn event(name: &str, data: &Value) -> Event {
    // `data` panics on line breaks; JSON escapes them.
    Event::default().event(name).data(data.to_string())
}

fn build_json(build: &Build) -> Value {
    match build {
        Build::Ready { generation, duration } => {
            json!({ "state": "ready", "generation": generation, "seconds": duration.as_secs_f64(), "error": null })
        }
        Build::Building { generation } => {
            json!({ "state": "building", "generation": generation, "seconds": null, "error": null })
        }
        Build::Failed { generation, text } => {
            json!({ "state": "failed", "generation": generation, "seconds": null, "error": text })
        }
    }
}

fn rooms_json(recorder: &Recorder) -> Value {
    recorder.rooms().iter().map(|room| encode::room(room)).collect()
}
