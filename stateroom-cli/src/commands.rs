//! The verbs, a file each. What they are told is settled here, before any of them begins.
mod address;
pub(crate) mod bench;
mod build;
pub(crate) mod completions;
pub(crate) mod config;
mod dev;
pub(crate) mod doctor;
pub(crate) mod inspect;
mod load;
pub(crate) mod man;
pub(crate) mod new;
mod reload;
mod serve;
mod serving;

use std::{env, path::Path};

use anyhow::{Context, Result};

use crate::{
    args::{Cli, Verb},
    config::{Said, Settings},
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
    let (here, quiet) = (Path::new(""), cli.quiet > 0);
    match cli.verb {
        Verb::New(new) => new::run(new),
        Verb::Init(options) => new::init(options),
        Verb::Bench(bench) => bench.run(quiet),
        Verb::Build => {
            let said = Said::read(Settings::default(), here)?;
            build::run(&said.settings, &said.resolve(&Verb::SERVE)?.host, quiet)
        }
        Verb::Dev(mut dev) => {
            dev.settings.port = dev.at.or(dev.settings.port);
            let said = Said::read(dev.settings, here)?;
            said.check_pairs()?;
            let resolved = said.resolve(&Verb::DEV)?;
            dev::run(dev.options, said.settings, resolved, cli.verbose > 0)
        }
        Verb::Serve(serve) => {
            let beside = if serve.module.is_dir() { &serve.module } else { here };
            let said = Said::read(serve.settings, beside)?;
            said.check_pairs()?;
            serve::run(&serve.module, serve.inspector, &said.settings, said.resolve(&Verb::SERVE)?)
        }
        Verb::Inspect(inspect) => inspect::run(&inspect),
        Verb::Config(config) => config::run(config),
        Verb::Doctor(doctor) => doctor::run(&doctor),
        Verb::Completions(completions) => completions::run(&completions),
        Verb::Man(man) => man::run(&man),
    }
}
