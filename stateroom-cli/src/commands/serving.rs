//! A module that is served until a signal comes, with what is done beside that: for `serve` and `dev` alike.
use std::{
    io::{self, IsTerminal},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use anyhow::{Context, Result};
use axum::{Router, middleware::from_fn};
use metrics_exporter_prometheus::PrometheusHandle;
use stateroom_inspector::{Inspector, inject_page_script};
use stateroom_record::{RecordedFactory, Recorder};
use stateroom_server::{BoundServer, Server, Tls};
use stateroom_wasm_host::WasmHostFactory;
use tokio::runtime::{Builder, Runtime};

use super::{
    address::{announce, explain_bind},
    load::load,
    reload::Reload,
};
use crate::{
    build::{self, cache_directory},
    config::Resolved,
    dev::{Exchange, Session},
    logging, metrics, shutdown, systemd,
};

/// What is done beside serving.
#[derive(Default)]
pub(super) struct Stage {
    /// Records the rooms.
    pub(super) recorder: Option<Recorder>,
    /// The service is built anew when its sources change.
    pub(super) session: Option<Session>,
    /// The inspector is served beside the rooms. Without that, pages that are worked on hear of builds and no more.
    pub(super) beside: bool,
    /// Rooms that begin again are told what they were told before.
    pub(super) restore: bool,
    /// The page is opened in a browser.
    pub(super) open: bool,
}

/// Serves a module until a signal comes; tells first where it is.
pub(super) fn until_stopped(module: &Path, resolved: Resolved, stage: Stage) -> Result<()> {
    let Resolved { mut server, mut host, cache, on_swap, tls, admin, admission } = resolved;
    server.admission.jwt = admission.keys()?;
    server.tls = certificate(tls)?;
    host.cache = cache.then(module_cache).flatten();
    let runtime = runtime().context("no runtime can be made")?;
    // The host looks at how many workers there are.
    let _inside = runtime.enter();
    let factory = load(module, &host)?;
    let (strategy, tls) = (server.room_strategy, server.tls.clone());
    // Before anything that is measured.
    let admin = admin.map(|address| metrics::record().map(|measured| (address, measured))).transpose()?;
    runtime.block_on(async {
        let stop = shutdown::requested().context("signals cannot be listened for")?;
        let is_tls = tls.is_some();
        if let Some(recorder) = &stage.recorder {
            logging::GUEST_LOGS.attach(recorder);
        }
        let mut server = bind(server, RecordedFactory::new(factory, stage.recorder.as_ref())).await?;
        let reload = Arc::new(Reload {
            module: module.to_owned().into(),
            host,
            on_swap,
            tls,
            admission,
            server: server.handle(),
            recorder: stage.recorder.clone(),
            restore: stage.restore,
            at_work: tokio::sync::Mutex::default(),
        });
        // Of a terminal, it means that that is gone, and the server with it.
        #[cfg(unix)]
        if !io::stdin().is_terminal() {
            tokio::spawn(reload.clone().on_signals(shutdown::hangups().context("signals cannot be listened for")?));
        }
        let inspector = stage.inspector(&reload);
        // What is worked on shows itself beside its pages.
        let (for_pages, for_admin) = if stage.session.is_some() { (inspector, None) } else { (None, inspector) };
        if let Some((address, measured)) = admin {
            server = administer(server, address, measured, &reload, for_admin)?;
        }
        if let Some(inspector) = for_pages {
            server = server.map_router(|router| router.layer(from_fn(inject_page_script)).merge(inspector));
        }
        let page = announce(server.local_addr(), strategy, is_tls, stage.beside);
        stage.begin(&page, reload);
        systemd::ready();
        let stop = async {
            stop.await;
            systemd::stopping();
            build::stop();
        };
        server.run_until(stop).await.context("the server has failed")
    })
}

impl Stage {
    /// Returns the routes of the inspector, or of the script in the author's pages alone.
    fn inspector(&self, reload: &Reload) -> Option<Router> {
        let mut inspector = Inspector::new(reload.server.clone(), self.recorder.clone()?)
            .with_service_name(module_name(&reload.module()));
        if let Some(session) = &self.session {
            inspector = inspector.with_build_status(session.status.clone()).with_rooms_path("/ws/");
            if !self.beside {
                inspector = inspector.without_rooms();
            }
        }
        Some(inspector.router())
    }

    /// Opens the page, and has the service built again and again, where that is asked for.
    fn begin(self, page: &str, reload: Arc<Reload>) {
        if self.open
            && let Err(error) = open::that_detached(page)
        {
            tracing::warn!("no browser can be opened: {error}");
        }
        if let Some(session) = self.session {
            let server = reload.server.clone();
            let exchange: Exchange = Box::new(move |module| {
                let reload = reload.clone();
                Box::pin(async move { reload.read(module).await })
            });
            tokio::spawn(session.run(server, exchange));
        }
    }
}

/// Listens for whoever runs the server, too.
fn administer(
    server: BoundServer,
    address: SocketAddr,
    measured: PrometheusHandle,
    reload: &Arc<Reload>,
    inspector: Option<Router>,
) -> Result<BoundServer> {
    tokio::spawn(metrics::upkeep(measured.clone()));
    let more = if inspector.is_some() { format!(", {}/", stateroom_inspector::PATH) } else { String::new() };
    let routes = metrics::router(measured).merge(reload.clone().router()).merge(inspector.unwrap_or_default());
    let explain = |error| explain_bind(error, &address.ip().to_string(), address.port(), "--admin", "--admin");
    let server = server.with_admin(address, routes).map_err(explain)?;
    if let Some(address) = server.admin_addr() {
        tracing::info!("for whoever runs it: http://{address}/metrics, /healthz, /readyz, /rooms, /reload{more}");
    }
    Ok(server)
}

/// Listens, on the socket that systemd has opened if it has.
async fn bind(server: Server, factory: RecordedFactory<WasmHostFactory>) -> Result<BoundServer> {
    if let Some(socket) = systemd::socket()? {
        return server.bind_to(socket, factory).context("the socket that systemd has opened is of no use");
    }
    let (ip, port) = (server.ip.clone(), server.port);
    server.bind(factory).await.map_err(|error| explain_bind(error, &ip, port, "--ip", "--port"))
}

/// The certificate by which TLS is spoken, if it is.
fn certificate(files: (Option<PathBuf>, Option<PathBuf>)) -> Result<Option<Tls>> {
    match files {
        (Some(certificate), Some(key)) => {
            Ok(Some(Tls::from_pem_files(certificate, key).context("TLS cannot be spoken")?))
        }
        // That both are there or none has been seen to before.
        _ => Ok(None),
    }
}

/// Where compiled modules are kept, if there is a place for them.
fn module_cache() -> Option<PathBuf> {
    match cache_directory() {
        Ok(directory) => Some(directory.join("modules")),
        Err(error) => {
            tracing::warn!("compiled modules are not kept: {error:#}");
            None
        }
    }
}

/// What a service is called, by its file.
fn module_name(module: &Path) -> String {
    module.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// On a single core, workers would only get in each other's way.
fn runtime() -> io::Result<Runtime> {
    let single = thread::available_parallelism().is_ok_and(|cores| cores.get() == 1);
    let mut builder = if single { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    builder.enable_all().build()
}
