//! `GET /ws` and `GET /ws/{*room}`: from an HTTP request to a WebSocket connection.
//!
//! *Invariant:* every refusal before the 101 is an HTTP status; a client has joined the room before it receives the 101, or is
//! closed at once.
use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::request::Parts,
    response::Response,
};
use hyper::upgrade::OnUpgrade;
use stateroom::room::CloseReason;
use tokio::time::timeout;
use tracing::Instrument;

use super::{
    HttpRefusal,
    admit::{Admitted, admit},
    room_path::SocketPath,
};
use crate::{
    admission::Access,
    connection::Connection,
    outbound::Outbound,
    permits::{ConnectionPermits, PermitRefusal},
    rooms::{Maker, Refusal, Want, registry::RoomRegistry},
    shared::Shared,
    websocket::{
        compression::Compression,
        handshake::{Handshake, HandshakeRefusal},
    },
};

/// The room of `GET /ws`.
const DEFAULT_ROOM: &str = "1";

pub(super) async fn default_room(
    State(rooms): State<Arc<RoomRegistry>>,
    request: Request,
) -> Result<Response, HttpRefusal> {
    join(rooms, DEFAULT_ROOM.to_owned(), request).await
}

pub(super) async fn room(
    State(rooms): State<Arc<RoomRegistry>>,
    SocketPath(room_id): SocketPath,
    request: Request,
) -> Result<Response, HttpRefusal> {
    join(rooms, room_id, request).await
}

async fn join(rooms: Arc<RoomRegistry>, room_id: String, request: Request) -> Result<Response, HttpRefusal> {
    let shared = rooms.shared().clone();
    let settings = shared.settings();
    let (mut request, _) = request.into_parts();
    let admitted = admit(&shared, Access::Join, Some(&room_id), &request).await?;
    let Admitted { details, token, peer, subprotocol, .. } = admitted;
    let permits = permits(&shared, &request, peer)?;
    let refused = |refusal| HttpRefusal::of_join(refusal, settings.room_strategy);
    let maker = Maker::client(peer);
    match rooms.check(&room_id, Want::Join { has_token: token.is_some() }, maker).await {
        // Joining tells why.
        Ok(()) | Err(Refusal::Broken) => {}
        Err(refusal) => return Err(refused(refusal)),
    }
    let handshake = Handshake::read(&request, settings.compression)?;
    let upgrade = request
        .extensions
        .remove::<OnUpgrade>()
        .ok_or(HandshakeRefusal::UpgradeRequired("this connection cannot be upgraded to a WebSocket: use HTTP/1.1"))?;
    let response = handshake.response(subprotocol.as_deref());
    let compression = handshake.compression;
    // Before the client receives the 101, so that it misses nothing from then on.
    let encoding = compression.as_ref().map(Compression::encoding).unwrap_or_default();
    let outbound = Arc::new(Outbound::new(&settings.limits, encoding, shared.memory().clone()));
    let seat = match rooms.join(&room_id, maker, token, details, &outbound).await {
        Ok(seat) => Some(seat),
        // Not as an HTTP status, which a web page cannot read: the client should not try again.
        Err(Refusal::Broken) => {
            outbound.close(CloseReason::ServiceFailed(Refusal::Broken.to_string()).into());
            None
        }
        Err(refusal) => return Err(refused(refusal)),
    };
    let span = tracing::debug_span!("connection", room = room_id, ?peer);
    let connection = {
        let shared = shared.clone();
        async move {
            let _permits = permits;
            // Until the upgrade completes, nothing else detects that the client is gone.
            match timeout(shared.settings().limits.request_head_time, upgrade).await {
                Ok(Ok(upgraded)) => {
                    Connection::new(&shared, upgraded, &room_id, seat, outbound, compression.as_ref()).await;
                }
                Ok(Err(_)) | Err(_) => tracing::debug!(room = room_id, "a client disconnected during the upgrade"),
            }
        }
    };
    shared.spawn_connection(connection.instrument(span));
    Ok(response)
}

/// Returns the permits of a connection: those acquired when its socket was accepted, and those that are still missing.
fn permits(shared: &Shared, request: &Parts, peer: Option<IpAddr>) -> Result<Arc<ConnectionPermits>, PermitRefusal> {
    let connections = shared.connections();
    let mut permits = match request.extensions.get::<Arc<ConnectionPermits>>() {
        Some(permits) if permits.has_address() || peer.is_none() => return Ok(permits.clone()),
        Some(permits) => ConnectionPermits::behind_proxy(permits.clone()),
        None => ConnectionPermits::new(connections.acquire()?),
    };
    if let Some(peer) = peer {
        permits.add_address(connections.acquire_for(peer)?);
    }
    Ok(Arc::new(permits))
}
