//! Running a server from its settings until a signal stops it.
#[cfg(unix)]
use std::os::unix::fs::DirBuilderExt;
use std::{
    fs::DirBuilder,
    io::{self, IsTerminal},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, atomic::AtomicU64},
    thread,
    time::Duration,
};

use anyhow::{Context, Result};
use axum::{Router, middleware::from_fn};
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use stateroom_inspector::{BuildStatus, Inspector, inject_page_script};
use stateroom_record::{GuestLogLayer, RecordedFactory, Recorder};
use stateroom_server::{BoundServer, Server, ServerHandle, Tls};
use stateroom_wasm_host::WasmHostFactory;
use tokio::runtime::{self, Runtime};

use super::{
    address::{announce, explain_bind},
    admin,
    module::load,
    reload::Reloader,
    sandbox::{self, SandboxNeeds},
    shutdown, store, systemd,
};
use crate::{
    settings::{ResolvedSettings, cache_directory},
    ui::stderr,
};

/// The layer of the log that records the lines of guests, once a recorder is attached.
pub(crate) static GUEST_LOGS: LazyLock<GuestLogLayer> = LazyLock::new(GuestLogLayer::new);

/// Maximum time that the end of the server waits for its threads.
const THREADS_TIMEOUT: Duration = Duration::from_secs(1);

/// Replaces the module of the running server.
pub(crate) type SwapModule = Box<dyn Fn(PathBuf) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// A task that runs beside the server.
type BackgroundTask = Box<dyn FnOnce(ServerHandle, SwapModule) -> BoxFuture<'static, ()>>;

/// The options in which `serve` and `dev` differ.
#[derive(Default)]
pub(crate) struct ServeOptions {
    /// Recorder of the events in rooms, for the inspector.
    pub(crate) recorder: Option<Recorder>,
    /// Status of the build, if the service is rebuilt on changes.
    pub(crate) build_status: Option<Arc<BuildStatus>>,
    /// Task that runs beside the server.
    pub(crate) background: Option<BackgroundTask>,
    /// Called when the server begins to stop.
    pub(crate) on_stop: Option<fn()>,
    /// Whether the inspector of a service that is rebuilt shows the rooms, or only the status of the build.
    pub(crate) shows_rooms: bool,
    /// Whether restarted rooms are restored by replaying their events.
    pub(crate) restore: bool,
    /// File or directory that the user serves, if the server restricts itself to what it needs.
    pub(crate) sandboxed: Option<PathBuf>,
    /// Whether the page is opened in a browser.
    pub(crate) open: bool,
}

/// Serves a module until a signal stops the process.
///
/// # Errors
///
/// Returns an error if the module cannot be loaded, an address cannot be bound, or the server fails.
pub(crate) fn serve_until_stopped(module: &Path, settings: ResolvedSettings, options: ServeOptions) -> Result<()> {
    if let Some(path) = &options.sandboxed {
        sandbox::restrict(&needs(path, module, &settings));
    }
    stderr::queue().context("failed to start the thread of the log")?;
    let runtime = start_runtime().context("failed to start the Tokio runtime")?;
    let result = serve(&runtime, module, settings, options);
    // A thread may hang, for example in a read from a file system that does not answer.
    runtime.shutdown_timeout(THREADS_TIMEOUT);
    result
}

/// Returns what the server reads, writes and listens on, with the directory of compiled modules created.
fn needs(path: &Path, module: &Path, settings: &ResolvedSettings) -> SandboxNeeds {
    let ResolvedSettings { server, tls, admin, admission, cache, .. } = settings;
    let statics = [&server.static_path, &server.client_path].into_iter().flatten().map(PathBuf::from);
    let keys = [&tls.0, &tls.1].into_iter().flatten().chain(admission.key_files()).cloned();
    let cache = cache.then(module_cache).flatten();
    let cache = cache.filter(|cache| {
        // The host does it again, and reports errors.
        create_private(cache).is_ok()
    });
    let data = settings.data.clone().filter(|data| {
        // The store does it again, and reports errors.
        create_private(data).is_ok()
    });
    SandboxNeeds {
        files: statics.chain(keys).chain([path, module].map(Path::to_owned)).collect(),
        written: cache.into_iter().chain(data).collect(),
        ports: admin.iter().map(SocketAddr::port).chain([server.port]).collect(),
    }
}

/// Creates a directory, with those around it, that only its user can access, as the host requires.
fn create_private(directory: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    builder.mode(0o700);
    builder.recursive(true).create(directory)
}

