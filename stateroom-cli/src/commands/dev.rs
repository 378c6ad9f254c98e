//! `stateroom dev`: builds the service here, serves what cargo has made, and does so again when a file is saved.
use std::{
    env,
    io::{self, IsTerminal},
    net::IpAddr,
    path::Path,
    sync::Arc,
    time::Instant,
};

use anyhow::{Context, Result};
use clap::Args;
use stateroom_server::{OnSwap, Server};
use tokio::runtime::Builder;

use crate::{
    build::{self, Built, DoesNotBuild, Profile},
    dev::{Made, Session, Sources, Status, Watch, Workshop},
    record::Records,
    serve::{Stage, check_address, next_free_port, until_stopped},
    settings::{Defaults, Port, Said, Settings},
    ui::GlobalArgs,
};

const EXAMPLES: &str = "\
Examples:
  stateroom dev                      on http://127.0.0.1:8080
  stateroom dev 3000 --open          on port 3000, with its page in a browser
  stateroom dev --next-port --debug  on the next port that is free, built faster
  stateroom dev --ip 0.0.0.0         for other machines, too";

/// Build the service crate here, serve it on this machine, and do so again on each save
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DevCommand {
    /// The port to listen on: the same as --port; wins over it
    #[arg(value_name = "PORT", allow_negative_numbers = true)]
    at: Option<Port>,

    /// Have rooms that begin again with new code told what they were told before, so that they know what they knew
    #[arg(long, help_heading = "Development")]
    restore: bool,

    /// Open the page in a browser
    #[arg(long, help_heading = "Development")]
    open: bool,

    /// Take the next port that is free, where this one is not
    #[arg(long, help_heading = "Development")]
    next_port: bool,

    /// Build by cargo's profile `release`, as it is without this
    #[arg(long, overrides_with = "debug", help_heading = "Development")]
    release: bool,

    /// Build by cargo's profile `dev`: faster to build, slower to run
    #[arg(long, overrides_with = "release", help_heading = "Development")]
    debug: bool,

    /// Show what happens in the rooms to other machines, too, where these may come in
    #[arg(long, help_heading = "Development")]
    inspector: bool,

    #[command(flatten)]
    settings: Settings,
}

impl DevCommand {
    /// Builds and serves until a signal comes.
    ///
    /// # Errors
    ///
    /// Where there is nothing to build, or what was built cannot be served.
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<()> {
        let mut settings = self.settings;
        settings.port = self.at.or(settings.port);
        let said = Said::read(settings, Path::new(""))?;
        said.check_pairs()?;
        let (mut resolved, settings) = (said.resolve(&Defaults::DEV)?, said.settings);
        // Before a build that may take minutes.
        if self.next_port {
            resolved.server.port = next_free_port(&resolved.server)?;
        }
        check_address(&resolved.server)?;
        let here = env::current_dir().context("the working directory is gone")?;
        let from = build::built_from(&settings)?;
        let mut sources = Sources::new(from, settings.static_files.as_deref(), &here);
        let mut watch = Watch::new(&sources)?;
        let profile = if self.debug { Profile::Debug } else { Profile::Release };
        let workshop = Workshop { settings, profile, aloud: global.verbose > 0 };
        let begun = Instant::now();
        if !io::stderr().is_terminal() {
            // In place of the spinner.
            tracing::info!("building");
        }
        let (built, made) = first_build(&workshop, &mut sources, &mut watch)?;
        tracing::info!("built in {:.2} s; what is saved is built again", begun.elapsed().as_secs_f64());

        resolved.set_static_files(workshop.settings.static_files.as_deref())?;
        resolved.set_client(built.client.as_deref())?;
        // A save is for the rooms that there are.
        resolved.on_swap = OnSwap::Restart;
        let beside = self.inspector || is_for_this_machine(&resolved.server);
        let (records, status) = (Records::new(), Arc::new(Status::new(begun.elapsed())));
        let module = built.service.clone();
        let session = Session {
            workshop: Arc::new(workshop),
            sources,
            watch,
            status: status.clone(),
            records: records.clone(),
            built,
            made,
        };
        let stage = Stage {
            records: Some(records),
            status: Some(status),
            background: Some(Box::new(|server, swap| Box::pin(session.run(server, swap)))),
            on_stop: Some(build::stop),
            beside,
            restore: self.restore,
            open: self.open,
        };
        until_stopped(&module, resolved, stage)
    }
}

/// Builds for the first time. What does not build is built again when it has changed.
fn first_build(workshop: &Workshop, sources: &mut Sources, watch: &mut Watch) -> Result<(Built, Made)> {
    loop {
        match workshop.build() {
            Err(error) if error.is::<DoesNotBuild>() => {
                tracing::error!("{}", error.to_string().trim_end());
                tracing::info!("there is nothing to serve yet: waiting until a file changes");
                let runtime = Builder::new_current_thread().enable_time().build().context("no runtime can be made")?;
                let changes = runtime.block_on(watch.changes(sources));
                tracing::info!("{}", changes.describe());
            }
            outcome => return outcome,
        }
    }
}

/// Whether nobody but this machine is listened to.
fn is_for_this_machine(server: &Server) -> bool {
    server.ip.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}
