//! The admission of a request: its origin, token and hook, and the client's details.
//!
//! *Invariant:* every request that concerns a room is admitted here first. Secrets stay here: the details for the room contain
//! none.
use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, request::Parts};
use stateroom::details::ClientDetails;
use tokio::time::timeout;

#[cfg(feature = "jwt")]
use super::credentials::{cookies, is_cross_site, of_header};
use super::{
    HttpRefusal,
    credentials::{Query, Subprotocols, client_key, for_room},
    origin::{self, RefusedOrigin},
};
#[cfg(feature = "jwt")]
use crate::admission::jwt::{Jwt, TokenError};
use crate::{
    admission::{Access, AdmissionRequest, Denied},
    settings::Limit,
    shared::Shared,
};

/// The reason that a client is not admitted.
#[derive(Debug)]
pub(crate) enum AdmissionRefusal {
    /// The origin of its web page is not allowed.
    Origin(RefusedOrigin),
    /// Its token is rejected.
    #[cfg(feature = "jwt")]
    Token(TokenError),
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
    /// The key of the token by which it keeps its ID.
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
    origin::check(shared, request).map_err(AdmissionRefusal::Origin)?;
    let peer = origin::connection(request).map(|peer| admission.trusted_proxies.client(peer, &request.headers));

    let Query { rest, raw, token, access_token } = Query::read(&request.uri)?;
    // Subprotocols exist in WebSocket handshakes only, and only a member of a room has a token.
    let subprotocols =
        if access == Access::Join { Subprotocols::read(&request.headers)? } else { Subprotocols::default() };
    let token = if access == Access::Join { one_token(shared, token, subprotocols.token)? } else { None };
    let subprotocol = subprotocols.select(&admission.subprotocols);
    let mut details = details_of_token(shared, room, request, access_token.as_deref(), &subprotocols.access_tokens)?;
    details.query = rest;
    details.headers = passed_on(&admission.client_headers, &request.headers, shared.jwt_cookie().as_deref());
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
    let subprotocol = subprotocol.or_else(|| subprotocols.marker());
    // The hook may have set the subject.
    let token = token.map(|token| client_key(shared.token_key(), details.subject.as_deref(), &token));
    Ok(Admitted { details, token, query: raw, peer, subprotocol })
}

/// Returns the token by which a client keeps its ID.
fn one_token(
    shared: &Shared,
    in_query: Option<String>,
    in_subprotocols: Option<&str>,
) -> Result<Option<String>, HttpRefusal> {
    let token = match (in_query, in_subprotocols) {
        (Some(_), Some(_)) => {
            let problem = "there is a `token` in the query and another one in the subprotocols: send one of them";
            return Err(HttpRefusal::Malformed(problem.to_owned()));
        }
        (in_query, in_subprotocols) => in_query.or_else(|| in_subprotocols.map(str::to_owned)),
    };
    let most = shared.settings().limits.token_bytes;
    if token.as_ref().is_some_and(|token| token.len() > most) {
        Limit::TokenBytes.exceeded();
        return Err(HttpRefusal::Malformed(format!("the token is longer than {most} bytes")));
    }
    Ok(token)
}

#[cfg(feature = "jwt")]
fn details_of_token(
    shared: &Shared,
    room: Option<&str>,
    request: &Parts,
    in_query: Option<&str>,
    in_subprotocols: &[&str],
) -> Result<ClientDetails, AdmissionRefusal> {
    use serde_json::Value;

    let Some(jwt) = shared.jwt() else { return Ok(ClientDetails::default()) };
    let mut tokens = in_query.into_iter().chain(of_header(&request.headers)).chain(in_subprotocols.iter().copied());
    let claims = match (tokens.next(), tokens.next()) {
        (Some(token), None) => jwt.check(token, room),
        (None, _) => in_cookie(shared, &jwt, &request.headers).and_then(|token| jwt.check(&token, room)),
        (Some(_), Some(_)) => Err(TokenError::Several),
    };
    let claims = claims.map_err(AdmissionRefusal::Token)?;
    let mut details = ClientDetails::default();
    details.subject = match claims.get("sub") {
        None | Some(Value::Null) => None,
        Some(Value::String(subject)) => Some(subject.clone()),
        // Some issuers write the number of the user. Without a subject, all of them would be one.
        Some(Value::Number(subject)) => Some(subject.to_string()),
        Some(_) => return Err(AdmissionRefusal::Token(TokenError::Claim("sub".to_owned()))),
    };
    details.claims = Some(Value::Object(claims).to_string());
    Ok(details)
}

/// Returns the token in a cookie, if no page of another site can be the reason that the browser sends it.
#[cfg(feature = "jwt")]
fn in_cookie(shared: &Shared, jwt: &Jwt, headers: &HeaderMap) -> Result<String, TokenError> {
    let name = jwt.cookie().filter(|_| !shared.settings().admission.origins.allow_every_site());
    let mut tokens = name.map(|name| cookies(headers, name)).unwrap_or_default().into_iter();
    match (tokens.next(), tokens.next()) {
        (None, _) => Err(TokenError::Missing { cookie: name.map(str::to_owned) }),
        (Some(_), _) if is_cross_site(headers) => Err(TokenError::CrossSite),
        (Some(token), None) => Ok(token),
        // A page of another host of the site may have set one of them.
        (Some(_), Some(_)) => Err(TokenError::Several),
    }
}

#[cfg(not(feature = "jwt"))]
fn details_of_token(
    _: &Shared,
    _: Option<&str>,
    _: &Parts,
    _: Option<&str>,
    _: &[&str],
) -> Result<ClientDetails, AdmissionRefusal> {
    Ok(ClientDetails::default())
}

fn passed_on(names: &[String], headers: &HeaderMap, cookie: Option<&str>) -> Vec<(String, String)> {
    let header = |name: &String| HeaderName::try_from(name.as_str()).ok();
    names.iter().filter_map(header).flat_map(|name| for_room(headers, name, cookie)).collect()
}
