//! Rate limits: of one client, and of HTTP requests by address.
pub(crate) mod limiter;
pub(crate) mod requests;
