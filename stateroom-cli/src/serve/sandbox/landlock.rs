//! The rules of Landlock.
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, NetPort, PathBeneath, PathFd,
    RestrictionStatus, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
    make_bitflags,
};

use super::SandboxNeeds;

/// The version of Landlock whose restrictions are used, as far as the kernel has them. Later ones restrict what is not known to
/// be unused, such as the socket of systemd.
const RESTRICTIONS: ABI = ABI::V6;
const READ: BitFlags<AccessFs> = make_bitflags!(AccessFs::{ReadFile | ReadDir});
const EXECUTE: BitFlags<AccessFs> = make_bitflags!(AccessFs::{ReadFile | Execute});
const WRITE: BitFlags<AccessFs> = make_bitflags!(AccessFs::{ReadFile | ReadDir | WriteFile | MakeReg | MakeDir | RemoveFile | RemoveDir | Truncate | Refer});

/// Files that the runtime, the allocator and the metrics read. Landlock itself hides the secrets of other processes in `/proc`.
const SYSTEM: [&str; 6] =
    ["/proc", "/sys/fs/cgroup", "/sys/devices/system", "/sys/kernel/mm", "/etc/ld.so.cache", "/dev/urandom"];
/// Paths of what a process has open.
const OPEN: [&str; 5] = ["/dev/fd", "/dev/stdin", "/dev/stdout", "/dev/stderr", "/proc"];
/// Maximum number of links on the way to a file, as in Linux.
const MAX_LINKS: usize = 40;
/// Directories that hold files of many purposes, as the home directory does.
const BROAD: [&str; 8] = ["/dev", "/etc", "/home", "/root", "/run", "/tmp", "/usr", "/var"];

/// Returns whether the kernel has Landlock, and it is enabled.
pub(crate) fn is_available() -> bool {
    let required = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    required.handle_access(AccessFs::Execute).and_then(Ruleset::create).is_ok()
}

/// Returns whether the kernel's Landlock knows connections, as it does since Linux 6.7.
fn restricts_network() -> bool {
    let required = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    required.handle_access(AccessNet::ConnectTcp).and_then(Ruleset::create).is_ok()
}

/// Restricts this thread and those that it starts, and logs the result.
pub(crate) fn restrict(needs: &SandboxNeeds) {
    match try_restrict(needs) {
        Ok(RestrictionStatus { ruleset: RulesetStatus::NotEnforced, .. }) => {
            tracing::info!("not sandboxed: the kernel has no Landlock, or it is disabled");
        }
        Ok(_) => {
            let network = if restricts_network() { ", opens no outgoing TCP connections" } else { "" };
            tracing::info!("sandboxed: reads only the directories of what it serves, runs no programs{network}");
            for path in directories(needs).iter().filter(|path| is_broad(path)) {
                tracing::warn!(
                    "a guest that breaks out of WebAssembly could read all of `{}`: serve from a directory that contains \
                     nothing else",
                    path.display()
                );
            }
        }
        Err(error) => tracing::warn!("not sandboxed: {error}"),
    }
}

fn try_restrict(needs: &SandboxNeeds) -> Result<RestrictionStatus, RulesetError> {
    let mut network: BitFlags<AccessNet> = AccessNet::ConnectTcp.into();
    // A free port is not known before it is bound.
    if !needs.ports.contains(&0) {
        network |= AccessNet::BindTcp;
    }
    let ruleset = Ruleset::default().handle_access(AccessFs::from_all(RESTRICTIONS))?.handle_access(network)?;
    let mut ruleset = ruleset.scope(scopes())?.create()?;
    for path in directories(needs) {
        ruleset = allow(ruleset, &path, READ)?;
    }
    for path in SYSTEM {
        ruleset = allow(ruleset, Path::new(path), READ)?;
    }
    // The process that compiles is this program, with its libraries.
    for path in mapped() {
        ruleset = allow(ruleset, &path, EXECUTE)?;
    }
    ruleset = allow(ruleset, Path::new("/dev/null"), make_bitflags!(AccessFs::{ReadFile | WriteFile}))?;
    for directory in &needs.written {
        ruleset = allow(ruleset, directory, WRITE)?;
    }
    if network.contains(AccessNet::BindTcp) {
        for port in &needs.ports {
            ruleset = ruleset.add_rule(NetPort::new(*port, AccessNet::BindTcp))?;
        }
    }
    ruleset.restrict_self()
}

/// Restricts a process that compiles a module to what it has open.
pub(crate) fn restrict_compiler() {
    let restricted = || {
        let network = AccessNet::BindTcp | AccessNet::ConnectTcp;
        let ruleset = Ruleset::default().handle_access(AccessFs::from_all(RESTRICTIONS))?.handle_access(network)?;
        let mut ruleset = ruleset.scope(Scope::from_all(RESTRICTIONS))?.create()?;
        for path in SYSTEM {
            ruleset = allow(ruleset, Path::new(path), READ)?;
        }
        ruleset.restrict_self()
    };
    // A kernel without Landlock is no problem here: what is lost was said when the server started.
    let _: Result<_, RulesetError> = restricted();
}

/// Returns what may not be done to processes outside of the sandbox. The socket of systemd may be an abstract one.
fn scopes() -> BitFlags<Scope> {
    let is_abstract =
        std::env::var_os("NOTIFY_SOCKET").is_some_and(|socket| socket.as_encoded_bytes().starts_with(b"@"));
    if is_abstract { Scope::Signal.into() } else { Scope::from_all(RESTRICTIONS) }
}

