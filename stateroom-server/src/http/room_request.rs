//! `/http/{room}/...`: HTTP requests that rooms answer.
//!
//! *Invariant:* a room receives no credentials unless the settings name their header.
use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, Method, StatusCode, header},
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
    rate_limit::warnings::WarningLimiter,
    rooms::{Refusal, Want, registry::RoomRegistry},
    settings::Limit,
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
    rooms.check(&room_id, Want::Request { may_begin }).map_err(refused)?;
    let check_rate = |requests, bytes| match admitted.peer {
        Some(peer) if !shared.request_rate().allow(peer, requests, bytes, Instant::now()) => {
            Err(HttpRefusal::RequestRate)
        }
        _ => Ok(()),
    };
    check_rate(1, 0)?;
    let budget = shared.memory().budget();
    let (body, _reservation) = read(body, settings.limits.message_bytes, settings.limits.message_time, budget).await?;
    check_rate(0, body.len())?;

    let mut request = room::Request::default();
    request.method = head.method.as_str().to_owned();
    request.path = path;
    request.query = admitted.query;
    request.headers = for_room(&head.headers, &settings.admission.client_headers, shared.jwt_cookie().as_deref());
    request.body = body;
    request.subject = admitted.details.subject;
    request.claims = admitted.details.claims;
    let handle = rooms.room_for_request(&room_id, may_begin).map_err(refused)?;
    match timeout(settings.limits.request_time, handle.request(request)).await {
        Ok(Ok(Some(response))) => Ok(from_room(&room_id, response, &settings.response_headers, budget)),
        Ok(Ok(None)) => Err(HttpRefusal::Unanswered),
        Ok(Err(_ended)) => Err(HttpRefusal::RoomEnded),
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

/// Reads a body of at most `most` bytes within `time`. It is reserved as it arrives.
async fn read(
    body: Body,
    most: usize,
    time: Duration,
    budget: &MemoryBudget,
) -> Result<(Vec<u8>, Reservation), HttpRefusal> {
    let mut body = Limited::new(body, most);
    let mut bytes = Vec::new();
    let mut reservation = Reservation::empty(budget);
    let read = async {
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|error| refusal(error.as_ref(), most))?.into_data() else { continue };
            if !reservation.try_grow(data.len()) {
                Limit::TotalMemoryBytes.exceeded();
                return Err(HttpRefusal::from(Refusal::NoMemory));
            }
            bytes.extend_from_slice(&data);
        }
        Ok(())
    };
    timeout(time, read).await.map_err(|_| {
        Limit::MessageTime.exceeded();
        HttpRefusal::BodyTime
    })??;
    Ok((bytes, reservation))
}

/// Returns the refusal of a body that cannot be read.
fn refusal(error: &(dyn std::error::Error + 'static), limit: usize) -> HttpRefusal {
    if error.is::<LengthLimitError>() {
        Limit::MessageBytes.exceeded();
        return HttpRefusal::BodyTooLarge { limit };
    }
    HttpRefusal::Malformed("the request body is incomplete".to_owned())
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

fn from_room(room_id: &str, response: room::Response, listed: &[String], budget: &MemoryBudget) -> Response {
    let status = StatusCode::from_u16(response.status).ok().filter(|status| (200..600).contains(&status.as_u16()));
    let Some(status) = status else {
        static WARNINGS: WarningLimiter = WarningLimiter::frequent();

        if let Some(suppressed) = WARNINGS.allow(Instant::now()) {
            let status = response.status;
            tracing::warn!(room = room_id, status, suppressed, "a room answered with an invalid status; sent as 500");
        }
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let headers = permitted(room_id, &response.headers, listed);
    let _reservation = Reservation::of(budget, response.body.len());
    let body = Bytes::from_owner(ReservedBody { bytes: response.body, _reservation });
    (status, headers, body).into_response()
}
