//! The headers of rooms' HTTP responses: those that could reach into a proxy or into the whole origin do not pass.
use stateroom::{
    DefaultStateroomFactory, StateroomContext, StateroomService,
    http::{Request, Response},
};
use stateroom_server::{Admission, Server};

use crate::common::{HttpResponse, TestServer};

/// Answers with the headers listed in the request's body, one per line.
#[derive(Default)]
struct Responder;

impl StateroomService for Responder {
    fn request(&mut self, request: Request, _: &impl StateroomContext) -> Option<Response> {
        let lines = request.text()?.lines().filter_map(|line| line.split_once(": "));
        Some(lines.fold(Response::new(200, "body"), |response, (name, value)| response.with_header(name, value)))
    }
}

async fn responder(server: Server) -> TestServer {
    TestServer::tcp_with_factory(server, DefaultStateroomFactory::<Responder>::default()).await
}

/// Has a room answer with these headers. Returns the server's response.
async fn answer(server: &TestServer, headers: &[(&str, &str)], more: &str) -> HttpResponse {
    let lines: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let body = lines.join("\n");
    let head = format!("Host: test\r\nConnection: close\r\n{more}Content-Length: {}", body.len());
    server.request(&format!("POST /http/a/x HTTP/1.1\r\n{head}\r\n\r\n{body}")).await
}

#[tokio::test]
async fn proxies_get_no_instructions_from_a_room() {
    let server = responder(Server::new()).await;
    for name in [
        // nginx, Apache, lighttpd, LiteSpeed, Caddy's recipe, Varnish, Squid, Envoy, Traefik and HAProxy conventions.
        "X-Accel-Redirect",
        "x-accel-buffering",
        "X-ACCEL-EXPIRES",
        "x-accel-limit-rate",
        "x-accel-charset",
        "X-Sendfile",
        "X-Sendfile-Temporary",
        "X-Sendfile2",
        "X-LIGHTTPD-send-file",
        "X-LIGHTTPD-send-tempfile",
        "X-LiteSpeed-Location",
        "X-LiteSpeed-Cache-Control",
        "X-LiteSpeed-Purge",
        "X-LiteSpeed-Tag",
        "X-Reproxy-URL",
        "X-Reproxy-File",
        "X-Proxy-Cache",
        "xkey",
        "Surrogate-Control",
        "Surrogate-Key",
        "CDN-Cache-Control",
        "Cloudflare-CDN-Cache-Control",
        "Vercel-CDN-Cache-Control",
        "Netlify-CDN-Cache-Control",
        "Netlify-Vary",
        "Cache-Tag",
        "Edge-Control",
        "Edge-Cache-Tag",
        "X-HTTP2-Push",
        "x-envoy-upstream-service-time",
        "x-envoy-immediate-health-check-fail",
        "x-envoy-ratelimited",
        "X-Vercel-Cache",
        "x-middleware-rewrite",
        "x-middleware-next",
        "x-nextjs-redirect",
        "fly-replay",
        "fly-replay-cache",
        "Fly-Cache-Status",
        "X-Goog-Test",
        "X-Amz-Meta-A",
        "X-Ms-Request-Id",
        "X-ARR-Log-Id",
        "Traceparent",
        "grpc-status",
        "Via",
        "Server",
        "Date",
        "Age",
        "Warning",
        // The connection.
        "Connection",
        "Keep-Alive",
        "Proxy-Connection",
        "Proxy-Authenticate",
        "Proxy-Authentication-Info",
        "Transfer-Encoding",
        "TE",
        "Trailer",
        "Upgrade",
        "HTTP2-Settings",
        "Status",
        // The origin, whose other pages are not the room's.
        "Set-Cookie",
        "Set-Cookie2",
        "Strict-Transport-Security",
        "Public-Key-Pins",
        "Expect-CT",
        "Alt-Svc",
        "Alt-Used",
        "Clear-Site-Data",
        "NEL",
        "Report-To",
        "Reporting-Endpoints",
        "Accept-CH",
        "Critical-CH",
        "Origin-Agent-Cluster",
        "Origin-Trial",
        "Service-Worker-Allowed",
        "Speculation-Rules",
        "Supports-Loading-Mode",
        "Refresh",
        "WWW-Authenticate",
        "Authentication-Info",
        "SourceMap",
        "X-Permitted-Cross-Domain-Policies",
        "Activate-Storage-Access",
        "Set-Login",
        // Which pages may read: the setting `origins`.
        "Access-Control-Allow-Origin",
        "Access-Control-Allow-Credentials",
        "Access-Control-Expose-Headers",
        "Access-Control-Allow-Private-Network",
        "Timing-Allow-Origin",
        // A name that nobody has listed.
        "X-Own",
        "X_Accel_Redirect",
    ] {
        let response = answer(&server, &[(name, "evil")], "").await;
        assert_eq!((response.status, response.body.as_str()), (200, "body"), "{name}");
        let found = response.header(&name.to_ascii_lowercase());
        assert!(found.is_none_or(|value| !value.contains("evil")), "{name}: {found:?}");
    }
}

