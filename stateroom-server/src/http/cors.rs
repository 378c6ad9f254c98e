//! Cross-origin resource sharing: pages of the allowed origins can read every response, error or not.
//!
//! *Invariant:* the list of allowed origins alone decides, for admission and for reading. Preflights are answered here,
//! before admission. Cookies of another origin's page count only if the settings name one that admits. Every request of a page
//! that is refused is reported here, whatever its route.
use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::Request,
    http::{
        HeaderName, HeaderValue, Method,
        header::{ACCESS_CONTROL_REQUEST_METHOD, ORIGIN},
        request::Parts,
    },
    middleware::{Next, from_fn},
    response::Response,
};
use tower_http::cors::{
    AllowCredentials, AllowHeaders, AllowMethods, AllowOrigin, AllowPrivateNetwork, Any, CorsLayer, ExposeHeaders,
};

use super::{origin, response_headers::CONTENT_HEADERS};
use crate::shared::Shared;

/// How long a browser keeps the answer to a preflight. Chrome's maximum.
const MAX_AGE: Duration = Duration::from_secs(2 * 60 * 60);

/// Lets pages of the allowed origins read the responses of the routes that `router` has so far.
pub(crate) fn share_with_allowed_origins(router: Router, shared: Arc<Shared>) -> Router {
    let cookies = shared.clone();
    let exposed = exposed_headers(&shared);
    let reports = shared.clone();
    let allows_or_warns = move |_: &HeaderValue, request: &Parts| origin::allows_or_warns(&reports, request);
    let allows = move |_: &HeaderValue, request: &Parts| origin::check(&shared, request).is_ok();
    let allows_cookies = {
        let allows = allows.clone();
        move |origin: &HeaderValue, request: &Parts| {
            let lists_sites = !cookies.settings().admission.origins.allow_every_site();
            cookies.jwt_cookie().is_some() && lists_sites && allows(origin, request)
        }
    };
    let layer = CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(allows_or_warns))
        .allow_private_network(AllowPrivateNetwork::predicate(allows.clone()))
        .allow_credentials(AllowCredentials::predicate(allows_cookies))
        .allow_methods(AllowMethods::mirror_request())
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(exposed)
        .vary([ORIGIN])
        .max_age(MAX_AGE);
    // The last layer sees a request first.
    router.layer(from_fn(restore_options)).layer(layer).layer(from_fn(set_options_aside))
}

/// Returns the response headers that pages may read. In a request with cookies, the wildcard is a name like any other.
fn exposed_headers(shared: &Shared) -> ExposeHeaders {
    if shared.jwt_cookie().is_none() {
        return Any.into();
    }
    let listed = shared.settings().response_headers.iter().filter_map(|name| name.parse().ok());
    let wildcard = [HeaderName::from_static("*")];
    wildcard.into_iter().chain(CONTENT_HEADERS).chain(listed).collect::<Vec<_>>().into()
}

/// Marks an `OPTIONS` request that is not a preflight.
#[derive(Clone, Copy)]
struct Options;

/// Hides an `OPTIONS` request from the CORS layer, which takes all of them for preflights, unless it is one.
async fn set_options_aside(mut request: Request, next: Next) -> Response {
    let headers = request.headers();
    let is_preflight = headers.contains_key(ORIGIN) && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if request.method() == Method::OPTIONS && !is_preflight {
        *request.method_mut() = Method::GET;
        request.extensions_mut().insert(Options);
    }
    next.run(request).await
}

async fn restore_options(mut request: Request, next: Next) -> Response {
    if request.extensions_mut().remove::<Options>().is_some() {
        *request.method_mut() = Method::OPTIONS;
    }
    next.run(request).await
}
