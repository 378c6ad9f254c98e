//! The examples in one app. Each is nested under its name, with its own page or the console, and runs natively, without
//! a sandbox.
use std::{mem, path::Path};

use axum::{
    Router,
    extract::Request,
    http::{StatusCode, Uri},
    middleware::{self, Next},
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use stateroom::{DefaultStateroomFactory, StateroomService};
use stateroom_server::{Server, ServerHandle};
use tower_http::services::ServeDir;

/// Directory of the examples.
const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Directory of the page for examples without one.
const CONSOLE: &str = "gallery/console";

/// Returns the app, and a handle to the rooms of each example.
pub fn gallery() -> (Router, Vec<ServerHandle>) {
    let mut gallery = Gallery { app: Router::new(), rooms: Vec::new() };
    gallery.add::<binary_echo::BinaryEcho>("binary-echo", CONSOLE);
    gallery.add::<clock::Clock>("clock", CONSOLE);
    gallery.add::<echo_server::EchoServer>("echo-server", CONSOLE);
    gallery.add::<randomness::Randomness>("randomness", CONSOLE);
    gallery.add::<chat::Chat>("chat", "chat/static");
    gallery.add::<counter_service::Counter>("counter-service", "counter-service/static");
    gallery.add::<game_loop::Game>("game-loop", "game-loop/static");
    gallery.add::<whiteboard::Whiteboard>("whiteboard", "whiteboard/static");
    // The Rust client has to be built first, so this serves the build output.
    gallery.add::<shared_cursors::Cursors>("shared-cursors", "shared-cursors/dist/static");
    let app = gallery.app.fallback_service(ServeDir::new(format!("{EXAMPLES}/gallery/static")));
    (app.layer(middleware::from_fn(require_client)), gallery.rooms)
}

struct Gallery {
    app: Router,
    rooms: Vec<ServerHandle>,
}

impl Gallery {
    /// Adds the rooms and the page of an example under its name.
    fn add<T: StateroomService + Default>(&mut self, name: &str, page: &str) {
        let server = Server::new().with_static_path(Some(format!("{EXAMPLES}/{page}")));
        let (router, handle) = server.router(DefaultStateroomFactory::<T>::default());
        // Pages use relative URLs, so their path has to end in a slash.
        let path_with_slash = format!("/{name}/");
        let redirect_target = path_with_slash.clone();
        let redirect = async move |uri: Uri| {
            let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
            Redirect::temporary(&format!("{redirect_target}{query}"))
        };
        self.app =
            mem::take(&mut self.app).route(&format!("/{name}"), get(redirect)).nest_service(&path_with_slash, router);
        self.rooms.push(handle);
    }
}

/// Shows how to build the client of `shared-cursors` if it has not been built.
async fn require_client(request: Request, next: Next) -> Response {
    let built = || Path::new(EXAMPLES).join("shared-cursors/dist/static/index.html").exists();
    if request.uri().path() == "/shared-cursors/" && !built() {
        return (StatusCode::SERVICE_UNAVAILABLE, Html(include_str!("unbuilt.html"))).into_response();
    }
    next.run(request).await
}
