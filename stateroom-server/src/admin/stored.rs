//! The list of the rooms in the store.
//!
//! *Invariant:* a list has a bounded number of rooms, and no room is opened for it.
use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use stateroom_store::RoomEntry;

use super::BrokenJson;
use crate::rooms::registry::RoomRegistry;

/// A stored room, as JSON.
#[derive(Serialize)]
struct StoredRoomJson {
    id: String,
    /// Whether the room runs, or sleeps with clients in it.
    running: bool,
    /// The size of its snapshot, and of the records after it.
    stored_bytes: u64,
    /// The number of records after the snapshot.
    tail_records: u64,
    /// When its timer fires, in seconds since 1970.
    timer_due: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    broken: Option<BrokenJson>,
}

/// Returns the stored rooms after an ID, in the order of their IDs.
pub(super) async fn list(rooms: &RoomRegistry, after: Option<&str>, most: usize) -> Response {
    let shared = rooms.shared();
    let Some(store) = &shared.settings().store else {
        return (StatusCode::NOT_FOUND, "the server has no store\n").into_response();
    };
    let to_json = |entry: RoomEntry| StoredRoomJson {
        running: rooms.get(&entry.room).is_some(),
        stored_bytes: entry.snapshot_bytes + entry.tail_bytes,
        tail_records: entry.tail_records,
        timer_due: entry.due.map(|due| due.as_secs_f64()),
        broken: shared.broken().get(&entry.room).map(BrokenJson::from),
        id: entry.room,
    };
    match store.list(after, most).await {
        Ok(entries) => Json(entries.into_iter().map(to_json).collect::<Vec<_>>()).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}
