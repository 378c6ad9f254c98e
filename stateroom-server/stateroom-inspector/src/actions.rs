//! Actions on a room that the page offers.
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Deserialize;
use stateroom::{ClientId, MessagePayload};
use stateroom_server::{RoomEnded, RoomHandle};

use crate::Inspector;

/// The reason why an action was not taken.
#[derive(Debug)]
pub(crate) enum ActionError {
    RoomEnded,
    NotInRoom(ClientId),
    InvalidBase64,
}

impl From<RoomEnded> for ActionError {
    fn from(_: RoomEnded) -> Self {
        ActionError::RoomEnded
    }
}

impl IntoResponse for ActionError {
    fn into_response(self) -> Response {
        match self {
            ActionError::RoomEnded => (StatusCode::NOT_FOUND, "the room has ended\n".to_owned()),
            ActionError::NotInRoom(client) => {
                (StatusCode::CONFLICT, format!("client {} is not in the room\n", client.0))
            }
            ActionError::InvalidBase64 => (StatusCode::BAD_REQUEST, "invalid base64\n".to_owned()),
        }
        .into_response()
    }
}

type ActionResult = Result<StatusCode, ActionError>;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Payload {
    Text(String),
    Binary(String),
}

/// The body of a request to inject a message.
#[derive(Debug, Deserialize)]
pub(crate) struct InjectedMessage {
    client: u32,
    payload: Payload,
}

pub(crate) async fn inject_message(
    State(inspector): State<Inspector>,
    Path(id): Path<String>,
    Json(injected): Json<InjectedMessage>,
) -> ActionResult {
    let client = ClientId(injected.client);
    let message = match injected.payload {
        Payload::Text(text) => MessagePayload::Text(text),
        Payload::Binary(text) => {
            MessagePayload::Bytes(BASE64_STANDARD.decode(text).map_err(|_| ActionError::InvalidBase64)?)
        }
    };
    room_with(&inspector, &id, client).await?.inject_message(client, message).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The body of a request to disconnect a client.
#[derive(Debug, Deserialize)]
pub(crate) struct Disconnection {
    client: u32,
    #[serde(default = "normal_closure")]
    code: u16,
    #[serde(default)]
    reason: String,
}

fn normal_closure() -> u16 {
    1000
}

pub(crate) async fn disconnect(
    State(inspector): State<Inspector>,
    Path(id): Path<String>,
    Json(disconnection): Json<Disconnection>,
) -> ActionResult {
    let client = ClientId(disconnection.client);
    let room = room_with(&inspector, &id, client).await?;
    room.close_client(client, disconnection.code, &disconnection.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn fire_timer(State(inspector): State<Inspector>, Path(id): Path<String>) -> ActionResult {
    room(&inspector, &id).await?.fire_timer().await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn restart(State(inspector): State<Inspector>, Path(id): Path<String>) -> ActionResult {
    room(&inspector, &id).await?.restart();
    Ok(StatusCode::NO_CONTENT)
}

async fn room(inspector: &Inspector, id: &str) -> Result<RoomHandle, ActionError> {
    inspector.server.room(id).await.ok_or(ActionError::RoomEnded)
}

/// Returns the room if the client is in it.
async fn room_with(inspector: &Inspector, id: &str, client: ClientId) -> Result<RoomHandle, ActionError> {
    let room = room(inspector, id).await?;
    let is_present = inspector.recorder.room(id).is_some_and(|record| record.summary().clients.contains(&client));
    if is_present { Ok(room) } else { Err(ActionError::NotInRoom(client)) }
}
