//! Rate limits: of one client, of requests and new rooms by address, and of warnings.
pub(crate) mod bucket;
pub(crate) mod limiter;
pub(crate) mod networks;
pub(crate) mod warnings;
