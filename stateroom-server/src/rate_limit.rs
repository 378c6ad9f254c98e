//! Rate limits: of one client, and of HTTP requests by address.
pub(crate) mod allowance;
pub(crate) mod requests;
