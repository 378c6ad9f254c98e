//! Building again and again: on each save, what has changed is built, and what is served is exchanged for it.
//!
//! *Invariant:* one build at a time, of what is there when it begins; what does not build changes nothing that is served.
mod sources;
mod watch;
mod workshop;

use std::{path::PathBuf, sync::Arc, time::Instant};

use futures_util::future::BoxFuture;
use stateroom_inspector::BuildStatus;
use stateroom_record::Recorder;
use stateroom_server::ServerHandle;

use self::sources::Changes;
pub(crate) use self::{
    sources::Sources,
    watch::Watch,
    workshop::{Made, Workshop},
};
use crate::{build::Built, config::FILE_NAME};

/// Has this module served from then on.
pub(crate) type Exchange = Box<dyn Fn(PathBuf) -> BoxFuture<'static, anyhow::Result<()>> + Send + Sync>;

/// A service that is served while it is worked on.
pub(crate) struct Session {
    pub(crate) workshop: Arc<Workshop>,
    pub(crate) sources: Sources,
    pub(crate) watch: Watch,
    pub(crate) status: Arc<BuildStatus>,
    pub(crate) recorder: Recorder,
    /// What is served: where it is, and what is in it.
    pub(crate) built: Built,
    pub(crate) made: Made,
}

impl Session {
    /// Goes on for as long as anything is served.
    pub(crate) async fn run(mut self, server: ServerHandle, exchange: Exchange) {
        // A page may have changed while the code did not build.
        let mut page = false;
        loop {
            let changes = self.watch.changes(&mut self.sources).await;
            if changes.settings {
                tracing::warn!("{FILE_NAME} has changed: what it says counts when `dev` is started again");
            }
            page |= changes.page;
            if changes.code && !self.rebuild(&changes, &server, &exchange).await {
                continue;
            }
            if std::mem::take(&mut page) {
                let why = if changes.code { String::new() } else { changes.describe() + ": " };
                tracing::info!("{why}pages are loaded again");
                self.status.reload_pages();
            }
        }
    }

    /// Builds what has changed; says whether it could be built.
    async fn rebuild(&mut self, changes: &Changes, server: &ServerHandle, exchange: &Exchange) -> bool {
        let begun = Instant::now();
        let had_failed = self.status.has_failed();
        self.status.set_building();
        let workshop = self.workshop.clone();
        let (built, made) = match tokio::task::spawn_blocking(move || workshop.build()).await {
            Ok(Ok(made)) => made,
            Ok(Err(error)) => {
                let text = format!("{error:#}");
                tracing::error!("{}; the service from before goes on\n{}", changes.describe(), text.trim_end());
                self.status.set_failed(text);
                return false;
            }
            // The server is stopping.
            Err(_) => return false,
        };
        self.sources.accept_lock();
        if changes.manifest {
            // It may depend on other packages now.
            match self.workshop.built_from() {
                Ok(from) => self.sources.look_at(from),
                Err(error) => tracing::warn!("what is watched stays as it was: {error:#}"),
            }
        }
        let (is_new_service, is_new_client) = (made.service != self.made.service, made.client != self.made.client);
        if is_new_service {
            let rooms = server.local_rooms().len();
            if let Err(error) = exchange(built.service.clone()).await {
                let text = format!("{error:#}");
                tracing::error!("what was built cannot be served, and the service from before goes on: {text}");
                self.status.set_failed(text);
                return false;
            }
            let rooms =
                if rooms == 1 { "1 room begins again".to_owned() } else { format!("{rooms} rooms begin again") };
            tracing::info!("rebuilt in {:.2} s: {}; {rooms}", begun.elapsed().as_secs_f64(), changes.describe());
        }
        if had_failed && !is_new_service {
            tracing::info!("it builds again, to what is served already");
        }
        if built.client != self.built.client {
            tracing::warn!("the client is called otherwise now: it is served when `dev` is started again");
        }
        self.made = made;
        self.status.set_ready(self.recorder.generation(), begun.elapsed());
        if is_new_client {
            tracing::info!("rebuilt in {:.2} s: pages are loaded again", begun.elapsed().as_secs_f64());
            self.status.reload_pages();
        }
        true
    }
}
