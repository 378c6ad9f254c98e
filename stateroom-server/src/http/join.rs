//! `GET /ws` and `GET /ws/{room}`: from an HTTP request to a connection.
//!
//! *Invariant:* what can be known before the switch of protocols is answered by an HTTP status; a client has its place in
//! the room before it is told that it may switch.
use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Path, Request, State},
    http::{
        HeaderValue, StatusCode,
        header::{CONNECTION, SEC_WEBSOCKET_VERSION, UPGRADE},
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use hyper::upgrade::OnUpgrade;
use tokio::time::timeout;
use tracing::Instrument;

use super::{
    HttpRefusal,
    admit::{Admitted, admit},
};
use crate::{
    admission::Access,
    connection, limits,
    outbound::Outbound,
    permits::{ConnectionPermits, PermitRefusal},
    rooms::Rooms,
    websocket::{
        compression::Compression,
        handshake::{Handshake, HandshakeRefusal},
    },
};

/// The room that is joined where none is named.
const DEFAULT_ROOM: &str = "1";

pub(super) async fn default_room(State(rooms): State<Arc<Rooms>>, request: Request) -> Result<Response, HttpRefusal> {
    join(rooms, DEFAULT_ROOM.to_owned(), request).await
}

pub(super) async fn room(
    State(rooms): State<Arc<Rooms>>,
    Path(room_id): Path<String>,
    request: Request,
) -> Result<Response, HttpRefusal> {
    join(rooms, room_id, request).await
}

async fn join(rooms: Arc<Rooms>, room_id: String, request: Request) -> Result<Response, HttpRefusal> {
    let settings = rooms.settings();
    let (mut request, _) = request.into_parts();
    let admitted = admit(&rooms, Access::Join, Some(&room_id), &request).await?;
    let Admitted { details, token, peer, subprotocol, .. } = admitted;
    let places = places(&rooms, &request, peer)?;
    rooms.may_join(&room_id, token.is_some())?;
    let most = settings.limits.token_bytes;
    if token.as_ref().is_some_and(|token| token.len() > most) {
        limits::exceeded("token_bytes");
        return Err(HttpRefusal::Request(format!("a token has at most {most} bytes")));
    }
    let handshake = match Handshake::read(&request, settings.compression) {
        Ok(handshake) => handshake,
        Err(refusal) => return Ok(refusal.into_response()),
    };
    let Some(upgrade) = request.extensions.remove::<OnUpgrade>() else {
        let text = "this connection cannot become a WebSocket: HTTP/1.1 is needed";
        return Ok(HandshakeRefusal::UpgradeRequired(text).into_response());
    };
    let response = handshake.response(subprotocol.as_deref());
    let compression = handshake.compression;
    // Before the client can know that it has joined, so that it misses nothing from then on.
    let encoding = compression.as_ref().map(Compression::encoding).unwrap_or_default();
    let outbound = Arc::new(Outbound::new(&settings.limits, encoding, rooms.metrics().clone()));
    let seat = match rooms.join(&room_id, token, details, &outbound).await {
        Ok(seat) => Some(seat),
        Err(cause) => {
            outbound.close(cause);
            None
        }
    };
    let spawner = rooms.clone();
    let span = tracing::debug_span!("connection", room = room_id, ?peer);
    let connection = async move {
        let _places = places;
        // Until then nothing else looks whether the client is alive.
        match timeout(rooms.settings().limits.request_head_time, upgrade).await {
            Ok(Ok(upgraded)) => {
                connection::serve(&rooms, upgraded, &room_id, seat, outbound, compression).await;
            }
            Ok(Err(_)) | Err(_) => tracing::debug!(room = room_id, "a client is gone before it could speak"),
        }
    };
    spawner.spawn(connection.instrument(span));
    Ok(response)
}

/// The places of a connection: those that it has from the accepting of its socket, and what of them it has not.
fn places(rooms: &Rooms, request: &Parts, peer: Option<IpAddr>) -> Result<Arc<ConnectionPermits>, PermitRefusal> {
    let connections = rooms.connections();
    let mut places = match request.extensions.get::<Arc<ConnectionPermits>>() {
        Some(places) if places.is_of_address() || peer.is_none() => return Ok(places.clone()),
        Some(places) => ConnectionPermits::behind_proxy(places.clone()),
        None => ConnectionPermits::of(connections.take()?),
    };
    if let Some(peer) = peer {
        places.add(connections.take_of(peer)?);
    }
    Ok(Arc::new(places))
}

impl IntoResponse for HandshakeRefusal {
    fn into_response(self) -> Response {
        let text = match self {
            HandshakeRefusal::UpgradeRequired(text) => text,
            HandshakeRefusal::Bad(what) => {
                return HttpRefusal::Request(format!("this is no WebSocket handshake: {what}")).into_response();
            }
        };
        let mut response = (StatusCode::UPGRADE_REQUIRED, format!("{text}\n")).into_response();
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        response
    }
}
