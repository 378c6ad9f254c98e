//! Caching of static files: browsers keep them and ask whether they have changed.
use std::fs;

use stateroom_server::Server;

use crate::common::{HttpResponse, TestServer};

const IMMUTABLE: &str = "public, max-age=31536000, immutable";

async fn server(files: &tempfile::TempDir) -> TestServer {
    for (name, content) in [("index.html", "the page"), ("app.js", "the script"), ("sub/index.html", "another page")] {
        fs::create_dir_all(files.path().join("sub")).unwrap();
        fs::write(files.path().join(name), content).unwrap();
    }
    let path = Some(files.path().to_str().unwrap().to_owned());
    TestServer::tcp(Server::new().with_static_path(path.clone()).with_client_path(path)).await
}

async fn get(server: &TestServer, path: &str, headers: &str) -> HttpResponse {
    server.request(&format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{headers}\r\n")).await
}

#[tokio::test]
async fn a_browser_validates_its_copy() {
    let files = tempfile::tempdir().unwrap();
    let server = server(&files).await;
    for path in ["/", "/index.html", "/app.js", "/sub/", "/client/app.js", "/app.js?v=1"] {
        let response = get(&server, path, "").await;
        assert_eq!((response.status, response.header("cache-control")), (200, Some("no-cache")), "{path}");
        let (etag, modified) = (response.header("etag").unwrap(), response.header("last-modified").unwrap());
        for condition in [
            format!("If-None-Match: {etag}\r\n"),
            format!("If-None-Match: \"x\", {etag}\r\n"),
            format!("If-Modified-Since: {modified}\r\n"),
        ] {
            // The date was compared in lower case by the tests; servers accept one form.
            let condition = condition.replace(modified, &http_date(modified));
            let unchanged = get(&server, path, &condition).await;
            assert_eq!((unchanged.status, unchanged.body.as_str()), (304, ""), "{path} {condition}");
            assert_eq!(unchanged.header("cache-control"), Some("no-cache"), "{path} {condition}");
            assert_eq!(unchanged.header("etag"), Some(etag), "{path} {condition}");
        }
        let part = get(&server, path, "Range: bytes=0-1\r\n").await;
        assert_eq!((part.status, part.header("cache-control")), (206, Some("no-cache")), "{path}");
    }
    let etag = get(&server, "/app.js", "").await.header("etag").unwrap().to_owned();
    fs::write(files.path().join("app.js"), "the newer script").unwrap();
    let changed = get(&server, "/app.js", &format!("If-None-Match: {etag}\r\n")).await;
    assert_eq!((changed.status, changed.body.as_str()), (200, "the newer script"));
    let redirect = get(&server, "/sub", "").await;
    assert_eq!((redirect.status, redirect.header("cache-control")), (307, Some("no-cache")));
    for path in ["/nothing.js", "/client/nothing.js", "/index.html/x"] {
        let missing = get(&server, path, "").await;
        assert_eq!((missing.status, missing.header("cache-control")), (404, Some("no-store")), "{path}");
    }
}

/// Restores the case of a date, which responses of the tests have in lower case.
fn http_date(lower: &str) -> String {
    let capital = |word: &str| match word {
        "gmt" => "GMT".to_owned(),
        _ => word.chars().take(1).map(|first| first.to_ascii_uppercase()).chain(word.chars().skip(1)).collect(),
    };
    lower.split(' ').map(capital).collect::<Vec<String>>().join(" ")
}

#[tokio::test]
async fn files_named_by_their_content_are_kept() {
    let files = tempfile::tempdir().unwrap();
    let server = server(&files).await;
    for (name, kept) in [
        ("main.3a4f5b6c7d8e9f01.js", true),
        ("app-1a2b3c4d5e6f7a8b_bg.wasm", true),
        ("0123456789abcdef0123456789abcdef01234567.css", true),
        ("index.html", false),
        ("bootstrap-components.min.js", false),
        ("jquery-3.7.1.min.js", false),
        ("report-2024010112000000.csv", false),
        ("550e8400-e29b-41d4-a716-446655440000.png", false),
        ("abcdefabcdefabcdef.js", false),
        ("3a4f5b6c7d8e9f01", false),
        ("index-3a4f5b6c7d8e9f01.html", false),
    ] {
        fs::write(files.path().join(name), "content").unwrap();
        for prefix in ["/", "/client/"] {
            let response = get(&server, &format!("{prefix}{name}"), "").await;
            let expected = if kept { IMMUTABLE } else { "no-cache" };
            assert_eq!((response.status, response.header("cache-control")), (200, Some(expected)), "{name}");
        }
    }
    let missing = get(&server, "/main.0000000000000abc.js", "").await;
    assert_eq!((missing.status, missing.header("cache-control")), (404, Some("no-store")));
}

#[tokio::test]
async fn answers_of_the_server_are_not_stored() {
    let server = TestServer::tcp(Server::new()).await;
    for path in ["/status", "/", "/ws/a", "/nothing", "/http/a/x"] {
        assert_eq!(get(&server, path, "").await.header("cache-control"), Some("no-store"), "{path}");
    }
    assert_eq!(server.post("/new_room").await.header("cache-control"), Some("no-store"));
}

#[cfg(unix)]
#[tokio::test]
async fn only_files_of_the_directory_that_are_not_hidden_are_served() {
    use std::os::unix::fs::symlink;

    let (files, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = server(&files).await;
    let below = |name: &str| files.path().join(name);
    fs::write(outside.path().join("secret"), "a secret").unwrap();
    for directory in [".git", ".well-known", "sub/.hidden"] {
        fs::create_dir_all(below(directory)).unwrap();
        fs::write(below(directory).join("file"), "found").unwrap();
    }
    for hidden in [".env", ".well-known/.env", ".git/index.html"] {
        fs::write(below(hidden), "a secret").unwrap();
    }
    symlink(outside.path().join("secret"), below("link")).unwrap();
    symlink(outside.path(), below("directory")).unwrap();
    symlink("/", below("root")).unwrap();
    symlink("../.env", below("sub/env")).unwrap();
    symlink(below("app.js"), below("absolute")).unwrap();
    symlink("../app.js", below("sub/relative")).unwrap();
    symlink("sub", below("twice")).unwrap();
    symlink("nothing", below("dangling")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(below("pipe")).status().unwrap().success());
    for path in [
        "/.env",
        "/.git/file",
        "/.git/",
        "/.git",
        "/%2egit/file",
        "/sub/.hidden/file",
        "/.well-known/.env",
        "/link",
        "/directory/secret",
        "/directory/",
        "/directory",
        "/root/etc/passwd",
        "/root//etc/passwd",
        "/sub/env",
        "/dangling",
        "/pipe",
        "/sub/../.env",
        "/sub/%2e%2e/.env",
        "/client/.env",
        "/client/link",
    ] {
        for method in ["GET", "HEAD"] {
            let request = format!("{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
            let response = server.request(&request).await;
            assert_eq!(response.status, 404, "{method} {path}: {}", response.body);
        }
    }
    for (path, body) in [
        ("/absolute", "the script"),
        ("/sub/relative", "the script"),
        ("/twice/relative", "the script"),
        ("/twice/", "another page"),
        ("/.well-known/file", "found"),
        ("/client/twice/", "another page"),
    ] {
        let response = get(&server, path, "").await;
        assert_eq!((response.status, response.body.as_str()), (200, body), "{path}");
    }
}

#[tokio::test]
async fn a_file_may_be_of_any_date() {
    use std::time::{Duration, UNIX_EPOCH};

    let files = tempfile::tempdir().unwrap();
    let server = server(&files).await;
    for date in [UNIX_EPOCH - Duration::from_secs(1), UNIX_EPOCH, UNIX_EPOCH + Duration::from_secs(1 << 38)] {
        let file = fs::File::options().write(true).open(files.path().join("app.js")).unwrap();
        // Not every file system has the date.
        let _ = file.set_modified(date);
        for condition in ["", "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n"] {
            let response = get(&server, "/app.js", condition).await;
            assert!([200, 304].contains(&response.status), "{date:?} {condition}: {}", response.status);
        }
    }
}
