//! The examples in one app. Each is nested under its name, with a page of its own or else the console, and runs natively:
//! no sandbox, and nothing to build but this.
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

/// The folder of all examples.
const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The page of the examples that have none.
const CONSOLE: &str = "gallery/console";

/// The app, and what stops the rooms of each example.
pub fn gallery() -> (Router, Vec<ServerHandle>) {
    let mut gallery = Gallery { app: Router::new(), rooms: Vec::new() };
    gallery.show::<binary_echo::BinaryEcho>("binary-echo", CONSOLE);
    gallery.show::<clock::Clock>("clock", CONSOLE);
    gallery.show::<echo_server::EchoServer>("echo-server", CONSOLE);
    gallery.show::<randomness::Randomness>("randomness", CONSOLE);
    gallery.show::<chat::Chat>("chat", "chat/static");
    gallery.show::<counter_service::Counter>("counter-service", "counter-service/static");
    gallery.show::<game_loop::Game>("game-loop", "game-loop/static");
    gallery.show::<whiteboard::Whiteboard>("whiteboard", "whiteboard/static");
    // Its client is Rust, too, and has to be built first: beside the page that was built.
    gallery.show::<shared_cursors::Cursors>("shared-cursors", "shared-cursors/dist/static");
    let app = gallery.app.fallback_service(ServeDir::new(format!("{EXAMPLES}/gallery/static")));
    (app.layer(middleware::from_fn(unless_built)), gallery.rooms)
}

struct Gallery {
    app: Router,
    rooms: Vec<ServerHandle>,
}

impl Gallery {
    /// Joins an example to the app: its rooms and the folder of its page, under its name.
    fn show<T: StateroomService + Default>(&mut self, name: &str, page: &str) {
        let server = Server::new().with_static_path(Some(format!("{EXAMPLES}/{page}")));
        let (router, handle) = server.router(DefaultStateroomFactory::<T>::default());
        // A page speaks of what is beside it, so its address has to be a folder's.
        let folder = format!("/{name}/");
        let to_folder = folder.clone();
        let redirect = async move |address: Uri| {
            let query = address.query().map(|query| format!("?{query}")).unwrap_or_default();
            Redirect::temporary(&format!("{to_folder}{query}"))
        };
        self.app = mem::take(&mut self.app).route(&format!("/{name}"), get(redirect)).nest_service(&folder, router);
        self.rooms.push(handle);
    }
}

/// Tells how to build the client of `shared-cursors`, for as long as nobody has.
async fn unless_built(request: Request, next: Next) -> Response {
    let built = || Path::new(EXAMPLES).join("shared-cursors/dist/static/index.html").exists();
    if request.uri().path() == "/shared-cursors/" && !built() {
        return (StatusCode::SERVICE_UNAVAILABLE, Html(include_str!("unbuilt.html"))).into_response();
    }
    next.run(request).await
}
