//! Admission by JSON Web Tokens (RFC 7519).
//!
//! *Invariant:* a key verifies tokens of its own algorithm only, whatever a token's header claims: a public key is never used
//! as a shared secret.
mod keys;
mod secret;

use std::{error::Error as StdError, fmt};

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, errors::ErrorKind};
use serde_json::{Map, Value};
use thiserror::Error;

use self::secret::refuse_key;
use crate::clock;

/// Minimum length of a shared secret: that of the hash (RFC 7518, section 3.2).
const SECRET_BYTES: usize = 32;

/// The keys that verify clients' tokens, and the rules for their claims.
///
/// A client sends its token in the query parameter `access_token`, in the header `Authorization: Bearer`, or, because
/// browsers cannot set that header, in the subprotocols of a WebSocket: `new WebSocket(url, ["bearer", token])`. A browser can
/// also send it in a [cookie](Jwt::with_cookie). A token is signed by one of the keys (HS256, RS256, ES256 or EdDSA). Its
/// claims:
///
/// - `exp`, required: at most a minute in the past when the client joins; `nbf`, optional: not in the future;
/// - `room`, optional: a string or a list of strings, the rooms that the token is valid for. A token with `room` cannot create
///   rooms without a name;
/// - `sub`, optional: the client's subject, a string or a number. The token by which a client keeps its ID belongs to it;
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
    cookie: Option<String>,
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
    /// The shared secret is something else.
    #[error("the shared secret is {found}: {advice}")]
    WrongSecret {
        /// The kind of file, with an article.
        found: &'static str,
        /// Advice to the user.
        advice: &'static str,
    },
    /// The key is a private key, or contains one, which only the signer of tokens should have.
    #[error("the key contains a private key: use the public key only (`openssl pkey -in FILE -pubout`)")]
    Private,
    /// The key in PEM is damaged.
    #[error("the key is not a valid public key in PEM: it may be cut off or otherwise damaged")]
    Unknown,
    /// The text is neither form of a key.
    #[error(
        "the key is neither a public key in PEM (RSA, EC P-256 or Ed25519) nor a JSON Web Key Set, but {found}: {advice}"
    )]
    WrongContent {
        /// The kind of file, with an article.
        found: &'static str,
        /// Advice to the user.
        advice: &'static str,
    },
    /// The public key cannot verify tokens.
    #[error("the key is {0}: use RSA of at least 2048 bits (RS256), EC P-256 (ES256) or Ed25519 (EdDSA)")]
    Unsupported(&'static str),
    /// The text is not a valid JSON Web Key Set.
    #[error("invalid JSON Web Key Set")]
    KeySet(#[source] Box<dyn StdError + Send + Sync>),
    /// The key set has no usable key.
    #[error("the key set has no key for HS256, RS256, ES256 or EdDSA")]
    Empty,
    /// No key of the key set can be used, for these reasons.
    #[error("no key of the key set can be used: {0}")]
    NoUsableKey(String),
}

/// The reason that a token is rejected.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum TokenError {
    #[error(
        "a JSON Web Token is required, in `Authorization: Bearer`, `?access_token=`, {}a subprotocol",
        or_cookie(cookie)
    )]
    Missing {
        /// The name of the cookie, if one is configured.
        cookie: Option<String>,
    },
    #[error(
        "the token's cookie is not used for a request that neither has an `Origin` nor comes from a page of this server: \
         use `fetch`"
    )]
    CrossSite,
    #[error("there is more than one token")]
    Several,
    #[error("the token is not a valid JSON Web Token")]
    Malformed,
    #[error("the token is signed with an unknown algorithm or key")]
    UnknownKey,
    #[error("the token's signature is invalid")]
    Signature,
    #[error("the server's clock is not set, so no token can be checked")]
    NoClock,
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
        refuse_key(secret)?;
        Ok(Self::of(vec![Key { id: None, algorithm: Algorithm::HS256, key: DecodingKey::from_secret(secret) }]))
    }

    /// Verifies tokens with public keys in PEM (RS256, ES256 or EdDSA), or with the keys of a JSON Web Key Set (RFC 7517),
    /// which may include shared secrets. Keys of a set that cannot be used are ignored, with a warning.
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
    pub fn from_keys(text: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        keys::read(text.as_ref()).map(Self::of)
    }

    /// Adds the keys of `other`, and its issuer, audience and cookie where `self` has none.
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
        self.cookie = self.cookie.or(other.cookie);
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

    /// Accepts the token in a cookie of this name, too, for pages of the same site. If a client sends another token, the
    /// cookie is ignored, and if it sends several cookies of the name, it is refused. Rooms do not receive the cookie.
    ///
    /// Browsers add a cookie to requests of any page, so the [origins](crate::Admission::origins) must not be `any` or
    /// `null`: [`Server::bind`](crate::Server::bind) is an error then, and a nested router ignores the cookie. A request
    /// without `Origin` whose `Sec-Fetch-Site` names another site is refused with 403. Set the cookie with `HttpOnly`,
    /// `Secure` and `SameSite=Lax` or `Strict`.
    ///
    /// ```
    /// # fn main() -> Result<(), stateroom_server::KeyError> {
    /// # use stateroom_server::Jwt;
    /// let jwt = Jwt::from_secret(b"a secret of at least 32 bytes, shared")?.with_cookie("__Host-access");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_cookie(mut self, name: impl Into<String>) -> Self {
        self.cookie = Some(name.into());
        self
    }

    /// Returns the name of the cookie that may contain the token.
    pub(crate) fn cookie(&self) -> Option<&str> {
        self.cookie.as_deref()
    }

    fn of(keys: Vec<Key>) -> Self {
        Jwt { keys, issuer: None, audience: None, cookie: None }
    }

    /// Verifies a token for a room. Returns its claims.
    pub(crate) fn check(&self, token: &str, room: Option<&str>) -> Result<Map<String, Value>, TokenError> {
        let header = decode_header(token).map_err(|error| match error.kind() {
            ErrorKind::Json(_) | ErrorKind::InvalidAlgorithmName => TokenError::UnknownKey,
            _ => TokenError::Malformed,
        })?;
        if !clock::is_set() {
            return Err(TokenError::NoClock);
        }
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

fn or_cookie(cookie: &Option<String>) -> String {
    cookie.as_ref().map_or_else(|| "or ".to_owned(), |cookie| format!("the cookie `{cookie}`, or "))
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

impl fmt::Debug for Jwt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<Algorithm> = self.keys.iter().map(|key| key.algorithm).collect();
        let Jwt { issuer, audience, cookie, .. } = self;
        let mut jwt = formatter.debug_struct("Jwt");
        jwt.field("keys", &keys).field("issuer", issuer).field("audience", audience).field("cookie", cookie).finish()
    }
}
