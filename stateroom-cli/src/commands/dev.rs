//! `stateroom dev`: builds the service here, serves what cargo has made, and does so again when a file is saved.
use std::{
    env,
    io::{self, IsTerminal},
    net::IpAddr,
    sync::Arc,
    time::Instant,
};

use anyhow::{Context, Result};
use stateroom_inspector::BuildStatus;
use stateroom_record::{RecordLimits, Recorder};
use stateroom_server::{OnSwap, Server};
use tokio::runtime::Builder;

use super::{
    address, serve,
    serving::{Stage, until_stopped},
};
use crate::{
    args::DevOptions,
    build::{self, Built, DoesNotBuild, Profile},
    config::{Resolved, Settings},
    dev::{Made, Session, Sources, Watch, Workshop},
};

pub(super) fn run(options: DevOptions, settings: Settings, mut resolved: Resolved, aloud: bool) -> Result<()> {
    // Before a build that may take minutes.
    if options.next_port {
        resolved.server.port = address::next_free_port(&resolved.server)?;
    }
    address::check(&resolved.server)?;
    let here = env::current_dir().context("the working directory is gone")?;
    let from = build::built_from(&settings)?;
    let mut sources = Sources::new(from, settings.static_files.as_deref(), &here);
    let mut watch = Watch::new(&sources)?;
    let profile = if options.debug { Profile::Debug } else { Profile::Release };
    let workshop = Workshop { settings, profile, aloud };
    let begun = Instant::now();
    if !io::stderr().is_terminal() {
        // In place of the spinner.
        tracing::info!("building");
    }
    let (built, made) = first_build(&workshop, &mut sources, &mut watch)?;
    tracing::info!("built in {:.2} s; what is saved is built again", begun.elapsed().as_secs_f64());

    let static_files = workshop.settings.static_files.as_deref();
    resolved.server.static_path = static_files.map(serve::text).transpose()?;
    resolved.server.client_path = built.client.as_deref().map(serve::text).transpose()?;
    // A save is for the rooms that there are.
    resolved.on_swap = OnSwap::Restart;
    let recorder = Recorder::new(RecordLimits::default());
    let session = Session {
        workshop: Arc::new(workshop),
        sources,
        watch,
        status: Arc::new(BuildStatus::new(begun.elapsed())),
        recorder: recorder.clone(),
        built,
        made,
    };
    let beside = options.inspector || is_for_this_machine(&resolved.server);
    let module = session.built.service.clone();
    let (restore, open) = (options.restore, options.open);
    let stage = Stage { recorder: Some(recorder), session: Some(session), beside, restore, open };
    until_stopped(&module, resolved, stage)
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
