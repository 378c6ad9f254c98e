//! Admission by JSON Web Tokens (RFC 7519): whoever signs them says who may join, and which room.
//!
//! *Invariant:* a key checks tokens of its own kind only, whatever a token says of itself: a public key is never taken for a
//! shared secret.
use std::fmt;

use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    errors::ErrorKind,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse},
};
use serde_json::{Map, Value};
use thiserror::Error;

/// A shared secret has to be as long as what it signs with (RFC 7518, section 3.2).
const SECRET_BYTES: usize = 32;

/// The keys by which tokens are checked, and the rules that they have to keep.
///
/// A token is taken from the parameter `access_token` of the query, the header `Authorization: Bearer`, or, as browsers can
/// set none, from the subprotocols of a WebSocket: `new WebSocket(url, ["bearer", token])`. Signed by one of the keys (HS256,
/// RS256, ES256 or EdDSA), it has to have
///
/// - `exp`, which must not be past by more than a minute when the client joins; and `nbf`, if it has it, not to come;
/// - `room`, if it has it, a text or a list of them: the rooms it is for. One that has it creates no rooms without a name;
/// - `iss` and `aud`, as they were asked for by [`with_issuer`](Jwt::with_issuer) and [`with_audience`](Jwt::with_audience).
///   One for another audience, when none was asked for, is for somebody else.
///
/// Its `sub`, and all its claims, are in the [details](stateroom::details::ClientDetails) that the room gets. A client that is
/// in stays in when its token runs out.
#[derive(Clone)]
pub struct Jwt {
    keys: Vec<Key>,
    issuer: Option<String>,
    audience: Option<String>,
}

#[derive(Clone)]
struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

/// What was given is no key of ours.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The shared secret is too short to be one.
    #[error("a shared secret has at least {SECRET_BYTES} bytes")]
    ShortSecret,
    /// What was given as a shared secret is a key in PEM.
    #[error("a shared secret is no key in PEM")]
    NoSecret,
    /// It is a private key.
    #[error("it holds a private key, which only whoever makes tokens should have: give the public one")]
    Private,
    /// It is neither form of key.
    #[error("it is neither a public key in PEM (RSA, EC P-256 or Ed25519) nor a JSON Web Key Set")]
    Unknown,
    /// It is a set of keys, of which none is for what we know.
    #[error("the key set has no key for HS256, RS256, ES256 or EdDSA")]
    Empty,
}

/// Why a token lets nobody in.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum TokenError {
    #[error("a token is needed: a JSON Web Token, in `Authorization: Bearer`, `?access_token=`, or a subprotocol")]
    Missing,
    #[error("there is more than one token")]
    Several,
    #[error("the token is no JSON Web Token")]
    Malformed,
    #[error("the token is signed in a way, or by a key, that is not known here")]
    UnknownKey,
    #[error("the token's signature is wrong")]
    Signature,
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid yet")]
    NotYet,
    #[error("the token has no `{0}`, or it is wrong")]
    Claim(String),
    #[error("the token is not for this room")]
    Room,
}

impl Jwt {
    /// Tokens that are signed with a secret which both sides share (HS256).
    ///
    /// # Errors
    ///
    /// If it has less than 32 bytes.
    pub fn from_secret(secret: &[u8]) -> Result<Self, KeyError> {
        if secret.len() < SECRET_BYTES {
            return Err(KeyError::ShortSecret);
        }
        // What everybody may know must not be what signs.
        if secret.trim_ascii_start().starts_with(b"-----BEGIN ") {
            return Err(KeyError::NoSecret);
        }
        Ok(Self::of(vec![Key { id: None, algorithm: Algorithm::HS256, key: DecodingKey::from_secret(secret) }]))
    }

    /// Tokens that are signed with the private key to a public one: in PEM, for RS256, ES256 or EdDSA; or with one of those in
    /// a JSON Web Key Set (RFC 7517), where a shared secret may be, too.
    ///
    /// # Errors
    ///
    /// If that is neither, or holds no key that is of use.
    pub fn from_keys(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        let keys = if text.starts_with('{') { from_set(text)? } else { vec![from_pem(text)?] };
        Ok(Self::of(keys))
    }

    /// Checks by the keys of `other` as well; by its issuer and audience where these have none of their own.
    #[must_use]
    pub fn and(mut self, other: Jwt) -> Self {
        self.keys.extend(other.keys);
        self.issuer = self.issuer.or(other.issuer);
        self.audience = self.audience.or(other.audience);
        self
    }

    /// Lets in only who has a token by this issuer (`iss`).
    #[must_use]
    pub fn with_issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Lets in only who has a token for this audience (`aud`).
    #[must_use]
    pub fn with_audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    fn of(keys: Vec<Key>) -> Self {
        Jwt { keys, issuer: None, audience: None }
    }

