//! A module that is served until a signal comes, with what is done beside that.
use std::{
    io::{self, IsTerminal},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use axum::{Router, middleware::from_fn};
use futures_util::future::BoxFuture;
use stateroom_server::{BoundServer, Server, ServerHandle, Tls};
use stateroom_wasm_host::WasmHostFactory;
use tokio::{
    runtime::{Builder, Runtime},
    sync::watch,
};

use super::{
    address::{announce, explain_bind},
    admin,
    module::load,
    reload::Reload,
    shutdown, systemd,
};
use crate::{
    dev::Status,
    inspector::{self, Inspector},
    record::{self, Observed, Records},
    settings::{Resolved, cache_directory},
};

/// Has this module served from then on.
pub(crate) type SwapModule = Box<dyn Fn(PathBuf) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// What goes on beside the server, for as long as anything is served.
type Background = Box<dyn FnOnce(ServerHandle, SwapModule) -> BoxFuture<'static, ()>>;

/// What is done beside serving.
#[derive(Default)]
pub(crate) struct Stage {
    /// Where what happens in the rooms is written down.
    pub(crate) records: Option<Arc<Records>>,
    /// How the build stands, where the service is built anew when its sources change.
    pub(crate) status: Option<Arc<Status>>,
    /// Goes on beside the server.
    pub(crate) background: Option<Background>,
    /// Called when the server begins to stop.
    pub(crate) on_stop: Option<fn()>,
    /// The inspector is served beside the rooms. Without that, pages that are worked on hear of builds and no more.
    pub(crate) beside: bool,
    /// Rooms that begin again are told what they were told before.
    pub(crate) restore: bool,
    /// The page is opened in a browser.
    pub(crate) open: bool,
}

/// Serves a module until a signal comes; tells first where it is.
///
/// # Errors
///
/// Where it cannot be served, and what to do.
pub(crate) fn until_stopped(module: &Path, resolved: Resolved, stage: Stage) -> Result<()> {
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
    let admin = admin.map(|address| admin::record().map(|measured| (address, measured))).transpose()?;
    runtime.block_on(async {
        let stop = shutdown::requested().context("signals cannot be listened for")?;
        let is_tls = tls.is_some();
        if let Some(records) = &stage.records {
            record::take_lines(records);
        }
        let mut server = bind(server, Observed::new(factory, stage.records.clone())).await?;
        let reload = Arc::new(Reload {
            module: module.to_owned().into(),
            host,
            on_swap,
            tls,
            admission,
            server: server.handle(),
            records: stage.records.clone(),
            restore: stage.restore,
            at_work: tokio::sync::Mutex::default(),
        });
        // Of a terminal, it means that that is gone, and the server with it.
        #[cfg(unix)]
        if !io::stdin().is_terminal() {
            tokio::spawn(reload.clone().on_signals(shutdown::hangups().context("signals cannot be listened for")?));
        }
        let (stopping, is_stopping) = watch::channel(false);
        let inspector = stage.inspector(&reload, is_stopping);
        // What is worked on shows itself beside its pages.
        let (for_pages, for_admin) = if stage.status.is_some() { (inspector, None) } else { (None, inspector) };
        if let Some((address, measured)) = admin {
            server = admin::administer(server, address, measured, &reload, for_admin)?;
        }
        if let Some(inspector) = for_pages {
            server = server.map_router(|router| router.layer(from_fn(inspector::with_script)).merge(inspector));
        }
        let page = announce(server.local_addr(), strategy, is_tls, stage.beside);
        let on_stop = stage.on_stop;
        stage.begin(&page, reload);
        systemd::ready();
        let stop = async {
            stop.await;
            systemd::stopping();
            let _ = stopping.send(true);
            if let Some(on_stop) = on_stop {
                on_stop();
            }
        };
        server.run_until(stop).await.context("the server has failed")
    })
}

impl Stage {
    /// What shows the rooms, if anything does.
    fn inspector(&self, reload: &Reload, stopping: watch::Receiver<bool>) -> Option<Router> {
        let inspector = Inspector {
            records: self.records.clone()?,
            server: reload.server.clone(),
            status: self.status.clone(),
            service: module_name(&reload.module()).into(),
            rooms_at: self.status.as_ref().map(|_| "/ws/"),
            shows_rooms: self.beside || self.status.is_none(),
            session: session_name().into(),
            stopping,
        };
        Some(inspector::router(inspector))
    }

    /// Opens the page, and begins what goes on beside the server, where that is asked for.
    fn begin(self, page: &str, reload: Arc<Reload>) {
        if self.open
            && let Err(error) = open::that_detached(page)
        {
            tracing::warn!("no browser can be opened: {error}");
        }
        if let Some(background) = self.background {
            let server = reload.server.clone();
            let swap: SwapModule = Box::new(move |module| {
                let reload = reload.clone();
                Box::pin(async move { reload.read(module).await })
            });
            tokio::spawn(background(server, swap));
        }
    }
}

/// Listens, on the socket that systemd has opened if it has.
async fn bind(server: Server, factory: Observed<WasmHostFactory>) -> Result<BoundServer> {
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

/// Another text for each start.
fn session_name() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{:x}-{}", now.as_nanos(), std::process::id())
}

/// On a single core, workers would only get in each other's way.
fn runtime() -> io::Result<Runtime> {
    let single = thread::available_parallelism().is_ok_and(|cores| cores.get() == 1);
    let mut builder = if single { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    builder.enable_all().build()
}