fn serve(runtime: &Runtime, module: &Path, settings: ResolvedSettings, options: ServeOptions) -> Result<()> {
    let ResolvedSettings { mut server, mut host, data, cache, on_swap, tls, admin, admission, .. } = settings;
    server.admission.jwt = admission.keys()?;
    server.tls = load_certificate(tls)?;
    host.cache = cache.then(module_cache).flatten();
    let host = host.with_durable(data.is_some() || server.sleep_in_memory);
    let mut stop = Box::pin(shutdown::requested().context("failed to install signal handlers")?);
    // A signal does not wait for the compiler. On the runtime: the host reads the number of workers.
    let loading = runtime.spawn_blocking({
        let (module, host) = (module.to_owned(), host.clone());
        move || load(&module, &host)
    });
    let factory = runtime.block_on(async {
        tokio::select! {
            () = &mut stop => Ok(None),
            loaded = loading => loaded?.map(Some),
        }
    });
    let Some(factory) = factory? else { return Ok(()) };
    server.store = data.map(|data| store::open(&data)).transpose()?;
    let store = server.store.clone();
    let (strategy, tls) = (server.room_strategy, server.tls.clone());
    // Before any metric is registered.
    let admin = admin.map(|address| admin::install_recorder().map(|metrics| (address, metrics))).transpose()?;
    runtime.block_on(async {
        let is_tls = tls.is_some();
        if let Some(recorder) = &options.recorder {
            GUEST_LOGS.attach(recorder);
        }
        let mut server = bind(server, RecordedFactory::new(factory, options.recorder.as_ref())).await?;
        let reloader = Arc::new(Reloader {
            module: Mutex::new(module.to_owned()),
            host,
            on_swap,
            is_durable: store.is_some(),
            tls,
            admission,
            server: server.handle(),
            recorder: options.recorder.clone(),
            restore: options.restore,
            requested: AtomicU64::default(),
            applied: Mutex::default(),
        });
        // With a terminal, SIGHUP means that the terminal was closed, which ends the process.
        #[cfg(unix)]
        if !io::stdin().is_terminal() {
            let signals = shutdown::hangups().context("failed to install signal handlers")?;
            tokio::spawn(reloader.clone().reload_on_signals(signals));
        }
        let inspector = options.inspector(&reloader);
        // During development, the inspector is served with the pages.
        let (on_pages, on_admin) = if options.build_status.is_some() { (inspector, None) } else { (None, inspector) };
        if let Some((address, metrics)) = admin {
            server = admin::bind(server, address, metrics, &reloader, on_admin)?;
        }
        if let Some(inspector) = on_pages {
            server = server.map_router(|router| router.layer(from_fn(inject_page_script)).merge(inspector));
        }
        let page = announce(server.local_addr(), strategy, is_tls, options.shows_rooms);
        let on_stop = options.on_stop;
        options.start(&page, reloader);
        systemd::notify_ready();
        let mut failure = Ok(());
        let stop = async {
            failure = tokio::select! {
                () = stop => Ok(()),
                // Whatever is still acknowledged could be lost.
                cause = store::failure_of(store.as_deref()) => Err(cause),
            };
            systemd::notify_stopping();
            if let Some(on_stop) = on_stop {
                on_stop();
            }
        };
        server.run_until(stop).await.context("the server failed")?;
        if let (Some(store), Ok(())) = (&store, &failure) {
            store.close().await.context("failed to close the store of the rooms")?;
        }
        failure
    })
}

impl ServeOptions {
    /// Returns the routes of the inspector, if events are recorded.
    fn inspector(&self, reloader: &Reloader) -> Option<Router> {
        let mut inspector = Inspector::new(reloader.server.clone(), self.recorder.clone()?)
            .with_service_name(module_name(&reloader.module()));
        if let Some(status) = &self.build_status {
            inspector = inspector.with_build_status(status.clone()).with_rooms_path("/ws/");
            if !self.shows_rooms {
                inspector = inspector.without_rooms();
            }
        }
        Some(inspector.router())
    }

    /// Opens the page and starts the background task, where configured.
    fn start(self, page: &str, reloader: Arc<Reloader>) {
        if self.open
            && let Err(error) = open::that_detached(page)
        {
            tracing::warn!("failed to open a browser: {error}");
        }
        if let Some(background) = self.background {
            let server = reloader.server.clone();
            let swap: SwapModule = Box::new(move |module| {
                let reloader = reloader.clone();
                Box::pin(async move { reloader.reload_from(module).await })
            });
            tokio::spawn(background(server, swap));
        }
    }
}

/// Binds the server, to the socket passed by systemd if there is one.
async fn bind(server: Server, factory: RecordedFactory<WasmHostFactory>) -> Result<BoundServer> {
    if let Some(socket) = systemd::socket()? {
        return server.bind_to(socket, factory).context("failed to use the socket passed by systemd");
    }
    server.bind(factory).await.map_err(|error| explain_bind(&error, "--ip", "--port"))
}

fn load_certificate(files: (Option<PathBuf>, Option<PathBuf>)) -> Result<Option<Tls>> {
    match files {
        (Some(certificate), Some(key)) => {
            let tls = Tls::from_pem_files(certificate, key).context("failed to load the TLS certificate")?;
            Ok(Some(tls))
        }
        // The settings were checked to have both or none.
        _ => Ok(None),
    }
}

/// Returns the cache directory of compiled modules, if the user has one.
fn module_cache() -> Option<PathBuf> {
    match cache_directory() {
        Ok(directory) => Some(directory.join("modules")),
        Err(error) => {
            tracing::warn!("compiled modules are not cached: {error:#}");
            None
        }
    }
}

fn module_name(module: &Path) -> String {
    module.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Starts a runtime, without workers on a single core: they would only compete for it.
fn start_runtime() -> io::Result<Runtime> {
    let is_single = thread::available_parallelism().is_ok_and(|cores| cores.get() == 1);
    let mut builder =
        if is_single { runtime::Builder::new_current_thread() } else { runtime::Builder::new_multi_thread() };
    builder.enable_all().build()
}