/// Allows access to a file or a directory with everything below it, if it exists.
fn allow(ruleset: RulesetCreated, path: &Path, access: BitFlags<AccessFs>) -> Result<RulesetCreated, RulesetError> {
    let Ok(file) = PathFd::new(path) else { return Ok(ruleset) };
    // Other rights make no sense for a file.
    let access = if path.is_dir() { access } else { access & AccessFs::from_file(RESTRICTIONS) };
    ruleset.add_rule(PathBeneath::new(file, access))
}

/// Returns the directories to read what is served in.
fn directories(needs: &SandboxNeeds) -> BTreeSet<PathBuf> {
    needs.files.iter().flat_map(|path| replaceable(path)).collect()
}

/// Returns whether a directory holds files of many purposes.
fn is_broad(directory: &Path) -> bool {
    let home = std::env::home_dir().and_then(|home| fs::canonicalize(home).ok());
    home.is_some_and(|home| home == directory) || BROAD.iter().any(|broad| Path::new(broad) == directory)
}

/// Returns the directories to read a file or a directory in, also after it was replaced: by renaming another, by changing a link
/// on the way to it, or by renaming the directory that contains a file. The root is never among them.
fn replaceable(path: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut add = |path: &Path| {
        let directory = path.parent();
        let around = directory.and_then(Path::parent).filter(|around| path.is_file() && !is_broad(around));
        found.extend(directory.into_iter().chain(around).map(Path::to_owned));
    };
    let steps = |path: &Path| path.components().rev().map(|step| step.as_os_str().to_owned()).collect::<Vec<_>>();
    let mut rest = std::path::absolute(path).map(|path| steps(&path)).unwrap_or_default();
    let (mut at, mut links) = (PathBuf::from("/"), 0);
    while let Some(step) = rest.pop() {
        if step == ".." {
            at.pop();
            continue;
        }
        at.push(step);
        // A pipe of a shell, such as `/dev/fd/63`, which is open already.
        if OPEN.iter().any(|open| at.starts_with(open)) {
            return found;
        }
        let Ok(target) = fs::read_link(&at) else { continue };
        links += 1;
        if links > MAX_LINKS {
            return found;
        }
        add(&at);
        if let Ok(real) = fs::canonicalize(&at) {
            add(&real);
        }
        at.pop();
        rest.extend(steps(&target));
    }
    add(&at);
    found.insert(at);
    found.remove(Path::new("/"));
    found
}

/// Returns the program and its libraries: the files that this process consists of.
fn mapped() -> BTreeSet<PathBuf> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let files = maps.lines().filter_map(|line| line.find('/').and_then(|start| line.get(start..))).map(PathBuf::from);
    // The program, even if its file was replaced.
    files.chain([PathBuf::from("/proc/self/exe")]).collect()
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, net::TcpStream, os::unix::fs::symlink, sync::mpsc, thread};

    use super::*;

    #[test]
    fn a_file_is_found_again_after_it_was_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(directory.path()).unwrap();
        fs::create_dir_all(root.join("releases/1/dist")).unwrap();
        symlink("releases/1", root.join("current")).unwrap();
        let found = replaceable(&root.join("current/dist"));
        for expected in ["", "releases", "releases/1", "releases/1/dist"] {
            assert!(found.contains(&root.join(expected)), "{expected}: {found:?}");
        }
        // A link to a link, and a file whose directory is replaced.
        fs::write(root.join("releases/1/dist/a.wasm"), "").unwrap();
        fs::create_dir_all(root.join("app/etc")).unwrap();
        symlink("../../current/dist/a.wasm", root.join("app/etc/a.wasm")).unwrap();
        let found = replaceable(&root.join("app/etc/a.wasm"));
        for expected in ["", "app", "app/etc", "releases", "releases/1", "releases/1/dist"] {
            assert!(found.contains(&root.join(expected)), "{expected}: {found:?}");
        }
        symlink("loop", root.join("loop")).unwrap();
        assert_eq!(replaceable(&root.join("loop")), BTreeSet::from([root.clone()]));
        assert!(replaceable(Path::new("/dev/shm/app/a")).contains(Path::new("/dev/shm/app")));
        for open in ["/dev/fd/63", "/dev/stdin", "/proc/self/fd/63"] {
            assert_eq!(replaceable(Path::new(open)), BTreeSet::new(), "{open}");
        }
        // A certificate in `/etc/app` does not open `/etc`.
        assert!(is_broad(Path::new("/etc")) && !is_broad(Path::new("/etc/app")));
        assert!(!replaceable(Path::new("/tmp")).contains(Path::new("/")));
        assert!(replaceable(&root.join("nothing")).contains(&root));
    }

    /// As a server has one that exports spans.
    #[test]
    fn a_thread_that_started_before_still_connects() {
        if !restricts_network() {
            return;
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (restricted, is_restricted) = mpsc::channel::<()>();
        let exporter = thread::spawn(move || {
            is_restricted.recv().unwrap();
            // The client of the exporter starts threads to look names up.
            thread::spawn(move || TcpStream::connect(address)).join().unwrap()
        });
        // A separate thread, so that only this one is restricted.
        let server = thread::spawn(move || {
            restrict(&SandboxNeeds { files: Vec::new(), written: Vec::new(), ports: vec![0] });
            restricted.send(()).unwrap();
            TcpStream::connect(address)
        });
        assert!(server.join().unwrap().is_err());
        exporter.join().unwrap().unwrap();
    }

    #[test]
    fn the_program_and_its_libraries_are_known() {
        let files = mapped();
        assert!(files.contains(&std::env::current_exe().unwrap()), "{files:?}");
    }
}
