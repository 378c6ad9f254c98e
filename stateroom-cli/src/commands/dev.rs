//! `stateroom dev`: builds the service here, and serves what cargo has made, from where it has made it.
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::Result;

use super::serve;
use crate::{
    build,
    config::{Resolved, Settings},
};

pub(super) fn run(settings: &Settings, mut resolved: Resolved) -> Result<()> {
    let built = build::build(settings)?;
    resolved.server.static_path = settings.static_files.as_deref().map(serve::text).transpose()?;
    resolved.server.client_path = built.client.as_deref().map(serve::text).transpose()?;
    let has_page = resolved.server.static_path.is_some();
    serve::until_stopped(&built.service, resolved, |address| {
        let address = reachable(address);
        if has_page {
            tracing::info!("open http://{address}/");
        }
        tracing::info!("rooms are at ws://{address}/ws/ROOM");
    })
}

/// Where a browser on this machine finds a server that listens everywhere.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = if address.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address.ip() };
    SocketAddr::new(ip, address.port())
}
