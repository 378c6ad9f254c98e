//! Admission by JSON Web Tokens (RFC 7519).
//!
//! *Invariant:* a key verifies tokens of its own algorithm only, whatever a token's header claims: a public key is never used
//! as a shared secret.
use std::{error::Error as StdError, fmt};

use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    errors::ErrorKind,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse},
};
use serde_json::{Map, Value};
use thiserror::Error;

/// Minimum length of a shared secret: that of the hash (RFC 7518, section 3.2).
const SECRET_BYTES: usize = 32;

/// The keys that verify clients' tokens, and the rules for their claims.
///
/// A client sends its token in the query parameter `access_token`, in the header `Authorization: Bearer`, or, because
/// browsers cannot set that header, in the subprotocols of a WebSocket: `new WebSocket(url, ["bearer", token])`. A token is
/// signed by one of the keys (HS256, RS256, ES256 or EdDSA). Its claims:
///
/// - `exp`, required: at most a minute in the past when the client joins; `nbf`, optional: not in the future;
/// - `room`, optional: a string or a list of strings, the rooms that the token is valid for. A token with `room` cannot create
///   rooms without a name;
/// - `iss` and `aud`: required by [`with_issuer`](Jwt::with_issuer) and [`with_audience`](Jwt::with_audience). A token with
///   `aud` is rejected if no audience is set.
///
/// The room receives `sub` and all claims in the [details](stateroom::details::ClientDetails) of the client. Clients stay
/// connected when their token expires.
///
/// ```
/// use stateroom_server::{Admission, Jwt, KeyError, Server};
///
/// # fn main() -> Result<(), KeyError> {
/// let jwt = Jwt::from_secret(b"a secret of at least 32 bytes, shared")?.with_issuer("https://id.example.com");
/// let server = Server::new().with_admission(Admission::new().with_jwt(jwt));
/// # Ok(())
/// # }
/// ```
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

/// The reason that a key cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The shared secret is too short.
    #[error("the shared secret is shorter than {SECRET_BYTES} bytes")]
    ShortSecret,
    /// The shared secret is a key in PEM, which is public or belongs to the signer alone.
    #[error("the shared secret is a key in PEM: use it as a key instead")]
    NoSecret,
    /// The key is a private key, which only the signer of tokens should have.
    #[error("the key is a private key: use the public key")]
    Private,
    /// The text is neither form of a key.
    #[error("the key is neither a public key in PEM (RSA, EC P-256 or Ed25519) nor a JSON Web Key Set")]
    Unknown,
    /// The text is not a valid JSON Web Key Set.
    #[error("invalid JSON Web Key Set")]
    KeySet(#[source] Box<dyn StdError + Send + Sync>),
    /// The key set has no usable key.
    #[error("the key set has no key for HS256, RS256, ES256 or EdDSA")]
    Empty,
}

/// The reason that a token is rejected.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum TokenError {
    #[error("a JSON Web Token is required, in `Authorization: Bearer`, `?access_token=`, or a subprotocol")]
    Missing,
    #[error("there is more than one token")]
    Several,
    #[error("the token is not a valid JSON Web Token")]
    Malformed,
    #[error("the token is signed with an unknown algorithm or key")]
    UnknownKey,
    #[error("the token's signature is invalid")]
    Signature,
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid yet")]
    NotYet,
    #[error("the token's claim `{0}` is missing or invalid")]
    Claim(String),
    #[error("the token is not valid for this room")]
    Room,
}

