//! What the system lets a server have.
use std::{fs, io, net::TcpListener};

use stateroom_wasm_host::WasmHostConfig;

use super::Check;

/// Files that a server has open besides a connection's.
const OTHER_FILES: u64 = 100;
/// The limit on mappings that Linux comes with, which is enough for as many rooms as fit into the address space.
const MAPPINGS: u64 = 65_530;
/// What `dev` may watch is in no more directories than that, in most cases.
const WATCHES: u64 = 8_192;

pub(super) fn check_port(ip: &str, port: u16) -> Check {
    let (name, address) = ("port", format!("{ip}:{port}"));
    match TcpListener::bind((ip, port)) {
        Ok(_) => Check::ok(name, format!("{address} is free")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            Check::warning(name, format!("{address} is in use by another program"), "stateroom dev --next-port")
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Check::problem(name, format!("{address} may not be listened on"), "take a port above 1023 with --port")
        }
        Err(error) => Check::problem(name, format!("{address} cannot be listened on: {error}"), "see --ip and --port"),
    }
}

/// How many connections there can be, by the number of files that may be open. Not every system has such a limit.
pub(super) fn check_open_files(connections: usize) -> Option<Check> {
    let (soft, hard) = file_limits()?;
    Some(judge_open_files(soft, hard, connections as u64))
}

/// How many files may be open, and how many for the asking.
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
    let hard_in_words = hard.map_or_else(|| "any number".to_owned(), |hard| hard.to_string());
    let found = format!(
        "{soft}, and {hard_in_words} for the asking: enough for {} connections",
        soft.saturating_sub(OTHER_FILES)
    );
    let wanted = connections.saturating_add(OTHER_FILES);
    if soft >= wanted {
        return Check::ok(name, found);
    }
    let fix = match hard {
        Some(hard) if hard < wanted => format!("sudo prlimit --pid $$ --nofile={wanted}"),
        _ => format!("ulimit -n {wanted}"),
    };
    Check::warning(name, format!("{found}, of the {connections} that the settings allow"), fix)
}

/// How many rooms there is space for. Only Linux limits memory mappings.
pub(super) fn check_mappings(host: &WasmHostConfig, rooms: usize) -> Option<Check> {
    let mappings = number_in("/proc/sys/vm/max_map_count")?;
    let mut unlimited = host.clone();
    unlimited.instances = None;
    let allowed = unlimited.space();
    Some(judge_mappings(mappings, allowed, host.instances.map_or(rooms as u64, u64::from)))
}

fn judge_mappings(mappings: u64, allowed: u32, wanted: u64) -> Check {
    let found = format!("vm.max_map_count is {mappings}: space for {allowed} rooms");
    if mappings >= MAPPINGS || u64::from(allowed) >= wanted {
        return Check::ok("memory mappings", found);
    }
    let fix = format!("sudo sysctl -w vm.max_map_count={MAPPINGS}");
    Check::warning("memory mappings", format!("{found}, of {wanted}"), fix)
}

/// How much `dev` can watch. Only Linux limits that.
pub(super) fn check_watches() -> Option<Check> {
    number_in("/proc/sys/fs/inotify/max_user_watches").map(judge_watches)
}

fn judge_watches(watches: u64) -> Check {
    let found = format!("fs.inotify.max_user_watches is {watches}");
    if watches >= WATCHES {
        return Check::ok("file watches", found);
    }
    let fix = "sudo sysctl -w fs.inotify.max_user_watches=524288";
    Check::warning("file watches", format!("{found}: `stateroom dev` may miss what is saved"), fix)
}

fn number_in(path: &str) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Status;

    #[test]
    fn fewer_files_than_connections_are_warned_of_with_how_to_have_more() {
        for (soft, hard, status, fix) in [
            (None, None, Status::Ok, None),
            (Some(1_000_000), Some(1_000_000), Status::Ok, None),
            (Some(1_024), Some(1_000_000), Status::Warning, Some("ulimit -n 65636")),
            (Some(1_024), Some(4_096), Status::Warning, Some("sudo prlimit --pid $$ --nofile=65636")),
            (Some(1_024), None, Status::Warning, Some("ulimit -n 65636")),
        ] {
            let check = judge_open_files(soft, hard, 65_536);
            assert_eq!((check.status, check.fix.as_deref()), (status, fix), "{soft:?} {hard:?}");
        }
    }

    #[test]
    fn less_space_than_rooms_is_warned_of_where_more_can_be_had() {
        for (mappings, allowed, wanted, status) in [
            (65_530, 10_000, 10_000, Status::Ok),
            (35_000, 5_000, 10_000, Status::Warning),
            (35_000, 5_000, 100, Status::Ok),
            (65_530, 10_000, 20_000, Status::Ok),
        ] {
            assert_eq!(judge_mappings(mappings, allowed, wanted).status, status, "{mappings} {wanted}");
        }
    }

    #[test]
    fn few_watches_are_warned_of() {
        assert_eq!([100, 8_192].map(|watches| judge_watches(watches).status), [Status::Warning, Status::Ok]);
    }

    #[test]
    fn a_port_in_use_is_warned_of() {
        let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        assert_eq!(check_port("127.0.0.1", port).status, Status::Warning);
        assert_eq!(check_port("127.0.0.1", 0).status, Status::Ok);
    }
}
