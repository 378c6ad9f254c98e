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
    /// The size of its snapshot, and of the records after it. `None` if the room is damaged.
    stored_bytes: Option<u64>,
    /// The number of records after the snapshot. `None` if the room is damaged.
    tail_records: Option<u64>,
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
    let to_json = |RoomEntry { room, size }: RoomEntry| {
        let damage = size.as_ref().err().map(|error| rooms.note_damage(&room, error));
        let size = size.ok();
        StoredRoomJson {
            running: rooms.get(&room).is_some(),
            stored_bytes: size.as_ref().map(|size| size.snapshot_bytes + size.tail_bytes),
            tail_records: size.as_ref().map(|size| size.tail_records),
            timer_due: size.and_then(|size| size.due).map(|due| due.as_secs_f64()),
            broken: shared.broken().get(&room).or(damage).map(BrokenJson::from),
            id: room,
        }
    };
    match store.list(after, most).await {
        Ok(entries) => Json(entries.into_iter().map(to_json).collect::<Vec<_>>()).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}
