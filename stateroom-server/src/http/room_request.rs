//! `/http/{room}/...`: HTTP requests that rooms answer.
//!
//! *Invariant:* a room receives no credentials unless the settings name their header.
use std::{net::IpAddr, sync::Arc};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use stateroom::http as room;
use stateroom_memory::{MemoryBudget, Reservation};
use tokio::time::{Instant, timeout};

use super::{
    HttpRefusal,
    admit::admit,
    credentials,
    response_headers::{CONNECTION_HEADERS, permitted},
    room_path::RequestPath,
};
use crate::{
    admission::Access,
    permits::{AddressPermit, ConnectionPermits, PermitRefusal, SourceNetwork},
    rate_limit::{bucket::RateExceeded, warnings::WarningLimiter},
    room::reply::CallError,
    rooms::{Maker, Refusal, Want, registry::RoomRegistry},
    settings::Limit,
    shared::Shared,
};

/// Request headers with credentials for other parties.
const SECRET_HEADERS: [HeaderName; 4] =
    [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION, header::SEC_WEBSOCKET_PROTOCOL];

pub(super) async fn answer(
    State(rooms): State<Arc<RoomRegistry>>,
    RequestPath { room_id, path }: RequestPath,
    request: Request,
) -> Result<Response, HttpRefusal> {
    let (head, body) = request.into_parts();
    let shared = rooms.shared();
    let settings = shared.settings();
    let admitted = admit(shared, Access::Request, Some(&room_id), &head).await?;
    let may_begin = creates(&head.method);
    let refused = |refusal| HttpRefusal::of_request(refusal, settings.room_strategy);
    let maker = Maker::client(admitted.peer);
    rooms.check(&room_id, Want::Request { may_begin }, maker).await.map_err(refused)?;
    let _permit = permit(shared, &head, admitted.peer)?;
    let (body, _reservation) = receive(shared, admitted.peer, body).await?;
    let budget = shared.memory().budget();

    let mut request = room::Request::default();
    request.method = head.method.as_str().to_owned();
    request.path = path;
    request.query = admitted.query;
    request.headers = for_room(&head.headers, &settings.admission.client_headers, shared.jwt_cookie().as_deref());
    request.body = body;
    request.subject = admitted.details.subject;
    request.claims = admitted.details.claims;
    let handle = rooms.room_for_request(&room_id, maker, may_begin).await.map_err(refused)?;
    match timeout(settings.limits.request_time, handle.request(request)).await {
        Ok(Ok(Some(response))) => from_room(&room_id, response, &settings.response_headers, budget),
        Ok(Ok(None)) => Err(HttpRefusal::Unanswered),
        Ok(Err(CallError::RoomEnded(_))) => Err(HttpRefusal::RoomEnded),
        Ok(Err(CallError::Failed(_))) => Err(HttpRefusal::ServiceFailed),
        Err(_) => {
            Limit::RequestTime.exceeded();
            Err(HttpRefusal::RequestTime)
        }
    }
}

/// Returns whether a request may create a room: a safe method may not.
fn creates(method: &Method) -> bool {
    !method.is_safe()
}

/// Returns the permit of a request from its client's address, unless that of its connection counts the same address.
fn permit(shared: &Shared, head: &Parts, peer: Option<IpAddr>) -> Result<Option<AddressPermit>, PermitRefusal> {
    let is_counted = head.extensions.get::<Arc<ConnectionPermits>>().is_some_and(|permits| permits.has_address());
    match peer {
        Some(peer) if !is_counted => shared.connections().acquire_for(peer),
        _ => Ok(None),
    }
}

