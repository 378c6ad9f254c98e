//! The credentials that a request carries: in its query, headers and cookies, and in the subprotocols of its WebSocket
//! handshake.
//!
//! *Invariant:* a secret is in none of the values that a room receives, and never in the response.
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};

use super::HttpRefusal;

/// The query parameter of the token that admits a client.
const ACCESS_TOKEN: &str = "access_token";
/// The query parameter of the token by which a client keeps its ID.
const TOKEN: &str = "token";
/// The subprotocol that a browser sends before its access token, because it cannot set headers.
const BEARER: &str = "bearer";
/// The subprotocol that a browser sends before the token by which it keeps its ID, because logs of proxies show the query.
const CLIENT_TOKEN: &str = "stateroom-token";

/// Maximum number of query parameters.
const MAX_PARAMETERS: usize = 100;

/// The parts of a URL's query.
pub(super) struct Query {
    /// The parameters that are not secret.
    pub(super) rest: Vec<(String, String)>,
    /// The same, as sent.
    pub(super) raw: String,
    pub(super) token: Option<String>,
    pub(super) access_token: Option<String>,
}

impl Query {
    pub(super) fn read(uri: &Uri) -> Result<Query, HttpRefusal> {
        let mut query = Query { rest: Vec::new(), raw: String::new(), token: None, access_token: None };
        for part in uri.query().unwrap_or_default().split('&') {
            let Some((name, value)) = form_urlencoded::parse(part.as_bytes()).next() else { continue };
            let secret = match &*name {
                TOKEN => &mut query.token,
                ACCESS_TOKEN => &mut query.access_token,
                _ => {
                    let and = if query.raw.is_empty() { "" } else { "&" };
                    query.raw.extend([and, part]);
                    query.rest.push((name.into_owned(), value.into_owned()));
                    // A parameter takes more memory than its bytes, as long as the client is connected.
                    if query.rest.len() > MAX_PARAMETERS {
                        return Err(HttpRefusal::Malformed(format!(
                            "the query has more than {MAX_PARAMETERS} parameters"
                        )));
                    }
                    continue;
                }
            };
            if secret.replace(value.into_owned()).is_some() {
                return Err(HttpRefusal::Malformed(format!("the query has more than one `{name}`")));
            }
        }
        let given = |token: Option<String>| token.filter(|token| !token.is_empty());
        (query.token, query.access_token) = (given(query.token), given(query.access_token));
        Ok(query)
    }
}

/// The subprotocols that a client offers.
#[derive(Debug, Default)]
pub(super) struct Subprotocols<'a> {
    /// Those that are not secret, in order.
    offered: Vec<&'a str>,
    pub(super) access_tokens: Vec<&'a str>,
    pub(super) token: Option<&'a str>,
    /// The first name that a token follows.
    marker: Option<&'static str>,
}

impl<'a> Subprotocols<'a> {
    pub(super) fn read(headers: &'a HeaderMap) -> Result<Self, HttpRefusal> {
        let malformed = |problem: &str| HttpRefusal::Malformed(format!("`Sec-WebSocket-Protocol`: {problem}"));
        let mut subprotocols = Subprotocols::default();
        let lists = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().map(HeaderValue::to_str);
        let lists = lists.collect::<Result<Vec<_>, _>>().map_err(|_| malformed("use ASCII characters only"))?;
        let mut names = lists.into_iter().flat_map(|list| list.split(',')).map(str::trim).filter(|it| !it.is_empty());
        while let Some(name) = names.next() {
            subprotocols.offered.push(name);
            match name {
                BEARER => subprotocols.access_tokens.extend(names.next()),
                CLIENT_TOKEN => {
                    let token = names.next().filter(|token| is_token(token));
                    let token = token.ok_or_else(|| {
                        malformed(
                            "`stateroom-token` must be followed by the token: letters, digits and !#$%&'*+-.^_`|~",
                        )
                    })?;
                    if subprotocols.token.replace(token).is_some() {
                        return Err(malformed("there is more than one `stateroom-token`"));
                    }
                }
                _ => continue,
            }
            let marker = if name == BEARER { BEARER } else { CLIENT_TOKEN };
            subprotocols.marker.get_or_insert(marker);
        }
        Ok(subprotocols)
    }

