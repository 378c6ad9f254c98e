//! `stateroom serve`: a module and its files, until a signal comes.
use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    thread,
};

use anyhow::{Context, Error, Result, anyhow, bail};
use stateroom_server::{RoomStrategy, Server};
use stateroom_wasm_host::{WasmHostConfig, WasmHostError, WasmHostFactory};
use tokio::runtime::{Builder, Runtime};

use crate::{
    build::{cache_directory, dist},
    config::{Resolved, Settings},
    metrics, shutdown,
};

pub(super) fn run(module: &Path, settings: &Settings, mut resolved: Resolved) -> Result<()> {
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
    until_stopped(&file, resolved)
}

/// Serves a module until a signal comes; tells first where it is.
pub(super) fn until_stopped(module: &Path, resolved: Resolved) -> Result<()> {
    let Resolved { mut server, mut host, cache, admin, admission } = resolved;
    server.admission.jwt = admission.keys()?;
    host.cache = cache.then(module_cache).flatten();
    let runtime = runtime().context("no runtime can be made")?;
    // The host looks at how many workers there are.
    let _inside = runtime.enter();
    let factory = load(module, &host)?;
    let (ip, port, strategy) = (server.ip.clone(), server.port, server.room_strategy);
    // Before anything that is measured.
    let measured = admin.map(|_| metrics::record()).transpose()?;
    runtime.block_on(async {
        let stop = shutdown::requested().context("signals cannot be listened for")?;
        let mut server =
            server.bind(factory).await.map_err(|error| explain_bind(error, &ip, port, "--ip", "--port"))?;
        if let (Some(address), Some(measured)) = (admin, measured) {
            tokio::spawn(metrics::upkeep(measured.clone()));
            let explain = |error| explain_bind(error, &address.ip().to_string(), address.port(), "--admin", "--admin");
            server = server.with_admin(address, metrics::router(measured)).map_err(explain)?;
        }
        if let Some(address) = server.admin_addr() {
            tracing::info!("for whoever runs it: http://{address}/metrics, /healthz, /readyz, /rooms");
        }
        announce(server.local_addr(), strategy);
        server.run_until(stop).await.context("the server has failed")
    })
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

/// Says where the server is, and how to get into a room.
fn announce(address: SocketAddr, strategy: RoomStrategy) {
    tracing::info!("listening on http://{address}");
    let here = reachable(address);
    if here != address {
        tracing::info!("on this machine that is http://{here}");
    }
    match strategy {
        RoomStrategy::Implicit => {}
        RoomStrategy::Api => tracing::info!("create a room: curl -X POST http://{here}/ws/NAME"),
        _ => tracing::info!("create a room: curl -X POST http://{here}/new_room"),
    }
    tracing::info!("rooms are at ws://{here}/ws/NAME");
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

/// Checks and compiles a module.
pub(super) fn load(module: &Path, config: &WasmHostConfig) -> Result<WasmHostFactory> {
    WasmHostFactory::with_config(module, config).map_err(|error| match error {
        WasmHostError::MissingExport { .. } => anyhow!(
            "{error}\n  hint: put `#[stateroom_wasm]`, of the crate `stateroom-wasm`, on the type of the service"
        ),
        error => Error::new(error),
    })
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
