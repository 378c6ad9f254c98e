//! The responses to paths and methods without a route or file: they list the routes.
//!
//! *Invariant:* a response with content of its own is unchanged.
use std::fmt::Write;

use axum::{
    Router,
    body::HttpBody,
    http::{
        HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE},
    },
    middleware::map_response,
    response::{IntoResponse, Response},
};

use crate::settings::{RoomStrategy, Settings};

/// Explains the empty 404 and 405 of the routes that `router` has so far.
pub(crate) fn explain(router: Router, routes: String) -> Router {
    router.layer(map_response(move |response: Response| {
        let routes = routes.clone();
        async move {
            let problem = match response.status() {
                StatusCode::NOT_FOUND => "there is nothing at this path",
                StatusCode::METHOD_NOT_ALLOWED => "this path does not support the method",
                _ => return response,
            };
            if response.headers().contains_key(CONTENT_TYPE) || !response.body().is_end_stream() {
                return response;
            }
            let (mut parts, _) = response.into_parts();
            parts.headers.remove(CONTENT_LENGTH);
            parts.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            (parts, format!("{problem}. The routes here:\n{routes}")).into_response()
        }
    }))
}

/// Lists the routes of a server with these settings.
pub(super) fn routes(settings: &Settings) -> String {
    let strategy = settings.room_strategy;
    let creates_by_name = matches!(strategy, RoomStrategy::Implicit | RoomStrategy::Api);
    let creates_unnamed = strategy != RoomStrategy::Api;
    let has_files = settings.static_path.is_some();
    let has_client = settings.client_path.is_some();
    let routes = [
        (true, "GET /ws/ROOM", "joins a room over a WebSocket; GET /ws joins room `1`"),
        (creates_by_name, "POST /ws/ROOM", "creates a room with this name"),
        (creates_unnamed, "POST /new_room", "creates a room and returns its name"),
        (true, "/http/ROOM/PATH", "passes a request of any method to a room; a slash in its name is written as `%2F`"),
        (true, "GET /status", "returns `ok`"),
        (has_client, "GET /client/FILE", "static files of the client"),
        (has_files, "GET /FILE", "static files"),
    ];
    let mut text = String::new();
    for (_, route, description) in routes.into_iter().filter(|(exists, ..)| *exists) {
        let _ = writeln!(text, "  {route:<16} {description}");
    }
    text
}