    /// Returns the preferred subprotocol among those offered.
    pub(super) fn select(&self, supported: &[String]) -> Option<String> {
        supported.iter().find(|it| self.offered.contains(&it.as_str())).cloned()
    }

    /// Returns the list of those that announce no secret.
    fn of_application(&self) -> String {
        let names = self.offered.iter().filter(|name| !matches!(**name, BEARER | CLIENT_TOKEN));
        names.copied().collect::<Vec<_>>().join(", ")
    }

    /// Returns the subprotocol to name in the response if none is selected: a browser that offers subprotocols closes the
    /// connection otherwise.
    pub(super) fn marker(&self) -> Option<String> {
        self.marker.map(str::to_owned)
    }
}

/// Returns whether a text is a token in the sense of RFC 9110, section 5.6.2, as a subprotocol has to be.
fn is_token(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// Returns the access tokens of the headers `Authorization: Bearer`.
#[cfg(feature = "jwt")]
pub(super) fn of_header(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers.get_all(header::AUTHORIZATION).iter().filter_map(|value| {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case(BEARER).then(|| token.trim())
    })
}

/// Returns the values of the cookies of this name.
#[cfg(feature = "jwt")]
pub(super) fn cookies(headers: &HeaderMap, name: &str) -> Vec<String> {
    // As text even if another cookie is not.
    let lists = headers.get_all(header::COOKIE).iter().map(|list| String::from_utf8_lossy(list.as_bytes()));
    lists
        .flat_map(|list| {
            let cookies = cookie::Cookie::split_parse(&*list).filter_map(Result::ok).filter(|it| it.name() == name);
            cookies.map(|cookie| cookie.value_trimmed().to_owned()).collect::<Vec<_>>()
        })
        .collect()
}

/// Returns whether a browser may have sent a request without `Origin`, and with cookies, because of a page of another site.
#[cfg(feature = "jwt")]
pub(super) fn is_cross_site(headers: &HeaderMap) -> bool {
    const SEC_FETCH_SITE: &str = "sec-fetch-site";
    let is_own = |site: &HeaderValue| site == "same-origin" || site == "none";
    !headers.contains_key(header::ORIGIN) && !headers.get_all(SEC_FETCH_SITE).iter().all(is_own)
}

/// Returns the fields of a header for a room: without the cookie that contains an access token, and of the subprotocols only
/// those of the application.
pub(super) fn for_room(headers: &HeaderMap, name: HeaderName, cookie: Option<&str>) -> Vec<(String, String)> {
    if name == header::SEC_WEBSOCKET_PROTOCOL {
        // A token may stand in another field than the name that it follows.
        let offered = Subprotocols::read(headers).map(|it| it.of_application()).unwrap_or_default();
        return if offered.is_empty() { Vec::new() } else { vec![(name.to_string(), offered)] };
    }
    let values = headers.get_all(&name).iter();
    values.map(|value| (name.to_string(), without_cookie(&name, value, cookie))).collect()
}

fn without_cookie(name: &HeaderName, value: &HeaderValue, cookie: Option<&str>) -> String {
    let value = String::from_utf8_lossy(value.as_bytes());
    match cookie.filter(|_| name == header::COOKIE) {
        None => value.into_owned(),
        Some(cookie) => {
            let is_other = |pair: &&str| pair.split('=').next().is_some_and(|name| name.trim() != cookie);
            value.split(';').filter(is_other).collect::<Vec<_>>().join(";").trim().to_owned()
        }
    }
}

/// Returns the key under which a room remembers a token. A token belongs to the subject that uses it: with another subject,
/// the same token is another key. As a hash it is of bounded length, whatever the subject, and nobody without `key` can find the
/// token by trying.
pub(super) fn client_key(key: &[u8; 32], subject: Option<&str>, token: &str) -> String {
    // The length keeps the two apart, and a client without a subject from every subject.
    let length = subject.map_or(u64::MAX, |subject| subject.len() as u64);
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(&length.to_le_bytes()).update(subject.unwrap_or_default().as_bytes()).update(token.as_bytes());
    hasher.finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The offered subprotocols, the access tokens, the token, and the marker.
    type Parts = (Vec<String>, Vec<String>, Option<String>, Option<String>);

    fn read(lists: &[&str]) -> Result<Parts, String> {
        let mut headers = HeaderMap::new();
        for list in lists {
            headers.append(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_bytes(list.as_bytes()).unwrap());
        }
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        match Subprotocols::read(&headers) {
            Ok(it) => Ok((owned(&it.offered), owned(&it.access_tokens), it.token.map(str::to_owned), it.marker())),
            Err(refusal) => Err(format!("{refusal:?}")),
        }
    }

    #[test]
    fn a_secret_follows_its_marker_and_is_not_offered() {
        for (lists, offered, access_tokens, token, marker) in [
            (&[][..], &[][..], &[][..], None, None),
            (&["v1, v2"], &["v1", "v2"], &[], None, None),
            (&["bearer, e30.x"], &["bearer"], &["e30.x"], None, Some("bearer")),
            (&["stateroom-token,s3cret!"], &["stateroom-token"], &[], Some("s3cret!"), Some("stateroom-token")),
            (
                &["v1", "stateroom-token", "bearer,,bearer", "v2"],
                &["v1", "stateroom-token", "bearer"],
                &["v2"],
                Some("bearer"),
                Some("stateroom-token"),
            ),
            (
                &["v1,bearer,v2", "stateroom-token,v3, v4"],
                &["v1", "bearer", "stateroom-token", "v4"],
                &["v2"],
                Some("v3"),
                Some("bearer"),
            ),
            (&["bearer"], &["bearer"], &[], None, Some("bearer")),
        ] {
            let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
            let expected = (owned(offered), owned(access_tokens), token.map(str::to_owned), marker.map(str::to_owned));
            assert_eq!(read(lists), Ok(expected), "{lists:?}");
        }
    }

    #[test]
    fn a_room_receives_the_subprotocols_without_secrets() {
        for (lists, expected) in [
            (&[][..], None),
            (&["v1, v2", "v3"], Some("v1, v2, v3")),
            (&["bearer, JWT, v1, stateroom-token, T, v2"], Some("v1, v2")),
            (&["v1, bearer", "JWT, stateroom-token", "T"], Some("v1")),
            (&["bearer, JWT"], None),
            (&["v1, stateroom-token"], None),
        ] {
            let mut headers = HeaderMap::new();
            for list in lists {
                headers.append(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(list));
            }
            let fields = for_room(&headers, header::SEC_WEBSOCKET_PROTOCOL, None);
            let values: Vec<&str> = fields.iter().map(|(_, value)| value.as_str()).collect();
            assert_eq!(values, expected.into_iter().collect::<Vec<_>>(), "{lists:?}");
        }
    }

    #[cfg(feature = "jwt")]
    #[test]
    fn every_authorization_with_a_bearer_token_counts() {
        let mut headers = HeaderMap::new();
        for value in ["Basic YTpi", "Bearer one", "bearer two"] {
            headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
        }
        assert_eq!(of_header(&headers).collect::<Vec<_>>(), ["one", "two"]);
    }

    #[test]
    fn an_ambiguous_or_invalid_token_is_rejected() {
        for (list, problem) in [
            ("stateroom-token", "followed by the token"),
            ("stateroom-token, a b", "followed by the token"),
            ("stateroom-token, a/b", "followed by the token"),
            ("stateroom-token, \"a\"", "followed by the token"),
            ("stateroom-token, a, stateroom-token, b", "more than one"),
            ("stateroom-token, é", "ASCII"),
        ] {
            assert!(read(&[list]).unwrap_err().contains(problem), "{list}");
        }
    }

    #[test]
    fn a_token_belongs_to_its_subject() {
        let identities =
            [(None, "1t"), (Some(""), "1t"), (Some("1"), "t"), (Some("1t"), ""), (Some("1"), "t2"), (None, "t")];
        let keys = identities.map(|(subject, token)| client_key(&[1; 32], subject, token));
        for (index, key) in keys.iter().enumerate() {
            assert_eq!(key.len(), 64);
            assert!(!keys.iter().take(index).any(|it| it == key), "{:?}", identities.get(index));
        }
        // A key is no token: who sees one cannot use it.
        assert_ne!(client_key(&[1; 32], None, keys.first().unwrap()), *keys.first().unwrap());
        assert_ne!(client_key(&[2; 32], None, "1t"), *keys.first().unwrap());
        assert_eq!(client_key(&[1; 32], Some(&"s".repeat(1 << 20)), "t").len(), 64);
    }
}
