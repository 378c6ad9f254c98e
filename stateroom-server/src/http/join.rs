//! `GET /ws` and `GET /ws/{room}`: from an HTTP request to a connection.
//!
//! *Invariant:* what can be known before the switch of protocols is answered by an HTTP status; a client has its place in
//! the room before it is told that it may switch.
use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Path, Query, Request, State},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CONNECTION, SEC_WEBSOCKET_VERSION, UPGRADE},
    },
    response::{IntoResponse, Response},
};
use hyper::upgrade::OnUpgrade;
use serde::Deserialize;
use tokio::time::timeout;
use tungstenite::handshake::server::create_response_with_body;

use super::Refused;
use crate::{connection, outbound::Outbound, rooms::Rooms};

/// The room that is joined where none is named.
const DEFAULT_ROOM: &str = "1";

#[derive(Deserialize)]
pub(super) struct Parameters {
    token: Option<String>,
}

pub(super) async fn default_room(
    State(rooms): State<Arc<Rooms>>,
    Query(parameters): Query<Parameters>,
    request: Request,
) -> Result<Response, Refused> {
    join(rooms, DEFAULT_ROOM.to_owned(), parameters, request).await
}

pub(super) async fn room(
    State(rooms): State<Arc<Rooms>>,
    Path(room_id): Path<String>,
    Query(parameters): Query<Parameters>,
    request: Request,
) -> Result<Response, Refused> {
    join(rooms, room_id, parameters, request).await
}

async fn join(
    rooms: Arc<Rooms>,
    room_id: String,
    parameters: Parameters,
    mut request: Request,
) -> Result<Response, Refused> {
    rooms.may_join(&room_id)?;
    let token = parameters.token.filter(|token| !token.is_empty());
    let most = rooms.settings().limits.token_bytes;
    if token.as_ref().is_some_and(|token| token.len() > most) {
        return Err(Refused::Request(format!("a token has at most {most} bytes")));
    }
    if !wants_upgrade(request.headers()) {
        return Ok(upgrade_required("this is the address of a WebSocket"));
    }
    if request.headers().get(SEC_WEBSOCKET_VERSION).is_some_and(|version| version != "13") {
        return Ok(upgrade_required("WebSocket version 13 is spoken here"));
    }
    let response = create_response_with_body(&request, Body::empty)
        .map_err(|error| Refused::Request(format!("this is no WebSocket handshake: {error}")))?;
    let Some(upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
        return Ok(upgrade_required("this connection cannot become a WebSocket: HTTP/1.1 is needed"));
    };
    // Before the client can know that it has joined, so that it misses nothing from then on.
    let outbound = Arc::new(Outbound::new(&rooms.settings().limits));
    let seat = match rooms.join(&room_id, token, &outbound).await {
        Ok(seat) => Some(seat),
        Err(cause) => {
            outbound.close(cause);
            None
        }
    };
    rooms.clone().spawn(async move {
        // Until then nothing else looks whether the client is alive.
        match timeout(rooms.settings().limits.request_head_time, upgrade).await {
            Ok(Ok(upgraded)) => connection::serve(rooms.settings(), upgraded, &room_id, seat, outbound).await,
            Ok(Err(_)) | Err(_) => tracing::debug!(room = room_id, "a client is gone before it could speak"),
        }
    });
    Ok(response)
}

fn wants_upgrade(headers: &HeaderMap) -> bool {
    headers.get(UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

fn upgrade_required(text: &'static str) -> Response {
    let mut response = (StatusCode::UPGRADE_REQUIRED, format!("{text}\n")).into_response();
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    response
}
