//! Admission by JSON Web Tokens: all four algorithms, and all three ways to send a token.
use std::time::{Duration, SystemTime};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, jwk::Jwk};
use rcgen::KeyPair;
use serde_json::{Value, json};
use stateroom_server::{Admission, Jwt, KeyError};

use crate::{admission::guestbook, common::TestServer};

const SECRET: &[u8] = b"a secret of at least 32 bytes, as required";

fn in_seconds(seconds: i64) -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    now.as_secs() as i64 + seconds
}

fn sign(claims: &Value) -> String {
    encode(&Header::default(), claims, &EncodingKey::from_secret(SECRET)).unwrap()
}

fn ann() -> Value {
    json!({ "sub": "Ann", "exp": in_seconds(60) })
}

async fn server(jwt: Jwt) -> TestServer {
    guestbook(Admission::new().with_jwt(jwt)).await
}

async fn by_secret() -> TestServer {
    server(Jwt::from_secret(SECRET).unwrap()).await
}

#[tokio::test]
async fn accepts_a_token_in_the_query_a_header_or_the_subprotocols() {
    let server = by_secret().await;
    let token = sign(&ann());
    let bearer = format!("bEARER {token}");
    let (mut in_query, response) = server.connect_with(&format!("/ws/a?access_token={token}&x=y"), &[]).await;
    assert_eq!(response.header("sec-websocket-protocol"), None);
    let claims = ann().to_string();
    in_query.expect_text(&format!("1 Some(\"Ann\") {:?} [(\"x\", \"y\")] [] None", Some(claims))).await;
    drop(server.connect_with("/ws/a", &[("authorization", &bearer)]).await);
    let (_, response) = server.connect_with("/ws/a", &[("sec-websocket-protocol", &format!("bearer, {token}"))]).await;
    assert_eq!(response.header("sec-websocket-protocol"), Some("bearer"));

    let both = format!("/ws/a?access_token={token}");
    assert_eq!(
        server.expect_refusal_with(&both, &[("authorization", &bearer)]).await.status,
        401,
        "two tokens are ambiguous"
    );
}

#[tokio::test]
async fn rejects_requests_without_a_token() {
    let server = by_secret().await;
    for response in [server.expect_refusal("/ws/a").await, server.post("/ws/a").await, server.post("/new_room").await] {
        let header = response.header("www-authenticate").map(str::to_ascii_lowercase);
        assert_eq!((response.status, header.as_deref()), (401, Some("bearer")));
    }
    assert_eq!(server.get("/status").await.status, 200);
    assert!(server.handle.rooms().await.is_empty());
    assert_eq!(server.post(&format!("/new_room?access_token={}", sign(&ann()))).await.status, 200);
}

#[tokio::test]
async fn a_token_is_valid_for_its_rooms_only() {
    let server = by_secret().await;
    let with = |room: Value| sign(&json!({ "room": room, "exp": in_seconds(60) }));
    let one = with(json!("a b"));
    drop(server.connect(&format!("/ws/a%20b?access_token={one}")).await);
    drop(server.connect(&format!("/ws/c?access_token={}", with(json!(["b", "c"])))).await);
    for (token, room) in [(&one, "a"), (&one, "a%20b%20"), (&with(json!([])), "a"), (&with(json!(1)), "1")] {
        assert_eq!(server.expect_refusal(&format!("/ws/{room}?access_token={token}")).await.status, 403, "{room}");
    }
    assert_eq!(server.post(&format!("/new_room?access_token={one}")).await.status, 403);
}

#[tokio::test]
async fn rejects_invalid_tokens_with_their_reason() {
    let server = by_secret().await;
    let exp = in_seconds(60);
    let other = EncodingKey::from_secret(b"another secret of at least 32 bytes");
    let critical = Header { crit: Some(vec!["b64".to_owned()]), ..Header::default() };
    let secret = EncodingKey::from_secret(SECRET);
    for (token, reason) in [
        (sign(&json!({ "exp": in_seconds(-3600) })), "expired"),
        (sign(&json!({ "exp": exp, "nbf": in_seconds(3600) })), "not valid yet"),
        (sign(&json!({ "sub": "Ann" })), "`exp`"),
        (sign(&json!({ "exp": "tomorrow" })), "`exp`"),
        (sign(&json!({ "exp": exp, "aud": "another audience" })), "`aud`"),
        (encode(&Header::default(), &ann(), &other).unwrap(), "signature"),
        (encode(&Header::new(Algorithm::HS384), &ann(), &secret).unwrap(), "unknown algorithm"),
        (encode(&critical, &ann(), &secret).unwrap(), "unknown algorithm"),
        // {"alg":"none"}.{}.
        ("eyJhbGciOiJub25lIn0.e30.".to_owned(), "unknown algorithm"),
        ("malformed".to_owned(), "not a valid JSON Web Token"),
    ] {
        let response = server.expect_refusal(&format!("/ws/a?access_token={token}")).await;
        assert_eq!(response.status, 401, "{reason}");
        assert!(response.body.contains(reason) && !response.body.contains(&token), "{reason}: {}", response.body);
    }
}

#[tokio::test]
async fn checks_issuer_and_audience() {
    let jwt = Jwt::from_secret(SECRET).unwrap().with_issuer("us").with_audience("rooms");
    let server = server(jwt).await;
    let exp = in_seconds(60);
    let good = sign(&json!({ "exp": exp, "iss": "us", "aud": ["other", "rooms"] }));
    drop(server.connect(&format!("/ws/a?access_token={good}")).await);
    for claims in [
        json!({ "exp": exp, "iss": "them", "aud": "rooms" }),
        json!({ "exp": exp, "aud": "rooms" }),
        json!({ "exp": exp, "iss": "us", "aud": "other" }),
        json!({ "exp": exp, "iss": "us" }),
    ] {
        assert_eq!(
            server.expect_refusal(&format!("/ws/a?access_token={}", sign(&claims))).await.status,
            401,
            "{claims}"
        );
    }
}