#[tokio::test]
async fn headers_about_the_content_pass() {
    let server = responder(Server::new()).await;
    let headers = [
        ("content-type", "application/json"),
        ("Content-Disposition", "attachment; filename=\"a.json\""),
        ("content-language", "en"),
        ("content-encoding", "identity"),
        ("etag", "\"1\""),
        ("last-modified", "mon, 30 nov 2026 00:00:00 gmt"),
        ("cache-control", "max-age=60"),
        ("expires", "0"),
        ("location", "/elsewhere"),
        ("retry-after", "7"),
        ("allow", "get"),
        ("link", "</next>; rel=next"),
        ("content-security-policy", "default-src 'none'"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "deny"),
        ("x-robots-tag", "noindex"),
    ];
    let response = answer(&server, &headers, "").await;
    for (name, value) in headers {
        assert_eq!(response.header(&name.to_ascii_lowercase()), Some(value), "{name}");
    }
}

#[tokio::test]
async fn responses_are_neither_sniffed_nor_stored_unless_the_room_says_so() {
    let server = responder(Server::new()).await;
    let response = answer(&server, &[("x-content-type-options", "sniff"), ("content-length", "1")], "").await;
    assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(response.header("content-type"), Some("application/octet-stream"));
    assert_eq!(response.header("cache-control"), Some("no-store"));
    assert_eq!(response.header("content-length"), Some("4"));
    for (header, expected) in [("etag", Some("no-cache")), ("last-modified", Some("no-cache")), ("expires", None)] {
        let response = answer(&server, &[(header, "x")], "").await;
        assert_eq!(response.header("cache-control"), expected, "{header}");
    }
    let twice = answer(&server, &[("content-type", "text/plain"), ("content-type", "text/html")], "").await;
    assert_eq!(twice.headers("content-type"), ["text/html"], "a header with one value is sent once");
    let vary = answer(&server, &[("vary", "accept"), ("vary", "accept-language")], "").await;
    assert!(vary.headers("vary").starts_with(&["accept", "accept-language"]), "{vary:?}");
}

#[tokio::test]
async fn listed_headers_pass_except_those_of_the_connection() {
    let names = ["X-Own", "set-cookie", "connection", "Content-Length", "transfer-encoding", "no name"];
    let server = responder(Server::new().with_response_headers(names)).await;
    let headers = [
        ("x-own", "1"),
        ("X-OWN", "2"),
        ("set-cookie", "a=b"),
        ("set-cookie", "c=d"),
        ("connection", "x-own"),
        ("content-length", "1"),
        ("transfer-encoding", "chunked"),
        ("x-other", "1"),
    ];
    let response = answer(&server, &headers, "").await;
    assert_eq!((response.status, response.body.as_str()), (200, "body"));
    assert_eq!(response.headers("x-own"), ["1", "2"]);
    assert_eq!(response.headers("set-cookie"), ["a=b", "c=d"]);
    assert_eq!((response.header("connection"), response.header("transfer-encoding")), (Some("close"), None));
    assert_eq!((response.header("content-length"), response.header("x-other")), (Some("4"), None));
}

#[tokio::test]
async fn a_room_cannot_let_other_pages_read() {
    let origins = || Admission::new().with_origins("https://app.example".parse().unwrap());
    let server = responder(Server::new().with_admission(origins())).await;
    let headers = [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-credentials", "true"),
        ("access-control-allow-private-network", "true"),
    ];
    let response = answer(&server, &headers, "Origin: https://app.example\r\n").await;
    assert_eq!(response.headers("access-control-allow-origin"), ["https://app.example"]);
    assert_eq!(response.header("access-control-allow-credentials"), None);
    assert_eq!(response.header("access-control-allow-private-network"), None);
}
