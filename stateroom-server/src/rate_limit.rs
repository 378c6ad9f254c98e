//! Rate limits: of one client, of HTTP requests by address, and of warnings.
pub(crate) mod limiter;
pub(crate) mod requests;
pub(crate) mod warnings;