/// Returns a key pair and its signing key for each asymmetric algorithm.
fn key_pairs() -> [(Algorithm, KeyPair, EncodingKey); 3] {
    let pair = |algorithm: Algorithm, kind| {
        let pair = KeyPair::generate_for(kind).unwrap();
        let pem = pair.serialize_pem();
        let key = match algorithm {
            Algorithm::EdDSA => EncodingKey::from_ed_pem(pem.as_bytes()),
            Algorithm::ES256 => EncodingKey::from_ec_pem(pem.as_bytes()),
            _ => EncodingKey::from_rsa_pem(pem.as_bytes()),
        };
        (algorithm, pair, key.unwrap())
    };
    [
        pair(Algorithm::EdDSA, &rcgen::PKCS_ED25519),
        pair(Algorithm::ES256, &rcgen::PKCS_ECDSA_P256_SHA256),
        pair(Algorithm::RS256, &rcgen::PKCS_RSA_SHA256),
    ]
}

#[tokio::test]
async fn verifies_tokens_of_the_matching_key_only() {
    let pairs = key_pairs();
    for (algorithm, pair, key) in &pairs {
        let public = pair.public_key_pem();
        let server = server(Jwt::from_keys(&public).unwrap()).await;
        let token = encode(&Header::new(*algorithm), &ann(), key).unwrap();
        drop(server.connect(&format!("/ws/a?access_token={token}")).await);
        for (other, _, key) in pairs.iter().filter(|(other, ..)| other != algorithm) {
            let token = encode(&Header::new(*other), &ann(), key).unwrap();
            assert_eq!(server.expect_refusal(&format!("/ws/a?access_token={token}")).await.status, 401, "{other:?}");
        }
        // An attacker uses the public key as a shared secret.
        let forged = encode(&Header::default(), &ann(), &EncodingKey::from_secret(public.as_bytes())).unwrap();
        assert_eq!(server.expect_refusal(&format!("/ws/a?access_token={forged}")).await.status, 401);
    }
}

#[tokio::test]
async fn selects_a_key_by_its_id() {
    let pairs = key_pairs();
    let set: Vec<Value> = pairs
        .iter()
        .map(|(algorithm, pair, key)| {
            let id = format!("{algorithm:?}");
            if *algorithm == Algorithm::EdDSA {
                let x = URL_SAFE_NO_PAD.encode(pair.public_key_raw());
                return json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": id, "x": x });
            }
            let mut jwk = Jwk::from_encoding_key(key, *algorithm).unwrap();
            jwk.common.key_id = Some(id);
            serde_json::to_value(jwk).unwrap()
        })
        .chain([json!({ "kty": "future", "kid": "?" }), json!({ "kty": "oct", "k": "c2hvcnQ", "alg": "HS256" })])
        .collect();
    let jwt = Jwt::from_keys(&json!({ "keys": set }).to_string()).unwrap().and(Jwt::from_secret(SECRET).unwrap());
    let server = server(jwt).await;
    for (algorithm, _, key) in &pairs {
        let mut header = Header::new(*algorithm);
        for (id, status) in
            [(None, None), (Some(format!("{algorithm:?}")), None), (Some("other".to_owned()), Some(401))]
        {
            header.kid = id;
            let path = format!("/ws/a?access_token={}", encode(&header, &ann(), key).unwrap());
            match status {
                None => drop(server.connect(&path).await),
                Some(status) => assert_eq!(server.expect_refusal(&path).await.status, status),
            }
        }
    }
    drop(server.connect(&format!("/ws/a?access_token={}", sign(&ann()))).await);
    let short = encode(&Header::default(), &ann(), &EncodingKey::from_secret(b"short")).unwrap();
    assert_eq!(
        server.expect_refusal(&format!("/ws/a?access_token={short}")).await.status,
        401,
        "keys that are too short are ignored"
    );
}

#[tokio::test]
async fn replaces_keys_and_keeps_connections() {
    let server = by_secret().await;
    let path = format!("/ws/a?access_token={}", sign(&ann()));
    let _client = server.connect(&path).await;
    server.handle.set_jwt(Jwt::from_secret(b"another secret of at least 32 bytes").unwrap());
    assert_eq!(server.expect_refusal(&path).await.status, 401);
    assert_eq!(server.handle.room("a").await.unwrap().connections(), 1);
}

#[test]
fn rejects_invalid_keys_with_their_reason() {
    let private = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap().serialize_pem();
    let error = |text: &str| Jwt::from_keys(text).unwrap_err();
    assert!(matches!(error(&private), KeyError::Private));
    for text in [
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
        "a text that could be a secret, but was not configured as one",
        "",
    ] {
        assert!(matches!(error(text), KeyError::Unknown), "{text}");
    }
    assert!(matches!(error("{\"keys\": []}"), KeyError::Empty));
    let invalid = error("{\"keys\": 1}");
    assert!(matches!(invalid, KeyError::KeySet(_)));
    let source = std::error::Error::source(&invalid).unwrap().to_string();
    assert!(source.contains("line 1") && !invalid.to_string().contains(&source), "{invalid}: {source}");
    assert!(matches!(Jwt::from_secret(b"short"), Err(KeyError::ShortSecret)));
    let public = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap().public_key_pem();
    assert!(matches!(Jwt::from_secret(public.as_bytes()), Err(KeyError::NoSecret)));
    let jwt = Jwt::from_secret(SECRET).unwrap();
    assert!(!format!("{jwt:?}").contains("secret"));
}
