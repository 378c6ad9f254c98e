//! Checks of the limits of the operating system.
use std::{error::Error, fs, io};

use stateroom_server::Server;
use stateroom_wasm_host::WasmHostConfig;

use super::check::Check;
use crate::serve::sandbox;

/// Files that a server has open besides its connections.
const OTHER_FILES: u64 = 100;
/// The default limit of memory mappings on Linux, which suffices for all rooms that fit into the address space.
const MAPPINGS: u64 = 65_530;
/// The number of directories that `dev` watches at most, for typical services.
const WATCHES: u64 = 8_192;

pub(super) fn check_port(server: &Server) -> Check {
    let (name, address) = ("port", host_and_port(&server.ip, server.port));
    match server.try_listen() {
        Ok(()) => Check::ok(name, format!("{address} is free")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            Check::warning(name, format!("another program listens on {address}"), "stateroom dev --next-port")
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Check::problem(
            name,
            format!("no permission to listen on {address}"),
            "choose a port above 1023 with --port",
        ),
        Err(error) => Check::problem(
            name,
            format!("{error}: {}", error.source().map(ToString::to_string).unwrap_or_default()),
            "choose another address with --ip and --port",
        ),
    }
}

/// Formats an address and a port: an IPv6 address needs brackets.
fn host_and_port(ip: &str, port: u16) -> String {
    if ip.contains(':') { format!("[{ip}]:{port}") } else { format!("{ip}:{port}") }
}

/// Checks that the limit of open files allows this number of connections. `None` on systems without such a limit.
pub(super) fn check_open_files(connections: usize) -> Option<Check> {
    let (soft, hard) = file_limits()?;
    Some(judge_open_files(soft, hard, connections as u64))
}

/// Returns the soft and the hard limit of open files.
#[cfg(unix)]
fn file_limits() -> Option<(Option<u64>, Option<u64>)> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    Some((limit.current, limit.maximum))
}

#[cfg(not(unix))]
fn file_limits() -> Option<(Option<u64>, Option<u64>)> {
    None
}

fn judge_open_files(soft: Option<u64>, hard: Option<u64>, connections: u64) -> Check {
    let name = "open files";
    let Some(soft) = soft else { return Check::ok(name, "no limit") };
    let hard_text = hard.map_or_else(|| "unlimited".to_owned(), |hard| hard.to_string());
    let found =
        format!("soft limit {soft}, hard limit {hard_text}: allows {} connections", soft.saturating_sub(OTHER_FILES));
    let required = connections.saturating_add(OTHER_FILES);
    if soft >= required {
        return Check::ok(name, found);
    }
    let fix = match hard {
        Some(hard) if hard < required => format!("sudo prlimit --pid $$ --nofile={required}"),
        _ => format!("ulimit -n {required}"),
    };
    Check::warning(name, format!("{found}, the settings {connections}"), fix)
}

/// Checks that memory mappings allow this number of rooms. `None` on systems other than Linux, which do not limit them.
pub(super) fn check_mappings(host: &WasmHostConfig, rooms: usize) -> Option<Check> {
    let mappings = number_in("/proc/sys/vm/max_map_count")?;
    let mut unlimited = host.clone();
    unlimited.instances = None;
    let allowed = unlimited.space();
    Some(judge_mappings(mappings, allowed, host.instances.map_or(rooms as u64, u64::from)))
}

fn judge_mappings(mappings: u64, allowed: u32, wanted: u64) -> Check {
    let found = format!("vm.max_map_count is {mappings}: allows {allowed} rooms");
    if mappings >= MAPPINGS || u64::from(allowed) >= wanted {
        return Check::ok("memory mappings", found);
    }
    let fix = format!("sudo sysctl -w vm.max_map_count={MAPPINGS}");
    Check::warning("memory mappings", format!("{found}, the settings {wanted}"), fix)
}

/// Checks the limit of watched directories. `None` on systems other than Linux, which do not limit them.
pub(super) fn check_watches() -> Option<Check> {
    number_in("/proc/sys/fs/inotify/max_user_watches").map(judge_watches)
}

fn judge_watches(watches: u64) -> Check {
    let found = format!("fs.inotify.max_user_watches is {watches}");
    if watches >= WATCHES {
        return Check::ok("file watches", found);
    }
    let fix = "sudo sysctl -w fs.inotify.max_user_watches=524288";
    Check::warning("file watches", format!("{found}: `stateroom dev` may miss changes"), fix)
}

/// Checks whether the kernel can restrict the server. `None` on systems other than Linux.
pub(super) fn check_sandbox() -> Option<Check> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    Some(match sandbox::is_available() {
        true => Check::ok("sandbox", "the kernel has Landlock, which restricts `stateroom serve` to what it needs"),
        false => Check::warning(
            "sandbox",
            "the kernel has no Landlock: `stateroom serve` is not restricted to the files it serves",
            "use Linux 5.13 or later, and add landlock to the list in the kernel's parameter lsm=",
        ),
    })
}

fn number_in(path: &str) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::check::CheckStatus;

    #[test]
    fn warns_if_the_limit_of_open_files_is_below_the_connections() {
        for (soft, hard, status, fix) in [
            (None, None, CheckStatus::Ok, None),
            (Some(1_000_000), Some(1_000_000), CheckStatus::Ok, None),
            (Some(1_024), Some(1_000_000), CheckStatus::Warning, Some("ulimit -n 65636")),
            (Some(1_024), Some(4_096), CheckStatus::Warning, Some("sudo prlimit --pid $$ --nofile=65636")),
            (Some(1_024), None, CheckStatus::Warning, Some("ulimit -n 65636")),
        ] {
            let check = judge_open_files(soft, hard, 65_536);
            assert_eq!((check.status, check.fix.as_deref()), (status, fix), "{soft:?} {hard:?}");
        }
    }

    #[test]
    fn warns_if_memory_mappings_limit_the_rooms() {
        for (mappings, allowed, wanted, status) in [
            (65_530, 10_000, 10_000, CheckStatus::Ok),
            (35_000, 5_000, 10_000, CheckStatus::Warning),
            (35_000, 5_000, 100, CheckStatus::Ok),
            (65_530, 10_000, 20_000, CheckStatus::Ok),
        ] {
            assert_eq!(judge_mappings(mappings, allowed, wanted).status, status, "{mappings} {wanted}");
        }
    }

    #[test]
    fn warns_if_few_directories_can_be_watched() {
        assert_eq!([100, 8_192].map(|watches| judge_watches(watches).status), [CheckStatus::Warning, CheckStatus::Ok]);
    }

    #[test]
    fn warns_if_the_port_is_in_use() {
        let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let check = |ip: &str, port| check_port(&Server::new().with_ip(ip.to_owned()).with_port(port)).status;
        assert_eq!(check("127.0.0.1", port), CheckStatus::Warning);
        assert_eq!(check("localhost", port), CheckStatus::Warning);
        assert_eq!(check("127.0.0.1", 0), CheckStatus::Ok);
        assert_eq!(check("203.0.113.1", 0), CheckStatus::Problem);
    }

    #[test]
    fn an_ipv6_address_has_brackets() {
        for (ip, expected) in [("127.0.0.1", "127.0.0.1:80"), ("::1", "[::1]:80"), ("localhost", "localhost:80")] {
            assert_eq!(host_and_port(ip, 80), expected);
        }
    }
}