impl Jwt {
    /// Verifies tokens with a secret shared with their signer (HS256).
    ///
    /// # Errors
    ///
    /// If the secret is shorter than 32 bytes or is a key in PEM.
    ///
    /// ```
    /// # fn main() -> Result<(), stateroom_server::KeyError> {
    /// let jwt = stateroom_server::Jwt::from_secret(b"a secret of at least 32 bytes, shared")?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_secret(secret: &[u8]) -> Result<Self, KeyError> {
        if secret.len() < SECRET_BYTES {
            return Err(KeyError::ShortSecret);
        }
        // A public key must not become a secret that signs.
        if secret.trim_ascii_start().starts_with(b"-----BEGIN ") {
            return Err(KeyError::NoSecret);
        }
        Ok(Self::of(vec![Key { id: None, algorithm: Algorithm::HS256, key: DecodingKey::from_secret(secret) }]))
    }

    /// Verifies tokens with a public key in PEM (RS256, ES256 or EdDSA), or with the keys of a JSON Web Key Set (RFC 7517),
    /// which may include shared secrets.
    ///
    /// # Errors
    ///
    /// If the text is neither, or contains no usable key.
    ///
    /// ```
    /// # fn main() -> Result<(), stateroom_server::KeyError> {
    /// let key = "-----BEGIN PUBLIC KEY-----
    /// MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
    /// -----END PUBLIC KEY-----";
    /// let jwt = stateroom_server::Jwt::from_keys(key)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_keys(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        let keys = if text.starts_with('{') { from_set(text)? } else { vec![from_pem(text)?] };
        Ok(Self::of(keys))
    }

    /// Adds the keys of `other`, and its issuer and audience where `self` has none.
    ///
    /// ```
    /// # fn main() -> Result<(), stateroom_server::KeyError> {
    /// # use stateroom_server::Jwt;
    /// let (old, new) = (b"the secret of at least 32 bytes, old", b"the secret of at least 32 bytes, new");
    /// let jwt = Jwt::from_secret(new)?.and(Jwt::from_secret(old)?);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn and(mut self, other: Jwt) -> Self {
        self.keys.extend(other.keys);
        self.issuer = self.issuer.or(other.issuer);
        self.audience = self.audience.or(other.audience);
        self
    }

    /// Requires tokens of this issuer (`iss`).
    ///
    /// ```
    /// # fn main() -> Result<(), stateroom_server::KeyError> {
    /// # use stateroom_server::Jwt;
    /// let jwt = Jwt::from_secret(b"a secret of at least 32 bytes, shared")?.with_issuer("https://id.example.com");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Requires tokens for this audience (`aud`).
    ///
    /// ```
    /// # fn main() -> Result<(), stateroom_server::KeyError> {
    /// # use stateroom_server::Jwt;
    /// let jwt = Jwt::from_secret(b"a secret of at least 32 bytes, shared")?.with_audience("game");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    fn of(keys: Vec<Key>) -> Self {
        Jwt { keys, issuer: None, audience: None }
    }

    /// Verifies a token for a room. Returns its claims.
    pub(crate) fn check(&self, token: &str, room: Option<&str>) -> Result<Map<String, Value>, TokenError> {
        let header = decode_header(token).map_err(|error| match error.kind() {
            ErrorKind::Json(_) | ErrorKind::InvalidAlgorithmName => TokenError::UnknownKey,
            _ => TokenError::Malformed,
        })?;
        let mut outcome = Err(TokenError::UnknownKey);
        // Critical extensions must be understood, and none are supported (RFC 7515, section 4.1.11).
        if header.crit.is_some() {
            return outcome;
        }
        for key in &self.keys {
            let matches =
                key.algorithm == header.alg && (key.id.is_none() || header.kid.is_none() || key.id == header.kid);
            if !matches {
                continue;
            }
            outcome = decode::<Map<String, Value>>(token, &key.key, &self.validation(key.algorithm))
                .map(|token| token.claims)
                .map_err(|error| token_error(error.kind()));
            if outcome != Err(TokenError::Signature) {
                break;
            }
        }
        let claims = outcome?;
        if is_for(claims.get("room"), room) { Ok(claims) } else { Err(TokenError::Room) }
    }

    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.validate_nbf = true;
        let mut required = vec!["exp"];
        if let Some(issuer) = &self.issuer {
            validation.set_issuer(&[issuer]);
            required.push("iss");
        }
        if let Some(audience) = &self.audience {
            validation.set_audience(&[audience]);
            required.push("aud");
        }
        validation.set_required_spec_claims(&required);
        validation
    }
}

/// Returns whether a token with this claim `room` is valid for the room.
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
    let set: JwkSet = serde_json::from_str(text).map_err(|error| KeyError::KeySet(error.into()))?;
    let keys: Vec<Key> = set.keys.iter().filter_map(from_jwk).collect();
    if keys.is_empty() { Err(KeyError::Empty) } else { Ok(keys) }
}

/// Returns a key of a set, if its algorithm is supported.
fn from_jwk(jwk: &Jwk) -> Option<Key> {
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => Algorithm::ES256,
        AlgorithmParameters::OctetKeyPair(curve) if curve.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
        AlgorithmParameters::OctetKey(_) => Algorithm::HS256,
        _ => return None,
    };
    let declared = jwk.common.key_algorithm;
    let fits = declared.is_none_or(|declared| declared == KeyAlgorithm::from(algorithm));
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
