//! `stateroom dev`: builds the service here, and serves what cargo has made, from where it has made it.
use anyhow::Result;

use super::serve;
use crate::{
    build,
    config::{Resolved, Settings},
};

pub(super) fn run(settings: &Settings, mut resolved: Resolved, quiet: bool) -> Result<()> {
    // Before a build that may take minutes.
    serve::check_address(&resolved.server)?;
    let built = build::build(settings, quiet)?;
    resolved.server.static_path = settings.static_files.as_deref().map(serve::text).transpose()?;
    resolved.server.client_path = built.client.as_deref().map(serve::text).transpose()?;
    serve::until_stopped(&built.service, resolved)
}
