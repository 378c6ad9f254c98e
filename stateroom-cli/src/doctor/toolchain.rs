//! Checks of the programs and targets that build a service and its client.
use std::{fs, io, path::Path};

use cargo_metadata::semver::Version;

use super::check::Check;
use crate::{
    build::{self, can_bind, has_target, nearest_manifest, rustc, tool},
    settings::Settings,
};

/// The target of services.
const SERVICE_TARGET: &str = "wasm32-wasip1";
/// The target of clients.
const CLIENT_TARGET: &str = "wasm32-unknown-unknown";

/// The `rust-version` of `stateroom-wasm`.
const MIN_RUST: Version = Version::new(1, 85, 0);

const INSTALL_RUST: &str = "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh";

/// Checks programs and targets.
pub(super) fn check() -> Vec<Check> {
    let (rustc, rustup) = (version_of(&rustc()), version_of("rustup"));
    let (compiles, installs) = (rustc.is_ok(), rustup.is_ok());
    let mut checks = vec![check_program("cargo", version_of("cargo")), check_program("rustc", rustc)];
    checks.push(match rustup {
        Ok(version) => Check::ok("rustup", version.to_string()),
        Err(_) => Check::warning("rustup", "not found: missing targets are not installed automatically", INSTALL_RUST),
    });
    let target = |name| check_target(name, compiles && has_target(name).unwrap_or(false), installs);
    checks.extend([SERVICE_TARGET, CLIENT_TARGET].map(target));
    checks
}

fn check_program(name: &'static str, version: Result<Version, VersionError>) -> Check {
    match version {
        Err(VersionError::NotFound) => Check::problem(name, "not found on PATH", INSTALL_RUST),
        Err(VersionError::Failed(reason)) => {
            Check::problem(name, format!("failed to run: {reason}"), "rustup toolchain install")
        }
        Ok(version) if version < MIN_RUST => {
            Check::problem(name, format!("{version} is too old: services require {MIN_RUST}"), "rustup update")
        }
        Ok(version) => Check::ok(name, version.to_string()),
    }
}

fn check_target(name: &'static str, is_installed: bool, has_rustup: bool) -> Check {
    let fix = format!("rustup target add {name}");
    match (is_installed, has_rustup) {
        (true, _) => Check::ok(name, "installed"),
        (false, true) => Check::warning(name, "not installed: the first build installs it", fix),
        (false, false) if name == CLIENT_TARGET => {
            Check::warning(name, "not installed: clients require it", INSTALL_RUST)
        }
        (false, false) => Check::problem(name, "not installed, and rustup is missing", INSTALL_RUST),
    }
}

/// The reason that the version of a program is unknown.
#[derive(Debug)]
enum VersionError {
    NotFound,
    Failed(String),
}

/// Returns the version in the output of `--version`, such as `rustc 1.95.0 (59807616e 2026-04-14)`.
fn version_of(program: &str) -> Result<Version, VersionError> {
    // Otherwise rustup may install the toolchain that the directory requires.
    let output = tool(program).arg("--version").env("RUSTUP_AUTO_INSTALL", "0").output().map_err(|error| {
        if error.kind() == io::ErrorKind::NotFound {
            VersionError::NotFound
        } else {
            VersionError::Failed(error.to_string())
        }
    })?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.split_whitespace().find_map(|word| Version::parse(word).ok());
    version.filter(|_| output.status.success()).ok_or_else(|| {
        let stderr = String::from_utf8_lossy(&output.stderr);
        VersionError::Failed(stderr.lines().next().map_or_else(|| output.status.to_string(), str::to_owned))
    })
}

/// Shows how the service is built.
pub(super) fn check_build(settings: &Settings) -> Check {
    Check::ok("build", build::service_command(&settings.build))
}

/// Checks that the client of the current crate can be bound.
pub(super) fn check_client(settings: &Settings) -> Check {
    let name = "wasm-bindgen";
    if settings.client.is_none() {
        return Check::ok(name, "not needed: this crate has no client");
    }
    let Some(version) = nearest_manifest().ok().and_then(|manifest| locked(manifest.parent()?, name)) else {
        return Check::warning(name, "the client's version is unknown without a Cargo.lock", "cargo generate-lockfile");
    };
    if can_bind(&version) {
        return Check::ok(name, format!("{version}, the client's version, is installed"));
    }
    let found = format!(
        "{version}, the client's version, is not installed: the first build installs it, which takes a few minutes"
    );
    Check::warning(name, found, format!("cargo install wasm-bindgen-cli --version {version} --locked"))
}

/// Returns the version of a package in the Cargo.lock that applies to a directory.
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
    use crate::doctor::check::CheckStatus;

    #[test]
    fn the_minimum_rust_version_is_that_of_stateroom_wasm() {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../stateroom-wasm/Cargo.toml");
        let manifest: toml::Table = fs::read_to_string(manifest).unwrap().parse().unwrap();
        let min_rust = manifest["package"]["rust-version"].as_str().unwrap();
        assert_eq!(format!("{min_rust}.0"), MIN_RUST.to_string());
    }

    #[test]
    fn programs_are_checked_for_presence_and_version() {
        for (version, status) in [
            (Err(VersionError::NotFound), CheckStatus::Problem),
            (Err(VersionError::Failed("no toolchain".to_owned())), CheckStatus::Problem),
            (Ok(Version::new(1, 84, 1)), CheckStatus::Problem),
            (Ok(MIN_RUST), CheckStatus::Ok),
            (Ok(Version::new(2, 0, 0)), CheckStatus::Ok),
        ] {
            assert_eq!(check_program("cargo", version).status, status);
        }
    }

    #[test]
    fn a_missing_target_is_a_problem_only_without_rustup() {
        for (target, is_installed, has_rustup, status) in [
            (SERVICE_TARGET, true, false, CheckStatus::Ok),
            (SERVICE_TARGET, false, true, CheckStatus::Warning),
            (SERVICE_TARGET, false, false, CheckStatus::Problem),
            (CLIENT_TARGET, false, false, CheckStatus::Warning),
        ] {
            assert_eq!(check_target(target, is_installed, has_rustup).status, status, "{target}");
        }
    }

    #[test]
    fn the_lock_file_of_the_workspace_applies() {
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