    /// Checks a token. Gives its claims.
    pub(crate) fn check(&self, token: &str, room: Option<&str>) -> Result<Map<String, Value>, TokenError> {
        let header = decode_header(token).map_err(|error| match error.kind() {
            ErrorKind::Json(_) | ErrorKind::InvalidAlgorithmName => TokenError::UnknownKey,
            _ => TokenError::Malformed,
        })?;
        let mut outcome = Err(TokenError::UnknownKey);
        // What a token calls critical has to be understood, and none of it is here (RFC 7515, section 4.1.11).
        if header.crit.is_some() {
            return outcome;
        }
        for key in &self.keys {
            let may_be =
                key.algorithm == header.alg && (key.id.is_none() || header.kid.is_none() || key.id == header.kid);
            if !may_be {
                continue;
            }
            outcome = decode::<Map<String, Value>>(token, &key.key, &self.rules(key.algorithm))
                .map(|token| token.claims)
                .map_err(|error| token_error(error.kind()));
            if outcome != Err(TokenError::Signature) {
                break;
            }
        }
        let claims = outcome?;
        if is_for(claims.get("room"), room) { Ok(claims) } else { Err(TokenError::Room) }
    }

    fn rules(&self, algorithm: Algorithm) -> Validation {
        let mut rules = Validation::new(algorithm);
        rules.validate_nbf = true;
        let mut required = vec!["exp"];
        if let Some(issuer) = &self.issuer {
            rules.set_issuer(&[issuer]);
            required.push("iss");
        }
        if let Some(audience) = &self.audience {
            rules.set_audience(&[audience]);
            required.push("aud");
        }
        rules.set_required_spec_claims(&required);
        rules
    }
}

/// Whether a token with this claim is for that room.
fn is_for(claim: Option<&Value>, room: Option<&str>) -> bool {
    match claim {
        None => true,
        Some(Value::String(only)) => room == Some(only),
        Some(Value::Array(rooms)) => rooms.iter().any(|it| it.as_str().is_some_and(|it| room == Some(it))),
        Some(_) => false,
    }
}

fn token_error(kind: &ErrorKind) -> TokenError {
    match kind {
        ErrorKind::ExpiredSignature => TokenError::Expired,
        ErrorKind::ImmatureSignature => TokenError::NotYet,
        ErrorKind::InvalidSignature => TokenError::Signature,
        ErrorKind::MissingRequiredClaim(claim) | ErrorKind::InvalidClaimFormat(claim) => {
            TokenError::Claim(claim.clone())
        }
        ErrorKind::InvalidIssuer => TokenError::Claim("iss".to_owned()),
        ErrorKind::InvalidAudience => TokenError::Claim("aud".to_owned()),
        ErrorKind::InvalidAlgorithm | ErrorKind::UnsupportedAlgorithm => TokenError::UnknownKey,
        _ => TokenError::Malformed,
    }
}

fn from_pem(text: &str) -> Result<Key, KeyError> {
    if text.contains("PRIVATE KEY-----") {
        return Err(KeyError::Private);
    }
    if !text.starts_with("-----BEGIN ") {
        return Err(KeyError::Unknown);
    }
    let pem = text.as_bytes();
    let (algorithm, key) = DecodingKey::from_ed_pem(pem)
        .map(|key| (Algorithm::EdDSA, key))
        .or_else(|_| DecodingKey::from_ec_pem(pem).map(|key| (Algorithm::ES256, key)))
        .or_else(|_| DecodingKey::from_rsa_pem(pem).map(|key| (Algorithm::RS256, key)))
        .map_err(|_| KeyError::Unknown)?;
    Ok(Key { id: None, algorithm, key })
}

fn from_set(text: &str) -> Result<Vec<Key>, KeyError> {
    let set: JwkSet = serde_json::from_str(text).map_err(|_| KeyError::Unknown)?;
    let keys: Vec<Key> = set.keys.iter().filter_map(from_jwk).collect();
    if keys.is_empty() { Err(KeyError::Empty) } else { Ok(keys) }
}

/// A key of a set, if it is for something that we know.
fn from_jwk(jwk: &Jwk) -> Option<Key> {
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => Algorithm::ES256,
        AlgorithmParameters::OctetKeyPair(curve) if curve.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
        AlgorithmParameters::OctetKey(_) => Algorithm::HS256,
        _ => return None,
    };
    let said = jwk.common.key_algorithm;
    let fits = said.is_none_or(|said| said == KeyAlgorithm::from(algorithm));
    let signs = jwk.common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
    let key = DecodingKey::from_jwk(jwk).ok().filter(|_| fits && signs)?;
    let is_short = algorithm == Algorithm::HS256 && key.try_get_as_bytes().is_ok_and(|it| it.len() < SECRET_BYTES);
    (!is_short).then(|| Key { id: jwk.common.key_id.clone(), algorithm, key })
}

impl fmt::Debug for Jwt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<Algorithm> = self.keys.iter().map(|key| key.algorithm).collect();
        let Jwt { issuer, audience, .. } = self;
        formatter.debug_struct("Jwt").field("keys", &keys).field("issuer", issuer).field("audience", audience).finish()
    }
}