/// Reads a body at the rate of its client's address. What the length in the head exceeds is refused before it is read; a request
/// that is refused costs nothing.
async fn receive(shared: &Shared, peer: Option<IpAddr>, body: Body) -> Result<(Vec<u8>, Reservation), HttpRefusal> {
    let most = shared.settings().limits.message_bytes;
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > most {
        return Err(too_large(most));
    }
    let Some(network) = peer.map(SourceNetwork::of) else { return read(shared, body).await };
    let rate = shared.request_rate();
    rate.take(network, [1, announced], Instant::now()).map_err(too_often)?;
    let (body, reservation) = read(shared, body).await?;
    // A body above the burst leaves the bucket below zero, which refuses even nothing.
    if body.len() > announced {
        rate.take(network, [0, body.len() - announced], Instant::now()).map_err(|exceeded| {
            rate.give_back(network, [1, announced]);
            too_often(exceeded)
        })?;
    }
    Ok((body, reservation))
}

fn too_often(exceeded: RateExceeded) -> HttpRefusal {
    exceeded.limit.exceeded();
    HttpRefusal::RequestRate { wait: exceeded.wait }
}

fn too_large(limit: usize) -> HttpRefusal {
    Limit::MessageBytes.exceeded();
    HttpRefusal::BodyTooLarge { limit }
}

/// Reads a body within the limits of messages. It is reserved as it arrives.
async fn read(shared: &Shared, body: Body) -> Result<(Vec<u8>, Reservation), HttpRefusal> {
    let limits = &shared.settings().limits;
    let mut body = Limited::new(body, limits.message_bytes);
    let mut bytes = Vec::new();
    let mut reservation = Reservation::empty(shared.memory().budget());
    let read = async {
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| match error.is::<LengthLimitError>() {
                true => too_large(limits.message_bytes),
                false => HttpRefusal::Malformed("the request body is incomplete".to_owned()),
            })?;
            let Ok(data) = frame.into_data() else { continue };
            reserve(&mut reservation, data.len())?;
            bytes.extend_from_slice(&data);
        }
        Ok::<_, HttpRefusal>(())
    };
    timeout(limits.message_time, read).await.map_err(|_| {
        Limit::MessageTime.exceeded();
        HttpRefusal::BodyTime
    })??;
    Ok((bytes, reservation))
}

/// Reserves the next bytes of a body.
fn reserve(reservation: &mut Reservation, bytes: usize) -> Result<(), HttpRefusal> {
    if reservation.try_grow(bytes) {
        return Ok(());
    }
    Limit::TotalMemoryBytes.exceeded();
    Err(Refusal::NoMemory.into())
}

/// A body of a response, reserved until it is sent.
struct ReservedBody {
    bytes: Vec<u8>,
    _reservation: Reservation,
}

impl AsRef<[u8]> for ReservedBody {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

fn for_room(headers: &HeaderMap, passed_on: &[String], cookie: Option<&str>) -> Vec<(String, String)> {
    let is_withheld = |name: &HeaderName| CONNECTION_HEADERS.contains(name) || SECRET_HEADERS.contains(name);
    let is_for_room = |name: &HeaderName| !is_withheld(name) || passed_on.iter().any(|it| it == name.as_str());
    let names = headers.keys().filter(|name| is_for_room(name)).cloned();
    names.flat_map(|name| credentials::for_room(headers, name, cookie)).take(room::MAX_HEADERS).collect()
}

fn from_room(
    room_id: &str,
    response: room::Response,
    listed: &[String],
    budget: &MemoryBudget,
) -> Result<Response, HttpRefusal> {
    let status = StatusCode::from_u16(response.status).ok().filter(|status| (200..600).contains(&status.as_u16()));
    let Some(status) = status else {
        static WARNINGS: WarningLimiter = WarningLimiter::frequent();

        if let Some(suppressed) = WARNINGS.allow(Instant::now()) {
            let status = response.status;
            tracing::warn!(room = room_id, status, suppressed, "a room answered with an invalid status; sent as 500");
        }
        return Ok(StatusCode::INTERNAL_SERVER_ERROR.into_response());
    };
    let headers = permitted(room_id, &response.headers, listed);
    let mut _reservation = Reservation::empty(budget);
    reserve(&mut _reservation, response.body.len())?;
    let body = Bytes::from_owner(ReservedBody { bytes: response.body, _reservation });
    Ok((status, headers, body).into_response())
}
