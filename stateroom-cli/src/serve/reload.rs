//! Reloading the service while it is served: on SIGHUP, or by the route `/reload` of the admin API.
//!
//! *Invariant:* a failed reload changes nothing: the running service continues.
use std::{path::PathBuf, sync::Arc};

use anyhow::{Context, Result};
use axum::{Router, extract::State, http::StatusCode, routing::post};
use parking_lot::Mutex;
use stateroom_record::{RecordedFactory, Recorder};
use stateroom_server::{OnSwap, ServerHandle, Tls};
use stateroom_wasm_host::WasmHostConfig;

use super::module::load;
use crate::settings::AdmissionSettings;

/// The inputs of a reload, and the server to apply it to.
pub(super) struct Reloader {
    /// Path of the module that is served.
    pub(super) module: Mutex<PathBuf>,
    pub(super) host: WasmHostConfig,
    pub(super) on_swap: OnSwap,
    pub(super) tls: Option<Tls>,
    pub(super) admission: AdmissionSettings,
    pub(super) server: ServerHandle,
    pub(super) recorder: Option<Recorder>,
    /// Whether restarted rooms are restored by replaying their events.
    pub(super) restore: bool,
    /// Serializes reloads, in the order of their requests.
    pub(super) in_progress: tokio::sync::Mutex<()>,
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
        self.reload_from(self.module()).await
    }

    /// Reloads as [`reload`](Self::reload), with the module at another path.
    ///
    /// # Errors
    ///
    /// As [`reload`](Self::reload).
    pub(super) async fn reload_from(&self, module: PathBuf) -> Result<()> {
        let _in_progress = self.in_progress.lock().await;
        let (path, host) = (module.clone(), self.host.clone());
        // Compiling blocks.
        let factory = tokio::task::spawn_blocking(move || load(&path, &host)).await??;
        let keys = self.admission.keys()?;
        if let Some(tls) = &self.tls {
            tls.reload().context("failed to reload the TLS certificate")?;
        }
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

    /// Reloads and logs the result. Returns the error as text for an HTTP response.
    async fn reload_and_log(&self) -> Result<(), String> {
        match self.reload().await {
            Ok(()) => {
                let rooms =
                    if self.on_swap == OnSwap::Drain { "new rooms use it" } else { "all rooms restart with it" };
                tracing::info!("reloaded `{}`: {rooms}", self.module().display());
                Ok(())
            }
            Err(error) => {
                tracing::error!("failed to reload, the running service continues: {error:#}");
                Err(format!("{error:#}\n"))
            }
        }
    }

    /// Reloads on each signal.
    #[cfg(unix)]
    pub(super) async fn reload_on_signals(self: Arc<Self>, mut signals: tokio::signal::unix::Signal) {
        while signals.recv().await.is_some() {
            // The error is logged.
            let _ = self.reload_and_log().await;
        }
    }

    /// Returns a router with the route `/reload`.
    pub(super) fn router(self: Arc<Self>) -> Router {
        let reload = async |State(reloader): State<Arc<Reloader>>| match reloader.reload_and_log().await {
            Ok(()) => (StatusCode::NO_CONTENT, String::new()),
            Err(text) => (StatusCode::INTERNAL_SERVER_ERROR, text),
        };
        Router::new().route("/reload", post(reload)).with_state(self)
    }
}
