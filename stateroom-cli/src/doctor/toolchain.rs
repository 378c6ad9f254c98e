//! What builds a service and its client.
use std::{fs, io, path::Path};

use cargo_metadata::semver::Version;

use super::Check;
use crate::{
    build::{can_bind, has_target, nearest_manifest, rustc, tool},
    config::Settings,
};

/// What a service is built for, and what its client is.
const SERVICE_TARGET: &str = "wasm32-wasip1";
const CLIENT_TARGET: &str = "wasm32-unknown-unknown";

/// The oldest Rust that builds a service: the `rust-version` of `stateroom-wasm`.
const OLDEST: Version = Version::new(1, 85, 0);

const INSTALL_RUST: &str = "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh";

/// Programs and targets.
pub(super) fn check() -> Vec<Check> {
    let (rustc, rustup) = (version_of(&rustc()), version_of("rustup"));
    let (compiles, installs) = (rustc.is_ok(), rustup.is_ok());
    let mut checks = vec![check_program("cargo", version_of("cargo")), check_program("rustc", rustc)];
    checks.push(match rustup {
        Ok(version) => Check::ok("rustup", version.to_string()),
        Err(_) => Check::warning("rustup", "not found: missing targets have to be installed by hand", INSTALL_RUST),
    });
    let target = |name| check_target(name, compiles && has_target(name).unwrap_or(false), installs);
    checks.extend([SERVICE_TARGET, CLIENT_TARGET].map(target));
    checks
}

fn check_program(name: &'static str, version: Result<Version, Silence>) -> Check {
    match version {
        Err(Silence::Missing) => Check::problem(name, "not found on PATH: nothing can be built", INSTALL_RUST),
        Err(Silence::Broken(why)) => {
            Check::problem(name, format!("it does not tell its version: {why}"), "rustup toolchain install")
        }
        Ok(version) if version < OLDEST => {
            Check::problem(name, format!("{version}; a service needs {OLDEST} or later"), "rustup update")
        }
        Ok(version) => Check::ok(name, version.to_string()),
    }
}

fn check_target(name: &'static str, is_installed: bool, has_rustup: bool) -> Check {
    let fix = format!("rustup target add {name}");
    match (is_installed, has_rustup) {
        (true, _) => Check::ok(name, "installed"),
        (false, true) => Check::warning(name, "not installed: the first build that needs it does so", fix),
        (false, false) if name == CLIENT_TARGET => Check::warning(name, "not installed: clients need it", fix),
        (false, false) => Check::problem(name, "not installed, and there is no rustup to do so", fix),
    }
}

/// Why a program does not tell its version.
#[derive(Debug)]
enum Silence {
    Missing,
    Broken(String),
}

/// The version in what a program says of itself, such as `rustc 1.95.0 (59807616e 2026-04-14)`.
fn version_of(program: &str) -> Result<Version, Silence> {
    // Else rustup may take the question for a reason to install what the directory asks for.
    let output = tool(program).arg("--version").env("RUSTUP_AUTO_INSTALL", "0").output().map_err(|error| {
        if error.kind() == io::ErrorKind::NotFound { Silence::Missing } else { Silence::Broken(error.to_string()) }
    })?;
    let told = String::from_utf8_lossy(&output.stdout);
    let version = told.split_whitespace().find_map(|word| Version::parse(word).ok());
    version.filter(|_| output.status.success()).ok_or_else(|| {
        let complaint = String::from_utf8_lossy(&output.stderr);
        Silence::Broken(complaint.lines().next().map_or_else(|| output.status.to_string(), str::to_owned))
    })
}

/// Checks whether the client of the crate here can be bound.
pub(super) fn check_client(settings: &Settings) -> Check {
    let name = "wasm-bindgen";
    if settings.client.is_none() {
        return Check::ok(name, "not needed: there is no client here");
    }
    let Some(version) = nearest_manifest().ok().and_then(|manifest| locked(manifest.parent()?, name)) else {
        let found = "no Cargo.lock names the client's version of it";
        return Check::warning(name, found, "cargo generate-lockfile");
    };
    if can_bind(&version) {
        return Check::ok(name, format!("{version}, the client's version, is installed"));
    }
    let found = format!(
        "{version}, the client's version, is not installed: the first build does so, which takes a few minutes"
    );
    Check::warning(name, found, format!("cargo install wasm-bindgen-cli --version {version} --locked"))
}

/// The version of a package in the Cargo.lock that counts for a directory.
fn locked(directory: &Path, package: &str) -> Option<Version> {
    let locks = directory.ancestors().map(|directory| directory.join("Cargo.lock"));
    let text = locks.into_iter().find_map(|lock| fs::read_to_string(lock).ok())?;
    let lock: toml::Table = text.parse().ok()?;
    let packages = lock.get("package")?.as_array()?;
    let found = packages.iter().find(|found| found.get("name").and_then(toml::Value::as_str) == Some(package))?;
    Version::parse(found.get("version")?.as_str()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Status;

    #[test]
    fn the_oldest_rust_is_that_of_the_crate_that_services_are_made_with() {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../stateroom-wasm/Cargo.toml");
        let manifest: toml::Table = fs::read_to_string(manifest).unwrap().parse().unwrap();
        let oldest = manifest["package"]["rust-version"].as_str().unwrap();
        assert_eq!(format!("{oldest}.0"), OLDEST.to_string());
    }

    #[test]
    fn a_program_is_missing_broken_old_or_fine() {
        for (version, status) in [
            (Err(Silence::Missing), Status::Problem),
            (Err(Silence::Broken("no toolchain".to_owned())), Status::Problem),
            (Ok(Version::new(1, 84, 1)), Status::Problem),
            (Ok(OLDEST), Status::Ok),
            (Ok(Version::new(2, 0, 0)), Status::Ok),
        ] {
            assert_eq!(check_program("cargo", version).status, status);
        }
    }

    #[test]
    fn a_missing_target_is_a_problem_only_where_nothing_installs_it() {
        for (target, is_installed, has_rustup, status) in [
            (SERVICE_TARGET, true, false, Status::Ok),
            (SERVICE_TARGET, false, true, Status::Warning),
            (SERVICE_TARGET, false, false, Status::Problem),
            (CLIENT_TARGET, false, false, Status::Warning),
        ] {
            assert_eq!(check_target(target, is_installed, has_rustup).status, status, "{target}");
        }
    }

    #[test]
    fn the_lock_of_the_workspace_counts() {
        let workspace = tempfile::tempdir().unwrap();
        let client = workspace.path().join("client");
        fs::create_dir(&client).unwrap();
        assert_eq!(locked(&client, "wasm-bindgen"), None);
        let lock = "version = 4\n[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.100\"\n";
        fs::write(workspace.path().join("Cargo.lock"), lock).unwrap();
        assert_eq!(locked(&client, "wasm-bindgen"), Some(Version::new(0, 2, 100)));
        assert_eq!(locked(&client, "serde"), None);
    }
}
