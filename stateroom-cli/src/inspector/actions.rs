//! What can be done to a room.
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Deserialize;
use stateroom_server::{RoomEnded, RoomHandle};

use super::Inspector;
use stateroom::{ClientId, MessagePayload};

/// Why something was not done.
#[derive(Debug)]
pub(super) enum NotDone {
    RoomEnded,
    NotHere(u32),
    NoBase64,
}

impl From<RoomEnded> for NotDone {
    fn from(_: RoomEnded) -> Self {
        NotDone::RoomEnded
    }
}

impl IntoResponse for NotDone {
    fn into_response(self) -> Response {
        match self {
            NotDone::RoomEnded => (StatusCode::NOT_FOUND, "the room has ended\n".to_owned()),
            NotDone::NotHere(client) => (StatusCode::CONFLICT, format!("client {client} is not in the room\n")),
            NotDone::NoBase64 => (StatusCode::BAD_REQUEST, "the bytes are no base64\n".to_owned()),
        }
        .into_response()
    }
}

type Done = Result<StatusCode, NotDone>;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Payload {
    Text(String),
    Binary(String),
}

/// What a client is to say.
#[derive(Debug, Deserialize)]
pub(super) struct Says {
    client: u32,
    payload: Payload,
}

pub(super) async fn say(State(inspector): State<Inspector>, Path(id): Path<String>, Json(says): Json<Says>) -> Done {
    let message = match says.payload {
        Payload::Text(text) => MessagePayload::Text(text),
        Payload::Binary(text) => MessagePayload::Bytes(BASE64_STANDARD.decode(text).map_err(|_| NotDone::NoBase64)?),
    };
    client(&inspector, &id, says.client)?.inject_message(ClientId(says.client), message).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How a client is to be closed.
#[derive(Debug, Deserialize)]
pub(super) struct Closes {
    client: u32,
    #[serde(default = "normal")]
    code: u16,
    #[serde(default)]
    reason: String,
}

fn normal() -> u16 {
    1000
}

pub(super) async fn disconnect(
    State(inspector): State<Inspector>,
    Path(id): Path<String>,
    Json(closes): Json<Closes>,
) -> Done {
    let room = client(&inspector, &id, closes.client)?;
    room.close_client(ClientId(closes.client), closes.code, &closes.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn timer(State(inspector): State<Inspector>, Path(id): Path<String>) -> Done {
    room(&inspector, &id)?.fire_timer().await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn restart(State(inspector): State<Inspector>, Path(id): Path<String>) -> Done {
    room(&inspector, &id)?.restart();
    Ok(StatusCode::NO_CONTENT)
}

fn room(inspector: &Inspector, id: &str) -> Result<RoomHandle, NotDone> {
    inspector.server.local_room(id).ok_or(NotDone::RoomEnded)
}

/// The room, if the client is in it.
fn client(inspector: &Inspector, id: &str, client: u32) -> Result<RoomHandle, NotDone> {
    let room = room(inspector, id)?;
    let is_there = inspector.records.room(id).is_some_and(|record| record.seen().clients.contains(&client));
    if is_there { Ok(room) } else { Err(NotDone::NotHere(client)) }
}
