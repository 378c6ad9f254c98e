//! Reloading the service while it is served: on SIGHUP, or by the route `/reload` of the admin API.
//!
//! *Invariant:* a failed reload changes nothing: the running service continues.
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use axum::{Router, extract::State, http::StatusCode, routing::post};
use parking_lot::Mutex;
use stateroom::printable::escape;
use stateroom_record::{RecordedFactory, Recorder};
use stateroom_server::{Jwt, OnSwap, ServerHandle, Tls};
use stateroom_wasm_host::{WasmHostConfig, WasmHostFactory};

use super::module::{load, try_init};
use crate::settings::AdmissionSettings;

/// Maximum time to read the files of a reload, in addition to the time that the module may take to compile.
const FILES_TIMEOUT: Duration = Duration::from_secs(30);

/// The inputs of a reload, and the server to apply it to.
pub(super) struct Reloader {
    /// Path of the module that is served.
    pub(super) module: Mutex<PathBuf>,
    pub(super) host: WasmHostConfig,
    pub(super) on_swap: OnSwap,
    /// Whether rooms are durable, and stay on the module that they began with.
    pub(super) is_durable: bool,
    pub(super) tls: Option<Tls>,
    pub(super) admission: AdmissionSettings,
    pub(super) server: ServerHandle,
    pub(super) recorder: Option<Recorder>,
    /// Whether restarted rooms are restored by replaying their events.
    pub(super) restore: bool,
    /// Number of reloads that were requested.
    pub(super) requested: AtomicU64,
    /// The latest reload that took effect, by its number.
    pub(super) applied: Mutex<u64>,
}

/// A service that was loaded, to take effect.
struct Loaded {
    factory: WasmHostFactory,
    keys: Option<Jwt>,
}

impl Reloader {
    /// Returns the path of the module that is served.
    pub(super) fn module(&self) -> PathBuf {
        self.module.lock().clone()
    }

    /// Reloads the module, the certificate and the JWT keys.
    ///
    /// # Errors
    ///
    /// Returns an error if any of them cannot be loaded.
    pub(super) async fn reload(&self) -> Result<()> {
        self.replace(self.module(), true).await
    }

    /// Reloads as [`reload`](Self::reload), with the module at another path, and without a trial of its `init`.
    ///
    /// # Errors
    ///
    /// As [`reload`](Self::reload).
    pub(super) async fn reload_from(&self, module: PathBuf) -> Result<()> {
        self.replace(module, false).await
    }

    async fn replace(&self, module: PathBuf, tries_init: bool) -> Result<()> {
        let number = self.requested.fetch_add(1, Ordering::Relaxed) + 1;
        let (path, host, admission, tls) =
            (module.clone(), self.host.clone(), self.admission.clone(), self.tls.clone());
        // Compiling blocks, and a file system may not answer: reloads do not wait for each other.
        let trial = tries_init.then(|| self.trial_room());
        let loading = tokio::task::spawn_blocking(move || load_all(&path, &host, &admission, tls.as_ref(), trial));
        let maximum = self.host.compile_time.saturating_add(FILES_TIMEOUT);
        let loaded = tokio::time::timeout(maximum, loading).await;
        let Loaded { factory, keys } = loaded.context("failed to read the files in time: a file system hangs")???;
        let mut applied = self.applied.lock();
        ensure!(*applied < number, "a later reload has replaced this one");
        *applied = number;
        if let Some(keys) = keys {
            self.server.set_jwt(keys);
        }
        *self.module.lock() = module;
        if let Some(recorder) = &self.recorder {
            recorder.begin_generation(self.restore);
        }
        self.server.swap(RecordedFactory::new(factory, self.recorder.as_ref()), self.on_swap);
        Ok(())
    }

    /// Returns the name of a room that is going to restart, or one that a room can have: `init` may read it.
    fn trial_room(&self) -> String {
        self.server.local_rooms().into_iter().next().map_or_else(|| "1".to_owned(), |room| room.id)
    }

    /// Reloads and logs the result. Returns the error as text for an HTTP response.
    async fn reload_and_log(&self) -> Result<(), String> {
        match self.reload().await {
            Ok(()) => {
                let is_for_new = self.on_swap == OnSwap::Drain || self.is_durable;
                let rooms = if is_for_new { "new rooms use it" } else { "all rooms restart with it" };
                tracing::info!("reloaded `{}`: {rooms}", self.module().display());
                Ok(())
            }
            Err(error) => {
                tracing::error!("failed to reload, the running service continues: {error:#}");
                // A client of the admin API may be a terminal.
                Err(escape(&format!("{error:#}\n")).into_owned())
            }
        }
    }

    /// Reloads on each signal.
    #[cfg(unix)]
    pub(super) async fn reload_on_signals(self: Arc<Self>, mut signals: tokio::signal::unix::Signal) {
        while signals.recv().await.is_some() {
            let reloader = self.clone();
            // The error is logged.
            tokio::spawn(async move { reloader.reload_and_log().await });
        }
    }

    /// Returns a router with the route `/reload`.
    pub(super) fn router(self: Arc<Self>) -> Router {
        // A task of its own: a client that does not wait for the answer does not cancel the reload.
        let reload =
            async |State(reloader): State<Arc<Reloader>>| match tokio::spawn(
                async move { reloader.reload_and_log().await },
            )
            .await
            {
                Ok(Ok(())) => (StatusCode::NO_CONTENT, String::new()),
                Ok(Err(text)) => (StatusCode::UNPROCESSABLE_ENTITY, text),
                Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("the reload was not completed: {error}\n")),
            };
        Router::new().route("/reload", post(reload)).with_state(self)
    }
}

/// Loads everything that a reload replaces. The certificate takes effect at once: it is the one in the files in any case.
fn load_all(
    module: &Path,
    host: &WasmHostConfig,
    admission: &AdmissionSettings,
    tls: Option<&Tls>,
    trial: Option<String>,
) -> Result<Loaded> {
    let factory = load(module, host)?;
    if let Some(room) = trial {
        try_init(&factory, &room)?;
    }
    let keys = admission.keys()?;
    if let Some(tls) = tls {
        tls.reload().context("failed to reload the TLS certificate")?;
    }
    Ok(Loaded { factory, keys })
}
