//! `stateroom serve`: a module and its files, until a signal comes.
use std::{
    io::{self, IsTerminal},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Error, Result, bail};
use axum::middleware::from_fn;
use clap::error::ErrorKind;
use stateroom_server::{BoundServer, RoomStrategy, Server, Tls};
use stateroom_wasm_host::{WasmHostConfig, WasmHostFactory};
use tokio::{
    runtime::{Builder, Runtime},
    sync::watch,
};

use crate::{
    build::{self, cache_directory, dist},
    config::{Resolved, Settings},
    dev::{Exchange, Session},
    inspector::{self, Inspector},
    metrics,
    record::{self, Observed, Records},
    refusal, shutdown, systemd,
};

use super::reload::Reload;

pub(super) fn run(module: &Path, inspector: bool, settings: &Settings, mut resolved: Resolved) -> Result<()> {
    if !module.exists() {
        let hint = if module.ends_with(dist::DIRECTORY) { "\n  hint: `stateroom build` makes `dist`" } else { "" };
        bail!("there is no file or directory `{}`{hint}", module.display());
    }
    let mut static_files = settings.static_files.clone();
    let mut file = module.to_owned();
    if module.is_dir() {
        let contents = dist::contents(module)?;
        static_files = static_files.or(contents.static_files);
        resolved.server.client_path = contents.client.as_deref().map(text).transpose()?;
        file = contents.module;
    }
    if let Some(files) = &static_files {
        dist::check_static_files(files)?;
        resolved.server.static_path = Some(text(files)?);
    }
    let records = inspector.then(Records::new);
    if records.is_some() && resolved.admin.is_none() {
        let problem = "the inspector is for whoever runs the server, and so needs an address of its own\n  \
                       hint: name one with `--admin`, such as `--admin 127.0.0.1:9090`\n";
        return Err(clap::Error::raw(ErrorKind::MissingRequiredArgument, problem).into());
    }
    until_stopped(&file, resolved, Stage { records, ..Stage::default() })
}

