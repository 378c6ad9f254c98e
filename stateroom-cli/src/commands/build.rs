//! `stateroom build`: the service and its client, ready to be served elsewhere.
use anyhow::Result;
use stateroom_wasm_host::WasmHostConfig;

use super::load::load;
use crate::{
    build::{self, Profile, Voice, dist},
    config::Settings,
};

pub(super) fn run(settings: &Settings, host: &WasmHostConfig, quiet: bool) -> Result<()> {
    let built = build::build(settings, Profile::Release, if quiet { Voice::Quiet } else { Voice::Aloud })?;
    // Here rather than where it is to be served: whether it is a service at all, and fits the limits it will have.
    load(&built.service, host)?;
    dist::write(&built, settings)?;
    tracing::info!("built {}: serve it with `stateroom serve {}`", dist::DIRECTORY, dist::DIRECTORY);
    Ok(())
}
