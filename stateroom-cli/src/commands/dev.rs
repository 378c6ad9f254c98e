//! `stateroom dev`: builds and serves the service crate, and rebuilds it when its sources change.
use std::{
    env,
    io::{self, IsTerminal},
    sync::Arc,
    time::Instant,
};

use anyhow::{Context, Result};
use clap::{Args, error::ErrorKind};
use stateroom_inspector::BuildStatus;
use stateroom_record::{RecordLimits, Recorder};
use stateroom_server::OnSwap;
use tokio::runtime;

use crate::{
    build::{self, Artifacts, BuildFailed, dist},
    dev::{Builder, Fingerprint, Session, Sources, Watcher},
    serve::{ServeOptions, check_address, next_free_port, serve_until_stopped},
    settings::{BuildSettings, Defaults, DevSettings, GivenFlags, Port, Settings, SettingsSources},
    ui::{GlobalArgs, error::usage},
};

const EXAMPLES: &str = "\
Examples:
  stateroom dev                      on http://127.0.0.1:8080
  stateroom dev 3000 --open          on port 3000, and open it in a browser
  stateroom dev --next-port --debug  on the next free port, with faster builds
  stateroom dev --ip 0.0.0.0         reachable from other machines
  stateroom dev -F cheats -- -j 1    with a feature, and an argument of cargo build";

/// Build and serve the service crate of the current directory, and rebuild it on changes
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DevCommand {
    /// Port to listen on; takes precedence over --port
    #[arg(value_name = "PORT", allow_negative_numbers = true)]
    positional_port: Option<Port>,

    /// Restore rooms after a rebuild by replaying their events to the new code
    #[arg(long, help_heading = "Development options")]
    restore: bool,

    /// Open the page in a browser
    #[arg(long, help_heading = "Development options")]
    open: bool,

    /// Use the next free port if this one is in use
    #[arg(long, help_heading = "Development options")]
    next_port: bool,

    /// Build with cargo's profile `release` (the default)
    #[arg(long, overrides_with = "debug", help_heading = "Development options")]
    release: bool,

    /// Build with cargo's profile `dev`: faster to build, slower to run
    #[arg(long, overrides_with = "release", help_heading = "Development options")]
    debug: bool,

    /// Serve the inspector even if other machines can reach it
    #[arg(long, help_heading = "Development options")]
    inspector: bool,

    #[command(flatten)]
    flags: GivenFlags,

    #[command(flatten)]
    dev: DevSettings,

    #[command(flatten)]
    build: BuildSettings,

    #[command(flatten)]
    settings: Settings,
}

impl DevCommand {
    /// Builds and serves until a signal stops the process.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no service crate, or the module cannot be served.
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<()> {
        let mut settings = self.settings.with_build(self.build, self.dev);
        settings.port = self.positional_port.or(settings.port);
        if self.debug || self.release {
            if self.flags.contains("profile") {
                let problem = "`--profile` cannot be used with `--debug` or `--release`\n  hint: use one of them";
                return Err(usage(ErrorKind::ArgumentConflict, problem));
            }
            settings.build.profile = Some(if self.debug { "dev" } else { "release" }.to_owned());
        }
        let sources = SettingsSources::to_build(settings)?;
        sources.check_pairs()?;
        let (mut resolved, settings, file) = (sources.resolve(&Defaults::DEV)?, sources.settings, sources.path);
        // Checked before a build, which may take minutes.
        if self.next_port {
            resolved.server.port = next_free_port(&resolved.server)?;
        }
        check_address(&resolved.server)?;
        settings.static_files.as_deref().map(dist::warn_of_missing_static_files).transpose()?;
        let directory = env::current_dir().context("failed to find the current directory")?;
        let inputs = build::inputs(&settings)?;
        let mut sources = Sources::new(inputs, settings.static_files.as_deref(), &directory, &file);
        let mut watcher = Watcher::new(&sources, settings.dev.poll == Some(true));
        let builder = Builder { settings, verbose: global.verbose > 0 };
        let started = Instant::now();
        if !io::stderr().is_terminal() {
            // The spinner is hidden.
            tracing::info!("building");
        }
        let (artifacts, fingerprint) = first_build(&builder, &mut sources, &mut watcher)?;
        tracing::info!("built in {:.2} s; watching for changes", started.elapsed().as_secs_f64());

        resolved.set_static_files(builder.settings.static_files.as_deref())?;
        resolved.set_client(artifacts.client.as_deref())?;
        // A rebuild takes effect in running rooms.
        resolved.on_swap = OnSwap::Restart;
        let shows_rooms = self.inspector || resolved.server.is_loopback();
        let recorder = Recorder::new(RecordLimits::default());
        let status = Arc::new(BuildStatus::new(started.elapsed()));
        let module = artifacts.service.clone();
        let session = Session {
            builder: Arc::new(builder),
            sources,
            watcher,
            status: status.clone(),
            recorder: recorder.clone(),
            artifacts,
            fingerprint,
        };
        let options = ServeOptions {
            // It builds.
            sandboxed: None,
            recorder: Some(recorder),
            build_status: Some(status),
            background: Some(Box::new(|server, swap| Box::pin(session.run(server, swap)))),
            on_stop: Some(build::stop),
            shows_rooms,
            restore: self.restore,
            open: self.open,
        };
        serve_until_stopped(&module, resolved, options)
    }
}

/// Builds until a build succeeds, waiting for changes in between.
fn first_build(builder: &Builder, sources: &mut Sources, watcher: &mut Watcher) -> Result<(Artifacts, Fingerprint)> {
    let mut waited = false;
    loop {
        let build = builder.build();
        sources.build_ended(&build);
        match build.result {
            // Later, the reason of any other failure is a change as well, such as a half-written manifest.
            Err(error) if waited || error.is::<BuildFailed>() => {
                waited = true;
                tracing::error!("{}", format!("{error:#}").trim_end());
                tracing::info!("waiting for changes: there is no build to serve yet");
                let runtime = runtime::Builder::new_current_thread().enable_time().build();
                let runtime = runtime.context("failed to start the Tokio runtime")?;
                let changes = runtime.block_on(watcher.changes(sources));
                tracing::info!("{}", changes.describe());
                sources.update_inputs(&changes, builder);
            }
            result => return result,
        }
    }
}
