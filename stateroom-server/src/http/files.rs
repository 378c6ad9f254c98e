//! Static files, and how long browsers and caches may keep them.
//!
//! *Invariant:* a kept copy is validated before each use, unless the file's name changes with its content.
mod below;

use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, StatusCode, header::CACHE_CONTROL},
    middleware::{Next, from_fn},
    response::Response,
    routing::get,
};
use tower_http::services::fs::{DefaultServeDirFallback, ServeDir};

use self::below::FilesBelow;
pub use self::below::is_hidden_file;
use super::status;
use crate::settings::Settings;

/// Lengths of the content hashes that bundlers write into file names, in hexadecimal digits. Other lengths can be dates, or
/// identifiers of what changes: an `ObjectId` has 24 digits, a UUID 32.
const HASH_DIGITS: [usize; 4] = [16, 20, 40, 64];

/// Returns the routes of the static files.
pub(super) fn router(settings: &Settings) -> Router {
    let mut files = Router::new();
    if let Some(path) = &settings.client_path {
        files = files.nest_service("/client", serve(path).redirect_path_prefix("/client"));
    }
    files = match &settings.static_path {
        Some(path) => files.fallback_service(serve(path)),
        None => files.route("/", get(status)),
    };
    files.layer(from_fn(control_caches))
}

fn serve(path: &str) -> ServeDir<DefaultServeDirFallback, FilesBelow> {
    ServeDir::with_backend("", FilesBelow::new(path))
}

async fn control_caches(request: Request, next: Next) -> Response {
    let is_immutable = has_content_hash(request.uri().path());
    let mut response = next.run(request).await;
    let status = response.status();
    let value = match status {
        _ if !(status.is_success() || status.is_redirection()) => "no-store",
        StatusCode::OK | StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED if is_immutable => {
            "public, max-age=31536000, immutable"
        }
        _ => "no-cache",
    };
    response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static(value));
    response
}

/// Returns whether a file's name contains a hash of its content: hexadecimal digits of both kinds, as in
/// `app-1a2b3c4d5e6f7a8b_bg.wasm`. Pages keep their addresses, whatever these look like.
fn has_content_hash(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let Some((stem, extension)) = name.rsplit_once('.') else { return false };
    let is_hash = |part: &str| {
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        HASH_DIGITS.contains(&part.len())
            && part.bytes().all(|it| it.is_ascii_hexdigit())
            && (1..part.len()).contains(&digits)
    };
    !extension.starts_with("htm") && stem.split(['-', '.', '_']).any(is_hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_parts_of_the_length_of_a_hash_are_hashes() {
        for (path, expected) in [
            ("/main.3a4f5b6c7d8e9f01.js", true),
            ("/assets/app-1a2b3c4d5e6f7a8b_bg.wasm", true),
            ("/app.3a4f5b6c7d8e9f013a4f.js", true),
            ("/app.3a4f5b6c7d8e9f013a4f5b6c7d8e9f013a4f5b6c.js", true),
            ("/app-3a4f5b6c7d8e9f013a4f5b6c7d8e9f013a4f5b6c7d8e9f013a4f5b6c7d8e9f01.css", true),
            ("/550e8400e29b41d4a716446655440000.png", false),
            ("/507f1f77bcf86cd799439011.png", false),
            ("/app-1a2b3c4d5e6f7a8.js", false),
            ("/1a2b3c4d5e6f7a8b/app.js", false),
            ("/app-1a2b3c4d5e6f7a8b", false),
            ("/app-1a2b3c4d5e6f7a8b.html", false),
            ("/report-2024010112000000.csv", false),
            ("/abcdefabcdefabcdef.js", false),
            ("/550e8400-e29b-41d4-a716-446655440000.png", false),
            ("/", false),
        ] {
            assert_eq!(has_content_hash(path), expected, "{path}");
        }
    }
}
