//! `/http/{room}/...`: HTTP requests that rooms answer.
//!
//! *Invariant:* a room receives no credentials unless the settings name their header, and its response cannot set headers that
//! concern the connection or the whole host.
use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, to_bytes},
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use http_body_util::LengthLimitError;
use stateroom::http as room;
use tokio::time::{Instant, timeout};

use super::{HttpRefusal, admit::admit, credentials};
use crate::{
    admission::Access,
    rooms::{Want, registry::RoomRegistry},
    settings::Limit,
};

/// Headers that concern the connection, in either direction (RFC 9110, section 7.6.1).
const CONNECTION_HEADERS: [HeaderName; 7] = [
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// Request headers with credentials for other parties.
const SECRET_HEADERS: [HeaderName; 4] =
    [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION, header::SEC_WEBSOCKET_PROTOCOL];

/// Response headers that a room cannot set: the length, and those that browsers apply to the whole host.
const RESERVED_HEADERS: [HeaderName; 5] = [
    header::CONTENT_LENGTH,
    header::SET_COOKIE,
    header::STRICT_TRANSPORT_SECURITY,
    header::ALT_SVC,
    HeaderName::from_static("clear-site-data"),
];

pub(super) async fn root(
    state: State<Arc<RoomRegistry>>,
    Path(room_id): Path<String>,
    request: Request,
) -> Result<Response, HttpRefusal> {
    answer(state, room_id, request).await
}

pub(super) async fn below(
    state: State<Arc<RoomRegistry>>,
    Path((room_id, _)): Path<(String, String)>,
    request: Request,
) -> Result<Response, HttpRefusal> {
    answer(state, room_id, request).await
}

async fn answer(
    State(rooms): State<Arc<RoomRegistry>>,
    room_id: String,
    request: Request,
) -> Result<Response, HttpRefusal> {
    let (head, body) = request.into_parts();
    let shared = rooms.shared();
    let settings = shared.settings();
    let admitted = admit(shared, Access::Request, Some(&room_id), &head).await?;
    let may_begin = creates(&head.method);
    rooms.check(&room_id, Want::Request { may_begin })?;
    let check_rate = |requests, bytes| match admitted.peer {
        Some(peer) if !shared.request_rate().allow(peer, requests, bytes, Instant::now()) => {
            Err(HttpRefusal::RequestRate)
        }
        _ => Ok(()),
    };
    check_rate(1, 0)?;
    let body = read(body, settings.limits.message_bytes, settings.limits.message_time).await?;
    check_rate(0, body.len())?;

    let mut request = room::Request::default();
    request.method = head.method.as_str().to_owned();
    request.path = path_below(head.uri.path());
    request.query = admitted.query;
    request.headers = for_room(&head.headers, &settings.admission.client_headers, shared.jwt_cookie().as_deref());
    request.body = body;
    request.subject = admitted.details.subject;
    request.claims = admitted.details.claims;
    let handle = rooms.room_for_request(&room_id, may_begin)?;
    match timeout(settings.limits.request_time, handle.request(request)).await {
        Ok(Ok(Some(response))) => Ok(from_room(&room_id, response)),
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

/// Reads a body of at most `most` bytes within `time`.
async fn read(body: Body, most: usize, time: Duration) -> Result<Vec<u8>, HttpRefusal> {
    match timeout(time, to_bytes(body, most)).await {
        Ok(Ok(body)) => Ok(body.into()),
        Ok(Err(error)) if is_too_large(&error) => {
            Limit::MessageBytes.exceeded();
            Err(HttpRefusal::BodyTooLarge { limit: most })
        }
        Ok(Err(_)) => Err(HttpRefusal::Malformed("the request body is incomplete".to_owned())),
        Err(_) => {
            Limit::MessageTime.exceeded();
            Err(HttpRefusal::BodyTime)
        }
    }
}

/// Returns the part of a path that follows the room. A nested router does not see the prefix. An ID contains no `/` because it
/// is percent-encoded.
fn path_below(path: &str) -> String {
    let below = path.strip_prefix("/http/").and_then(|rest| rest.split_once('/')).map(|(_, below)| below);
    format!("/{}", below.unwrap_or_default())
}

fn is_too_large(error: &axum::Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<LengthLimitError>())
}

fn for_room(headers: &HeaderMap, passed_on: &[String], cookie: Option<&str>) -> Vec<(String, String)> {
    let is_withheld = |name: &HeaderName| CONNECTION_HEADERS.contains(name) || SECRET_HEADERS.contains(name);
    let is_for_room = |name: &HeaderName| !is_withheld(name) || passed_on.iter().any(|it| it == name.as_str());
    let headers = headers.iter().filter(|(name, _)| is_for_room(name));
    let texts = headers.map(|(name, value)| (name.to_string(), credentials::for_room(name, value, cookie)));
    texts.take(room::MAX_HEADERS).collect()
}

fn from_room(room_id: &str, response: room::Response) -> Response {
    let status = StatusCode::from_u16(response.status).ok().filter(|status| (200..600).contains(&status.as_u16()));
    let Some(status) = status else {
        tracing::warn!(room = room_id, status = response.status, "a room answered with an invalid status; sent as 500");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut headers = HeaderMap::new();
    for (name, value) in &response.headers {
        match (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value.as_str())) {
            (Ok(name), Ok(value)) if !CONNECTION_HEADERS.contains(&name) && !RESERVED_HEADERS.contains(&name) => {
                headers.append(name, value);
            }
            _ => tracing::debug!(room = room_id, header = ?name, "a response header that rooms cannot set is omitted"),
        }
    }
    // Without these headers, a browser could render a response as a page.
    headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/octet-stream"));
    headers.entry(header::X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    (status, headers, response.body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_the_part_after_the_room() {
        for (path, below) in [
            ("/http/a", "/"),
            ("/http/a/", "/"),
            ("/http/a/b/c%20d/", "/b/c%20d/"),
            ("/http/a%2Fb/c", "/c"),
            ("/http/a//c", "//c"),
        ] {
            assert_eq!(path_below(path), below, "{path}");
        }
    }
}
