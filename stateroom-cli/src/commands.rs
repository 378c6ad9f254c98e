//! The verbs, a file each. What they are told is settled here, before any of them begins.
mod build;
mod dev;
mod serve;

use std::{env, path::Path};

use anyhow::{Context, Result};

use crate::{
    args::{Cli, Verb},
    config::Settings,
};

/// Does what the command line says.
///
/// # Errors
///
/// All that can go wrong, with what to do about it.
pub(crate) fn run(cli: Cli) -> Result<()> {
    if let Some(directory) = &cli.directory {
        env::set_current_dir(directory).with_context(|| format!("cannot work in `{}`", directory.display()))?;
    }
    let here = Path::new("");
    match cli.verb {
        Verb::Build => {
            let settings = Settings::read(here)?;
            build::run(&settings, &settings.clone().resolve(Verb::SERVE_IP)?.host)
        }
        Verb::Dev(mut dev) => {
            dev.settings.port = dev.at.or(dev.settings.port);
            let settings = dev.settings.over(Settings::read(here)?);
            dev::run(&settings, settings.clone().resolve(Verb::DEV_IP)?)
        }
        Verb::Serve(serve) => {
            let beside = if serve.module.is_dir() { &serve.module } else { here };
            let settings = serve.settings.over(Settings::read(beside)?);
            serve::run(&serve.module, &settings, settings.clone().resolve(Verb::SERVE_IP)?)
        }
    }
}
