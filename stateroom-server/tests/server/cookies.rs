//! Admission by a JSON Web Token in a cookie, for pages of the same site.
use serde_json::json;
use stateroom::{
    DefaultStateroomFactory, StateroomService,
    http::{Request, Response},
};
use stateroom_server::{Admission, Jwt, Server};

use crate::{
    admission::{Guestbook, guestbook},
    common::{HttpResponse, TestServer},
    jwt::{SECRET, ann, in_seconds, sign},
};

fn by_cookie(origins: &str) -> Admission {
    let jwt = Jwt::from_secret(SECRET).unwrap().with_cookie("jwt");
    Admission::new().with_origins(origins.parse().unwrap()).with_jwt(jwt).with_client_headers(["cookie"])
}

#[tokio::test]
async fn admits_the_token_in_a_cookie_and_withholds_it_from_the_room() {
    let server = guestbook(by_cookie("same-host")).await;
    let token = sign(&ann());
    for (cookie, passed_on) in [
        (format!("jwt={token}"), ""),
        (format!("theme=dark; jwt={token};b=\"c; d\""), "theme=dark;b=\"c; d\""),
        (format!("Jwt=x; xjwt=y; jwt=\"{token}\""), "Jwt=x; xjwt=y"),
    ] {
        let headers = [("cookie", cookie.as_str()), ("origin", "https://test")];
        let (mut client, _) = server.connect_with("/ws/a", &headers).await;
        let text = client.receive_text().await;
        assert!(text.contains("Some(\"Ann\")") && text.contains(&format!("[(\"cookie\", {passed_on:?})]")), "{text}");
    }
    // A cookie that is not text is no reason to refuse another one.
    let request = "POST /new_room HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: 0\r\nCookie: a=";
    let request = [request.as_bytes(), b"\xff; jwt=", token.as_bytes(), b"\r\n\r\n"].concat();
    assert_eq!(server.request_bytes(&request).await.status, 200);
}

#[tokio::test]
async fn refuses_cookies_that_are_missing_ambiguous_or_of_another_name() {
    let server = guestbook(by_cookie("same-host")).await;
    let token = sign(&ann());
    let other = sign(&json!({ "sub": "Eve", "exp": in_seconds(60) }));
    for (cookie, reason) in [
        (String::new(), "the cookie `jwt`"),
        (format!("JWT={token}"), "the cookie `jwt`"),
        ("jwt=".to_owned(), "not a valid JSON Web Token"),
        ("jwt".to_owned(), "the cookie `jwt`"),
        (format!("jwt={token}; jwt={other}"), "more than one"),
    ] {
        let refusal = server.expect_refusal_with("/ws/a", &[("cookie", &cookie)]).await;
        assert_eq!(refusal.status, 401, "{cookie}");
        assert!(refusal.body.contains(reason), "{cookie}: {}", refusal.body);
    }
}

/// A browser adds the cookie to each request, so a token that the page sends is the one it means.
#[tokio::test]
async fn another_token_takes_precedence_over_the_cookie() {
    let server = guestbook(by_cookie("same-host")).await;
    let cookie = format!("jwt={}", sign(&json!({ "sub": "Eve", "exp": in_seconds(60) })));
    let token = sign(&ann());
    let (bearer, subprotocols) = (format!("Bearer {token}"), format!("bearer, {token}"));
    for (path, header) in [
        ("/ws/a".to_owned(), ("authorization", bearer.as_str())),
        ("/ws/a".to_owned(), ("sec-websocket-protocol", subprotocols.as_str())),
        (format!("/ws/a?access_token={token}"), ("x-none", "")),
    ] {
        let (mut client, _) = server.connect_with(&path, &[("cookie", &cookie), header]).await;
        let text = client.receive_text().await;
        assert!(text.contains("Some(\"Ann\")"), "{text}");
    }
    let refusal = server.expect_refusal_with("/ws/a?access_token=x", &[("cookie", &cookie)]).await;
    assert_eq!(refusal.status, 401, "an invalid token is not replaced by the cookie");
}

/// Answers with the headers that it received.
#[derive(Default)]
struct Echo;

impl StateroomService for Echo {
    fn request(&mut self, request: Request, _: &impl stateroom::StateroomContext) -> Option<Response> {
        Some(Response::new(200, format!("{:?} {:?}", request.subject, request.headers)))
    }
}

async fn send(server: &TestServer, method: &str, headers: &str) -> HttpResponse {
    let cookie = format!("Cookie: theme=dark; jwt={}", sign(&ann()));
    let head = format!("Host: test\r\nConnection: close\r\nContent-Length: 0\r\n{cookie}\r\n{headers}");
    server.request(&format!("{method} /http/a/x HTTP/1.1\r\n{head}\r\n")).await
}

#[tokio::test]
async fn pages_of_other_sites_cannot_use_the_cookie() {
    let server = Server::new().with_admission(by_cookie("same-host,https://app.example"));
    let server = TestServer::tcp_with_factory(server, DefaultStateroomFactory::<Echo>::default()).await;
    for (headers, status) in [
        ("", 200),
        ("Origin: https://test\r\nSec-Fetch-Site: same-origin\r\n", 200),
        ("Origin: https://app.example\r\nSec-Fetch-Site: cross-site\r\n", 200),
        ("Sec-Fetch-Site: same-origin\r\n", 200),
        ("Sec-Fetch-Site: none\r\n", 200),
        ("Origin: https://evil.example\r\n", 403),
        ("Origin: null\r\n", 403),
        ("Sec-Fetch-Site: cross-site\r\n", 403),
        ("Sec-Fetch-Site: same-site\r\n", 403),
    ] {
        for method in ["POST", "GET", "DELETE"] {
            let response = send(&server, method, headers).await;
            assert_eq!(response.status, status, "{method} {headers}: {}", response.body);
            let lets_page_read = status == 200 && headers.contains("Origin");
            let credentials = response.header("access-control-allow-credentials");
            assert_eq!(credentials, lets_page_read.then_some("true"), "{method} {headers}");
            if status == 200 {
                assert!(response.body.contains("Some(\"Ann\")"), "{}", response.body);
                assert!(response.body.contains("(\"cookie\", \"theme=dark\")"), "{}", response.body);
            }
        }
    }
}

#[tokio::test]
async fn origins_of_every_site_are_an_error_and_never_use_the_cookie() {
    for origins in ["any", "null", "same-host,null"] {
        let server = Server::new().with_ip("127.0.0.1".to_owned()).with_port(0).with_admission(by_cookie(origins));
        let error = server.bind(DefaultStateroomFactory::<Guestbook>::default()).await.unwrap_err();
        assert!(error.to_string().contains("origins other than `any` and `null`"), "{error}");
        // Without `bind`, there is nobody to tell.
        let server = TestServer::pipe(Server::new().with_admission(by_cookie(origins)));
        let cookie = format!("jwt={}", sign(&ann()));
        let refusal = server.expect_refusal_with("/ws/a", &[("cookie", &cookie), ("origin", "null")]).await;
        assert_eq!(refusal.status, 401);
        assert_eq!(refusal.header("access-control-allow-credentials"), None);
    }
}
