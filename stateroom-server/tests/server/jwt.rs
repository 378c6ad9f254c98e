//! Admission by JSON Web Tokens: all four algorithms, and all three ways to send a token.
use std::time::{Duration, SystemTime};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, jwk::Jwk};
use rcgen::{KeyPair, generate_simple_self_signed};
use serde_json::{Value, json};
use stateroom_server::{Admission, AdmissionRequest, Jwt, KeyError};

use crate::{
    admission::guestbook,
    common::{Client, TestServer},
};

pub(crate) const SECRET: &[u8] = b"a secret of at least 32 bytes, as required";

pub(crate) fn in_seconds(seconds: i64) -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    now.as_secs() as i64 + seconds
}

pub(crate) fn sign(claims: &Value) -> String {
    encode(&Header::default(), claims, &EncodingKey::from_secret(SECRET)).unwrap()
}

pub(crate) fn ann() -> Value {
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

/// Returns the subprotocols of a client that keeps its ID, with its access token.
fn subprotocols(claims: &Value, token: &str) -> String {
    format!("bearer, {}, stateroom-token, {token}", sign(claims))
}

/// Joins a room with the claims and token. Returns the client and its ID.
async fn join(server: &TestServer, claims: &Value, token: &str) -> (Client, String) {
    let header = subprotocols(claims, token);
    let (mut client, response) = server.connect_with("/ws/a", &[("sec-websocket-protocol", &header)]).await;
    assert_eq!(response.header("sec-websocket-protocol"), Some("bearer"));
    let text = client.receive_text().await;
    assert!(!text.contains(token), "a service receives no token: {text}");
    (client, text.split(' ').next().unwrap().to_owned())
}

#[tokio::test]
async fn a_token_belongs_to_the_subject_that_used_it_first() {
    let server = by_secret().await;
    let claims = |subject: Value| json!({ "sub": subject, "exp": in_seconds(60) });
    let (mut ann, id) = join(&server, &claims(json!("Ann")), "stolen").await;
    assert_eq!(id, "1");
    let anonymous = json!({ "exp": in_seconds(60) });
    let mut others = Vec::new();
    for (expected, claims) in
        [("2", claims(json!("Eve"))), ("3", anonymous), ("4", claims(json!(42))), ("5", claims(json!(43)))]
    {
        let (client, id) = join(&server, &claims, "stolen").await;
        assert_eq!(id, expected, "{claims}");
        others.push(client);
    }
    assert_eq!(server.handle.room("a").await.unwrap().connections(), 5, "no owner was closed");
    // A later token of the same subject.
    let (_again, id) = join(&server, &json!({ "sub": "Ann", "exp": in_seconds(90) }), "stolen").await;
    assert_eq!(id, "1");
    assert_eq!(ann.expect_close().await.0, 4000);
    for subject in [json!(["Ann"]), json!(true), json!({})] {
        let list = subprotocols(&claims(subject.clone()), "stolen");
        let refusal = server.expect_refusal_with("/ws/a", &[("sec-websocket-protocol", &list)]).await;
        assert_eq!(refusal.status, 401, "{subject}");
    }
}

#[tokio::test]
async fn a_token_belongs_to_the_subject_of_the_hook() {
    let hook = async |request: AdmissionRequest| {
        let mut details = request.details;
        details.subject = request.headers.get("x-user").map(|user| user.to_str().unwrap().to_owned());
        Ok(details)
    };
    let server = guestbook(Admission::new().with_hook(hook)).await;
    let mut clients = Vec::new();
    for (user, id) in [("Ann", "1"), ("Eve", "2"), ("Ann", "1")] {
        let (mut client, _) = server.connect_with("/ws/a?token=t", &[("x-user", user)]).await;
        assert!(client.receive_text().await.starts_with(&format!("{id} Some(\"{user}\")")), "{user}");
        clients.push(client);
    }
    assert_eq!(clients.first_mut().unwrap().expect_close().await.0, 4000);
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
    let jwt = Jwt::from_keys(json!({ "keys": set }).to_string()).unwrap().and(Jwt::from_secret(SECRET).unwrap());
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

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

#[tokio::test]
async fn accepts_keys_as_tools_and_editors_write_them() {
    let pairs = key_pairs();
    let [(_, ed, _), (.., ec_signer), (_, rsa, rsa_signer)] = &pairs;
    let ec = pairs.each_ref().get(1).unwrap().1.public_key_pem();
    let indented = ec.lines().map(|line| format!("  {line}\n")).collect::<String>();
    let mut jwk = serde_json::to_value(Jwk::from_encoding_key(ec_signer, Algorithm::ES256).unwrap()).unwrap();
    jwk["kid"] = json!("1");
    let several = format!("{}{ec}", ed.public_key_pem());
    for (what, keys, algorithm, signer) in [
        ("CRLF", ec.replace('\n', "\r\n"), Algorithm::ES256, ec_signer),
        ("a byte-order mark", format!("\u{feff}{ec}"), Algorithm::ES256, ec_signer),
        ("text before it", format!("the key of Ann:\n{ec}"), Algorithm::ES256, ec_signer),
        ("indentation", indented, Algorithm::ES256, ec_signer),
        ("several keys", several, Algorithm::ES256, ec_signer),
        ("PKCS#1", pem("RSA PUBLIC KEY", rsa.public_key_raw()), Algorithm::RS256, rsa_signer),
        ("one JSON Web Key", jwk.to_string(), Algorithm::ES256, ec_signer),
        (
            "a key set with a byte-order mark",
            format!("\u{feff}{}", json!({ "keys": [jwk] })),
            Algorithm::ES256,
            ec_signer,
        ),
    ] {
        let server = server(Jwt::from_keys(&keys).unwrap_or_else(|error| panic!("{what}: {error}"))).await;
        let token = encode(&Header::new(algorithm), &ann(), signer).unwrap();
        assert!(server.try_join(&format!("/ws/a?access_token={token}")).await.is_some(), "{what}");
    }
}

#[test]
fn rejects_invalid_keys_with_their_reason() {
    let of_label = |label: &str| pem(label, b"content").into_bytes();
    let p384 = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    let certificate = generate_simple_self_signed(["a".to_owned()]).unwrap().cert.pem();
    let public = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap().public_key_pem();
    let utf16 = [b"\xff\xfe".to_vec(), public.bytes().flat_map(|byte| [byte, 0]).collect()].concat();
    // `{"kty":"OKP","crv":"X25519"}` in DER.
    let x25519 = [b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x6e\x03\x21\x00".to_vec(), vec![9; 32]].concat();
    let short = |set: Value| json!({ "keys": [set] }).to_string().into_bytes();
    for (text, expected) in [
        (p384.serialize_pem().into_bytes(), "a private key: use the public key only (`openssl pkey"),
        (of_label("EC PRIVATE KEY"), "a private key: use the public key"),
        (format!("{public}{}", p384.serialize_pem()).into_bytes(), "contains a private key: use the public key"),
        ([public.clone().into_bytes(), of_label("ENCRYPTED PRIVATE KEY")].concat(), "an encrypted private key: only"),
        (br#"{"1": "-----BEGIN CERTIFICATE-----\nMIIB"}"#.to_vec(), "certificates in JSON: download the same keys as"),
        (br#"{"private_key": "-----BEGIN PRIVATE KEY-----\nMIIB"}"#.to_vec(), "a private key in JSON"),
        (br#"[{"kty": "OKP"}]"#.to_vec(), "a list of JSON Web Keys: write it as a key set: `{\"keys\": [...]}`"),
        (of_label("ENCRYPTED PRIVATE KEY"), "an encrypted private key: only the signer"),
        (of_label("OPENSSH PRIVATE KEY"), "the format of OpenSSH: convert its public key with `ssh-keygen"),
        (b"ssh-rsa AAAA ann@example".to_vec(), "the format of SSH: convert its public key with `ssh-keygen"),
        (b"PuTTY-User-Key-File-2: ssh-rsa".to_vec(), "the format of PuTTY"),
        (certificate.into_bytes(), "a certificate: extract its public key with `openssl x509"),
        (of_label("CERTIFICATE REQUEST"), "signing request: extract its public key with `openssl req"),
        (of_label("PGP PUBLIC KEY BLOCK"), "OpenPGP"),
        (of_label("PUBLIC KEY"), "a public key of an unknown kind"),
        (pem("PUBLIC KEY", &x25519).into_bytes(), "a public key of an unknown kind"),
        (p384.public_key_pem().into_bytes(), "another curve than P-256"),
        (pem("RSA PUBLIC KEY", &[0; 140]).into_bytes(), "an RSA key of less than 2048 bits"),
        (public.replace("-----END", "").into_bytes(), "damaged"),
        (public.replace('\n', "\\n").into_bytes(), "PEM with `\\n` in place of line breaks"),
        (utf16, "text in UTF-16: save it as UTF-8"),
        (b"\x30\x82\x01\x22\x30\x0d".to_vec(), "binary DER: convert a public key with"),
        (b"".to_vec(), "nothing: the file is empty"),
        (b"a text that could be a secret, but was not configured as one".to_vec(), "text without a line"),
        (b"{\"issuer\":\"a\",\"jwks_uri\":\"b\"}".to_vec(), "an OpenID configuration: download the key set"),
        (sign(&ann()).into_bytes(), "a JSON Web Token: a token is what the key verifies"),
        (b"{\"keys\": []}".to_vec(), "the key set has no key for"),
        (b"{\"keys\": 1}".to_vec(), "invalid JSON Web Key Set"),
        (short(json!({ "kty": "oct", "kid": "a", "k": "c2hvcnQ" })), "key `a` is a secret of less than 32 bytes"),
        (short(json!({ "kty": "oct", "use": "enc", "k": "c2hvcnQ" })), "key `without an ID` is not for signatures"),
        (short(json!({ "kty": "RSA", "alg": "RS512", "n": "AQAB", "e": "AQAB" })), "for another algorithm than"),
        (short(json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB" })), "less than 2048 bits"),
        (
            short(json!({ "kty": "AKP", "alg": "ML-DSA-44", "pub": "AQAB" })),
            "of another kind than RSA, EC, OKP and oct",
        ),
        (short(json!({ "kty": "EC", "crv": "secp256k1", "x": "AQAB", "y": "AQAB" })), "another curve than P-256"),
        (short(json!({ "kty": "OKP", "crv": "X25519", "x": "AQAB" })), "another curve than Ed25519"),
        (short(json!({ "kty": "EC", "crv": "P-256", "y": "AQAB" })), "incomplete"),
        (short(json!({ "kty": "EC", "crv": "P-384", "x": "AQAB", "y": "AQAB" })), "another curve than P-256"),
    ] {
        let error = Jwt::from_keys(&text).unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
        assert!(!error.contains("AAAA") && !error.contains("AQAB"), "no content: {error}");
    }
    let invalid = Jwt::from_keys("{\"keys\": 1}").unwrap_err();
    let source = std::error::Error::source(&invalid).unwrap().to_string();
    assert!(source.contains("line 1") && !invalid.to_string().contains(&source), "{invalid}: {source}");
}

#[test]
fn rejects_invalid_secrets_with_their_reason() {
    assert!(matches!(Jwt::from_secret(b"short"), Err(KeyError::ShortSecret)));
    let public = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap().public_key_pem();
    assert!(matches!(Jwt::from_secret(public.as_bytes()), Err(KeyError::NoSecret)));
    let jwk = json!({ "kty": "oct", "k": STANDARD.encode(SECRET) }).to_string();
    assert!(matches!(Jwt::from_secret(jwk.as_bytes()), Err(KeyError::WrongSecret { found: "a JSON Web Key", .. })));
    let utf16 = [b"\xff\xfe".to_vec(), SECRET.iter().flat_map(|byte| [*byte, 0]).collect()].concat();
    assert!(matches!(Jwt::from_secret(&utf16), Err(KeyError::WrongSecret { found: "text in UTF-16", .. })));
    let utf16: Vec<u8> = SECRET.iter().flat_map(|byte| [*byte, 0]).collect();
    assert!(matches!(Jwt::from_secret(&utf16), Err(KeyError::WrongSecret { found: "text in UTF-16", .. })));
    // Random bytes may begin like a byte-order mark.
    assert!(Jwt::from_secret(&[0xff, 0xfe].repeat(16)).is_ok());
    // Nor behind anything, or in another form.
    let wide = |width: usize, at: usize| {
        let widen = |byte: u8| (0..width).map(move |index| if index == at { byte } else { 0 });
        public.bytes().flat_map(widen).collect::<Vec<_>>()
    };
    let body = public.lines().filter(|line| !line.starts_with("--")).collect::<Vec<_>>();
    for (key, form) in [
        (format!("\u{feff}{public}").into_bytes(), "a byte-order mark"),
        (format!("\u{feff}\u{feff}\n{public}").into_bytes(), "several"),
        (format!("# our key\n{public}").into_bytes(), "a comment"),
        (format!("key: {public}").into_bytes(), "on the same line"),
        ([&[0xff; 40], public.as_bytes()].concat(), "bytes that are no text"),
        (public.replace('\n', "\\n").into_bytes(), "escaped line breaks"),
        (format!("\"{public}\"").into_bytes(), "quotation marks"),
        (public.to_lowercase().into_bytes(), "lower case"),
        (wide(2, 0), "UTF-16LE"),
        (wide(2, 1), "UTF-16BE"),
        ([vec![0xff, 0xfe], wide(2, 0)].concat(), "UTF-16LE with a mark"),
        (wide(4, 0), "UTF-32LE"),
        (wide(4, 3), "UTF-32BE"),
        (body.concat().into_bytes(), "Base64 alone"),
        (body.join("\r\n").into_bytes(), "lines of Base64"),
        (body.concat().replace('+', "-").replace('/', "_").into_bytes(), "Base64 for URLs"),
        (pem::parse(&public).unwrap().into_contents(), "DER"),
        (STANDARD.encode(&public).into_bytes(), "PEM in Base64"),
        (b"# a comment, and more: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ a@b".to_vec(), "OpenSSH behind a comment"),
        (b"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDDDDDDDDDDDDDDDDDDDDDDD a@b".to_vec(), "OpenSSH"),
    ] {
        assert!(Jwt::from_secret(&key).is_err(), "{form}");
    }
    let disguised = json!({ "kty": "oct", "k": URL_SAFE_NO_PAD.encode(&public) }).to_string();
    assert!(matches!(Jwt::from_keys(disguised), Err(KeyError::NoUsableKey(_))));
    // Secrets as tools make them.
    for secret in [
        b"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA".to_vec(),
        b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef".to_vec(),
        b"MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA=".to_vec(),
        [&[0x30, 0x82, 1, 2][..], &[7; 28]].concat(),
        vec![b' '; 40],
    ] {
        assert!(Jwt::from_secret(&secret).is_ok(), "{secret:?}");
    }
    let jwt = Jwt::from_secret(SECRET).unwrap();
    assert!(!format!("{jwt:?}").contains("secret"));
}
