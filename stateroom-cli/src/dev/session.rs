//! A service that is rebuilt and replaced while it is served.
use std::{path::PathBuf, sync::Arc, time::Instant};

use anyhow::Result;
use futures_util::future::BoxFuture;
use stateroom_inspector::BuildStatus;
use stateroom_record::Recorder;
use stateroom_server::ServerHandle;

use super::{
    builder::{Builder, Fingerprint},
    changes::Changes,
    sources::Sources,
    watcher::Watcher,
};
use crate::{build::Artifacts, settings::FILE_NAME};

/// Replaces the module that is served.
type ReplaceModule = Box<dyn Fn(PathBuf) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// A service that is rebuilt and replaced while it is served.
pub(crate) struct Session {
    pub(crate) builder: Arc<Builder>,
    pub(crate) sources: Sources,
    pub(crate) watcher: Watcher,
    pub(crate) status: Arc<BuildStatus>,
    pub(crate) recorder: Recorder,
    /// Artifacts that are served.
    pub(crate) artifacts: Artifacts,
    pub(crate) fingerprint: Fingerprint,
}

impl Session {
    /// Rebuilds on changes until the runtime ends.
    pub(crate) async fn run(mut self, server: ServerHandle, replace: ReplaceModule) {
        // Remembered over failed builds.
        let mut static_files_changed = false;
        loop {
            let changes = self.watcher.changes(&mut self.sources).await;
            if changes.settings {
                tracing::warn!("{FILE_NAME} changed: restart `stateroom dev` to apply it");
            }
            static_files_changed |= changes.static_files;
            let is_built = !changes.code || self.rebuild(&changes, &server, &replace).await;
            self.sources.update_inputs(&changes, &self.builder);
            if !is_built {
                continue;
            }
            if std::mem::take(&mut static_files_changed) {
                let reason = if changes.code { String::new() } else { changes.describe() + ": " };
                tracing::info!("{reason}reloading pages");
                self.status.reload_pages();
            }
        }
    }

    /// Rebuilds and replaces the service. Returns whether the build succeeded.
    async fn rebuild(&mut self, changes: &Changes, server: &ServerHandle, replace: &ReplaceModule) -> bool {
        let started = Instant::now();
        let had_failed = self.status.has_failed();
        self.status.set_building();
        let builder = self.builder.clone();
        // Fails only if the server is stopping.
        let Ok(build) = tokio::task::spawn_blocking(move || builder.build()).await else { return false };
        self.sources.build_ended(&build);
        let (artifacts, fingerprint) = match build.result {
            Ok(built) => built,
            Err(error) => {
                let text = format!("{error:#}");
                let changes = changes.describe();
                tracing::error!("{changes}: build failed, the running service continues\n{}", text.trim_end());
                self.status.set_failed(text);
                return false;
            }
        };
        let service_changed = fingerprint.service != self.fingerprint.service;
        let client_changed = fingerprint.client != self.fingerprint.client;
        if service_changed {
            let rooms = server.local_rooms().len();
            if let Err(error) = replace(artifacts.service.clone()).await {
                let text = format!("{error:#}");
                tracing::error!("failed to replace the service, the running one continues: {text}");
                self.status.set_failed(text);
                return false;
            }
            let s = if rooms == 1 { "" } else { "s" };
            let seconds = started.elapsed().as_secs_f64();
            tracing::info!("rebuilt in {seconds:.2} s: {}; restarting {rooms} room{s}", changes.describe());
        }
        if had_failed && !service_changed {
            tracing::info!("build succeeded: the running service is up to date");
        }
        if artifacts.client != self.artifacts.client {
            tracing::warn!("the client was renamed: restart `stateroom dev` to serve it");
        }
        self.fingerprint = fingerprint;
        self.status.set_ready(self.recorder.generation(), started.elapsed());
        if client_changed {
            tracing::info!("rebuilt in {:.2} s: reloading pages", started.elapsed().as_secs_f64());
            self.status.reload_pages();
        }
        true
    }
}
