//! The admission of a request: its origin, token and hook, and the client's details.
//!
//! *Invariant:* every request that concerns a room is admitted here first. Secrets stay here: the details for the room contain
//! none.
use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::ConnectInfo,
    http::{HeaderMap, HeaderName, Uri, header, request::Parts},
};
use stateroom::details::ClientDetails;
use tokio::time::timeout;

use super::HttpRefusal;
use crate::{
    admission::{Access, Admission, AdmissionRequest, Denied},
    shared::Shared,
};

/// The query parameter of the token that admits a client.
const ACCESS_TOKEN: &str = "access_token";
/// The query parameter of the token by which a client keeps its ID.
const TOKEN: &str = "token";
/// The subprotocol that a browser sends before its token, because it cannot set headers.
const BEARER: &str = "bearer";

/// Maximum number of query parameters.
const MAX_PARAMETERS: usize = 100;

/// The reason that a client is not admitted.
#[derive(Debug)]
pub(crate) enum AdmissionRefusal {
    /// The origin of its web page is not allowed.
    Origin(String),
    /// Its token is rejected.
    #[cfg(feature = "jwt")]
    Token(crate::admission::jwt::TokenError),
    /// The program's hook refuses it.
    Denied(Denied),
    /// The hook did not decide in time.
    HookTime,
}

/// An admitted client.
#[derive(Debug)]
pub(super) struct Admitted {
    /// The details that its room receives.
    pub(super) details: ClientDetails,
    /// The token by which it keeps its ID.
    pub(super) token: Option<String>,
    /// The query as sent, without secrets.
    pub(super) query: String,
    /// Its address, if known.
    pub(super) peer: Option<IpAddr>,
    /// The selected subprotocol of its WebSocket.
    pub(super) subprotocol: Option<String>,
}

/// Admits or refuses the client that sends a request.
pub(super) async fn admit(
    shared: &Shared,
    access: Access,
    room: Option<&str>,
    request: &Parts,
) -> Result<Admitted, HttpRefusal> {
    let admission = &shared.settings().admission;
    let connection = request.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
    check_origin(admission, connection, request)?;
    let peer = connection.map(|peer| admission.trusted_proxies.client(peer, &request.headers));

    let Query { rest, raw, token, access_token } = Query::read(&request.uri)?;
    // Subprotocols exist in WebSocket handshakes only.
    let offered = if access == Access::Join { offered(&request.headers) } else { Vec::new() };
    let bearer = offered.iter().position(|it| *it == BEARER);
    let subprotocol = select(&admission.subprotocols, &offered);
    let in_subprotocols = bearer.and_then(|at| offered.get(at + 1)).copied();
    let mut details = details_of_token(shared, room, request, access_token, in_subprotocols)?;
    details.query = rest;
    details.headers = passed_on(&admission.client_headers, &request.headers);
    details.subprotocol.clone_from(&subprotocol);
    let details = match admission.hook() {
        None => details,
        Some(hook) => {
            let request = AdmissionRequest {
                access,
                room: room.map(str::to_owned),
                headers: request.headers.clone(),
                query: request.uri.query().unwrap_or_default().to_owned(),
                peer,
                details,
            };
            let answer = timeout(admission.hook_time, hook.ask(request)).await;
            answer.map_err(|_| AdmissionRefusal::HookTime)?.map_err(AdmissionRefusal::Denied)?
        }
    };
    // A browser that offers subprotocols closes the connection unless one is selected.
    let subprotocol = subprotocol.or_else(|| bearer.map(|_| BEARER.to_owned()));
    Ok(Admitted { details, token, query: raw, peer, subprotocol })
}

fn check_origin(admission: &Admission, connection: Option<IpAddr>, request: &Parts) -> Result<(), AdmissionRefusal> {
    let mut origins = request.headers.get_all(header::ORIGIN).iter();
    let Some(origin) = origins.next() else { return Ok(()) };
    let requested = request.uri.authority().map(|authority| authority.as_str());
    let requested = requested.or_else(|| request.headers.get(header::HOST)?.to_str().ok());
    let host = admission.trusted_proxies.host(connection, &request.headers).or(requested);
    match origin.to_str() {
        Ok(origin) if origins.next().is_none() && admission.origins.allow(origin, host) => Ok(()),
        _ => Err(AdmissionRefusal::Origin(String::from_utf8_lossy(origin.as_bytes()).into_owned())),
    }
}

/// Returns whether the origin of a request's page is allowed.
pub(super) fn allows_origin(admission: &Admission, request: &Parts) -> bool {
    let connection = request.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip());
    check_origin(admission, connection, request).is_ok()
}

#[cfg(feature = "jwt")]
fn details_of_token(
    shared: &Shared,
    room: Option<&str>,
    request: &Parts,
    in_query: Option<String>,
    in_subprotocols: Option<&str>,
) -> Result<ClientDetails, AdmissionRefusal> {
    use crate::admission::jwt::TokenError;

    let Some(jwt) = shared.jwt() else { return Ok(ClientDetails::default()) };
    let header = request.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let in_header = header.and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case(BEARER).then(|| token.trim())
    });
    let mut tokens = [in_query.as_deref(), in_header, in_subprotocols].into_iter().flatten();
    let claims = match (tokens.next(), tokens.next()) {
        (Some(token), None) => jwt.check(token, room),
        (None, _) => Err(TokenError::Missing),
        (Some(_), Some(_)) => Err(TokenError::Several),
    };
    let claims = claims.map_err(AdmissionRefusal::Token)?;
    let mut details = ClientDetails::default();
    details.subject = claims.get("sub").and_then(|subject| subject.as_str()).map(str::to_owned);
    details.claims = Some(serde_json::Value::Object(claims).to_string());
    Ok(details)
}

#[cfg(not(feature = "jwt"))]
fn details_of_token(
    _: &Shared,
    _: Option<&str>,
    _: &Parts,
    _: Option<String>,
    _: Option<&str>,
) -> Result<ClientDetails, AdmissionRefusal> {
    Ok(ClientDetails::default())
}

/// The parts of a URL's query.
struct Query {
    /// The parameters that are not secret.
    rest: Vec<(String, String)>,
    /// The same, as sent.
    raw: String,
    token: Option<String>,
    access_token: Option<String>,
}

impl Query {
    fn read(uri: &Uri) -> Result<Query, HttpRefusal> {
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

/// Returns the subprotocols that a client offers, in order.
fn offered(headers: &HeaderMap) -> Vec<&str> {
    let lists = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|list| list.to_str().ok());
    lists.flat_map(|list| list.split(',')).map(str::trim).filter(|it| !it.is_empty()).collect()
}

/// Returns the preferred subprotocol among those offered.
fn select(supported: &[String], offered: &[&str]) -> Option<String> {
    supported.iter().find(|it| offered.contains(&it.as_str())).cloned()
}

fn passed_on(names: &[String], headers: &HeaderMap) -> Vec<(String, String)> {
    let values = |name: &String| {
        let found = HeaderName::try_from(name.as_str()).ok().map(|header| headers.get_all(header));
        let values = found.into_iter().flatten().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        values.map(|value| (name.clone(), value)).collect::<Vec<_>>()
    };
    names.iter().flat_map(values).collect()
}