/// What is done beside serving.
#[derive(Default)]
pub(super) struct Stage {
    /// Where what happens in the rooms is written down.
    pub(super) records: Option<Arc<Records>>,
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
    let measured = admin.map(|_| metrics::record()).transpose()?;
    runtime.block_on(async {
        let stop = shutdown::requested().context("signals cannot be listened for")?;
        let is_tls = tls.is_some();
        if let Some(records) = &stage.records {
            record::take_lines(records);
        }
        let mut server = bind(server, Observed::new(factory, stage.records.clone())).await?;
        let (module, server_handle) = (module.to_owned(), server.handle());
        let reload = Arc::new(Reload {
            module: module.into(),
            host,
            on_swap,
            tls,
            admission,
            server: server_handle.clone(),
            records: stage.records.clone(),
            restore: stage.restore,
            at_work: tokio::sync::Mutex::default(),
        });
        let (stopping, is_stopping) = watch::channel(false);
        let inspector = stage.records.clone().map(|records| {
            inspector::router(Inspector {
                records,
                server: server_handle.clone(),
                status: stage.session.as_ref().map(|session| session.status.clone()),
                service: module_name(&reload.module()).into(),
                rooms_at: stage.session.as_ref().map(|_| "/ws/"),
                shows_rooms: stage.beside || stage.session.is_none(),
                session: session_name().into(),
                stopping: is_stopping,
            })
        });
        // Of a terminal, it means that that is gone, and the server with it.
        #[cfg(unix)]
        if !io::stdin().is_terminal() {
            tokio::spawn(reload.clone().on_signals(shutdown::hangups().context("signals cannot be listened for")?));
        }
        if let (Some(address), Some(measured)) = (admin, measured) {
            tokio::spawn(metrics::upkeep(measured.clone()));
            let explain = |error| explain_bind(error, &address.ip().to_string(), address.port(), "--admin", "--admin");
            let mut more = metrics::router(measured).merge(reload.clone().router());
            if let Some(inspector) = inspector.clone().filter(|_| stage.session.is_none()) {
                more = more.merge(inspector);
            }
            server = server.with_admin(address, more).map_err(explain)?;
        }
        if let Some(address) = server.admin_addr() {
            let more = if stage.records.is_some() && stage.session.is_none() { ", /_stateroom/" } else { "" };
            tracing::info!("for whoever runs it: http://{address}/metrics, /healthz, /readyz, /rooms, /reload{more}");
        }
        if stage.session.is_some()
            && let Some(inspector) = inspector
        {
            server = server.map_router(|router| router.layer(from_fn(inspector::with_script)).merge(inspector));
        }
        let page = announce(server.local_addr(), strategy, is_tls, stage.beside);
        if stage.open
            && let Err(error) = open::that_detached(&page)
        {
            tracing::warn!("no browser can be opened: {error}");
        }
        if let Some(session) = stage.session {
            let again = reload.clone();
            let exchange: Exchange = Box::new(move |module| {
                let again = again.clone();
                Box::pin(async move { again.read(module).await })
            });
            tokio::spawn(session.run(server_handle, exchange));
        }
        systemd::ready();
        let stop = async {
            stop.await;
            systemd::stopping();
            let _ = stopping.send(true);
            build::stop();
        };
        server.run_until(stop).await.context("the server has failed")
    })
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

/// Says where the server is, and how to get into a room. The result is the address of its page.
fn announce(address: SocketAddr, strategy: RoomStrategy, is_tls: bool, inspector: bool) -> String {
    let s = if is_tls { "s" } else { "" };
    tracing::info!("listening on http{s}://{address}");
    let here = reachable(address);
    if here != address {
        tracing::info!("on this machine that is http{s}://{here}");
    }
    match strategy {
        RoomStrategy::Implicit => {}
        RoomStrategy::Api => tracing::info!("create a room: curl -X POST http{s}://{here}/ws/NAME"),
        _ => tracing::info!("create a room: curl -X POST http{s}://{here}/new_room"),
    }
    tracing::info!("rooms are at ws{s}://{here}/ws/NAME");
    if inspector {
        tracing::info!("what happens in them is at http{s}://{here}{}/", inspector::PATH);
    }
    format!("http{s}://{here}/")
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

/// Where a browser on this machine finds a server that listens everywhere.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// # Errors
///
/// Where the server could not listen.
pub(super) fn check_address(server: &Server) -> Result<()> {
    let (ip, port) = (server.ip.as_str(), server.port);
    TcpListener::bind((ip, port)).map(drop).map_err(|error| explain_bind(error, ip, port, "--ip", "--port"))
}

/// The port of these settings, or the next one after it that is not in use.
///
/// # Errors
///
/// Where none of a hundred could be listened on, or it is not for being in use.
pub(super) fn next_free_port(server: &Server) -> Result<u16> {
    let (ip, first) = (server.ip.as_str(), server.port);
    for port in first..=first.saturating_add(100) {
        match TcpListener::bind((ip, port)) {
            Ok(_) => return Ok(port),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(explain_bind(error, ip, port, "--ip", "--port")),
        }
    }
    bail!("the ports from {first} on are in use by other programs: take others with `--port`")
}

/// Checks and compiles a module.
pub(super) fn load(module: &Path, config: &WasmHostConfig) -> Result<WasmHostFactory> {
    WasmHostFactory::with_config(module, config).map_err(|error| refusal::explain(&error))
}

/// On a single core, workers would only get in each other's way.
fn runtime() -> io::Result<Runtime> {
    let single = thread::available_parallelism().is_ok_and(|cores| cores.get() == 1);
    let mut builder = if single { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    builder.enable_all().build()
}

fn explain_bind(error: io::Error, ip: &str, port: u16, ip_flag: &str, port_flag: &str) -> Error {
    let context = match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "{ip}:{port} is in use by another program\n  hint: take another port with `{port_flag}`; 0 is any free one"
        ),
        io::ErrorKind::AddrNotAvailable => format!("{ip} is not an address of this machine: see `{ip_flag}`"),
        io::ErrorKind::PermissionDenied => {
            format!("{ip}:{port} may not be listened on: take a port above 1023 with `{port_flag}`")
        }
        _ => format!("{ip}:{port} cannot be listened on"),
    };
    Error::new(error).context(context)
}

/// A path, for the server, which takes text.
pub(super) fn text(path: &Path) -> Result<String> {
    let text = path.to_str().with_context(|| format!("`{}` is not Unicode", path.display()))?;
    Ok(text.to_owned())
}
