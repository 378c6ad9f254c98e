//! Reading the service again while it is served: on SIGHUP, or when whoever runs the server asks for it.
//!
//! *Invariant:* what cannot be read or used changes nothing: the service that is there goes on.
use std::{
    path::PathBuf,
    sync::{Arc, PoisonError},
};

use anyhow::{Context, Result};
use axum::{Router, extract::State, http::StatusCode, routing::post};
use stateroom_record::{RecordedFactory, Recorder};
use stateroom_server::{OnSwap, ServerHandle, Tls};
use stateroom_wasm_host::WasmHostConfig;
use tokio::sync::Mutex;

use super::load::load;
use crate::config::AdmissionSettings;

/// What is read again, and into which server.
pub(super) struct Reload {
    /// Where it was read last.
    pub(super) module: std::sync::Mutex<PathBuf>,
    pub(super) host: WasmHostConfig,
    pub(super) on_swap: OnSwap,
    pub(super) tls: Option<Tls>,
    pub(super) admission: AdmissionSettings,
    pub(super) server: ServerHandle,
    pub(super) recorder: Option<Recorder>,
    /// Whether rooms that begin again are told what they were told before.
    pub(super) restore: bool,
    /// One at a time, in the order in which they were asked for.
    pub(super) at_work: Mutex<()>,
}

impl Reload {
    /// The file of the module.
    pub(super) fn module(&self) -> PathBuf {
        self.module.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads all of it again.
    ///
    /// # Errors
    ///
    /// Where any of it cannot be read or used.
    pub(super) async fn read_again(&self) -> Result<()> {
        self.read(self.module()).await
    }

    /// The same, of another file from now on.
    ///
    /// # Errors
    ///
    /// As [`read_again`](Self::read_again).
    pub(super) async fn read(&self, module: PathBuf) -> Result<()> {
        let _at_work = self.at_work.lock().await;
        let (path, host) = (module.clone(), self.host.clone());
        // Compiling takes a while.
        let factory = tokio::task::spawn_blocking(move || load(&path, &host)).await??;
        let keys = self.admission.keys()?;
        if let Some(tls) = &self.tls {
            tls.reload().context("the certificate cannot be read again")?;
        }
        if let Some(keys) = keys {
            self.server.set_jwt(keys);
        }
        *self.module.lock().unwrap_or_else(PoisonError::into_inner) = module;
        if let Some(recorder) = &self.recorder {
            recorder.begin_generation(self.restore);
        }
        self.server.swap(RecordedFactory::new(factory, self.recorder.as_ref()), self.on_swap);
        Ok(())
    }

    async fn reload_and_tell(&self) -> Result<(), String> {
        match self.read_again().await {
            Ok(()) => {
                let is_drain = self.on_swap == OnSwap::Drain;
                let what = if is_drain { "new rooms have it" } else { "all rooms begin again with it" };
                tracing::info!("`{}` was read again: {what}", self.module().display());
                Ok(())
            }
            Err(error) => {
                tracing::error!("the service cannot be read again, and the old one goes on: {error:#}");
                Err(format!("{error:#}\n"))
            }
        }
    }

    /// Does so whenever the process is told to.
    #[cfg(unix)]
    pub(super) async fn on_signals(self: Arc<Self>, mut signals: tokio::signal::unix::Signal) {
        while signals.recv().await.is_some() {
            // It is in the log.
            let _ = self.reload_and_tell().await;
        }
    }

    /// The route `/reload`.
    pub(super) fn router(self: Arc<Self>) -> Router {
        let reload = async |State(reload): State<Arc<Reload>>| match reload.reload_and_tell().await {
            Ok(()) => (StatusCode::NO_CONTENT, String::new()),
            Err(text) => (StatusCode::INTERNAL_SERVER_ERROR, text),
        };
        Router::new().route("/reload", post(reload)).with_state(self)
    }
}
