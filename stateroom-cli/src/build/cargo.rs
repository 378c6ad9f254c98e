//! Calling the user's own cargo, and reading what it says.
//!
//! Its messages for people go to stderr as they are; those for machines are read from stdout.
use std::{
    env,
    ffi::OsStr,
    io::{self, BufReader, Write},
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, anyhow, bail};
use cargo_metadata::{Artifact, Message, Metadata, MetadataCommand, Package};

use super::{package, target};

/// What `cargo run` tells the program it starts about that program's package: not meant for the build of another.
const ABOUT_THE_CALLER: [&str; 6] =
    ["CARGO_BIN_", "CARGO_CRATE_NAME", "CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_PRIMARY_PACKAGE", "CARGO_TARGET_TMPDIR"];

/// A program of the user's toolchain, called as from their shell. Which toolchain that is, where it builds and with which
/// flags is theirs to say, in the environment too.
pub(super) fn tool(name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    for (variable, _) in env::vars_os() {
        let name = variable.to_string_lossy();
        if ABOUT_THE_CALLER.iter().any(|prefix| name.starts_with(prefix)) {
            command.env_remove(&variable);
        }
    }
    command
}

/// The workspace or lone crate that the working directory is in.
///
/// # Errors
///
/// Where there is none, or cargo cannot read it.
pub(super) fn workspace() -> Result<Metadata> {
    package::nearest_manifest()?;
    let output = tool("cargo")
        .args(["metadata", "--no-deps", "--format-version=1"])
        .output()
        .context("`cargo` cannot be run: install Rust by way of rustup, or add its directory to PATH")?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(anyhow!(reason).context("cargo cannot read the crate here"));
    }
    MetadataCommand::parse(String::from_utf8_lossy(&output.stdout))
        .context("what `cargo metadata` says cannot be understood")
}

/// What cargo has made of a package.
pub(super) struct Made {
    /// The WebAssembly module.
    pub(super) module: PathBuf,
    /// The version of wasm-bindgen that it was compiled against, if against any.
    pub(super) wasm_bindgen: Option<String>,
}

/// Builds the library of a package in release.
///
/// # Errors
///
/// Where the package makes no such module, the target is missing and cannot be installed, or the build fails.
pub(super) fn build(package: &Package, target: &str, quiet: bool) -> Result<Made> {
    package::check_cdylib(package)?;
    target::ensure(target)?;
    tracing::info!("building `{}` for {target}", package.name);
    let mut cargo = tool("cargo")
        .args(["build", "--release", "--lib", "--message-format=json-render-diagnostics", "--target", target])
        // By manifest, since a name can be that of a dependency as well.
        .args(["--manifest-path".as_ref(), package.manifest_path.as_std_path()])
        .args(quiet.then_some("--quiet"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("`cargo` cannot be run")?;
    let (mut module, mut wasm_bindgen) = (None, None);
    for message in Message::parse_stream(BufReader::new(cargo.stdout.take().context("cargo has no stdout")?)) {
        match message.context("what `cargo build` says cannot be read")? {
            Message::CompilerArtifact(made) if made.package_id == package.id && made.target.is_cdylib() => {
                module = made.filenames.into_iter().find(|file| file.extension() == Some("wasm")).or(module);
            }
            // Of what was compiled rather than of the lock file: that is what the module has in it.
            Message::CompilerArtifact(made) if made.target.name == "wasm_bindgen" => wasm_bindgen = version(&made),
            Message::TextLine(line) => {
                let _ = writeln!(io::stderr(), "{line}");
            }
            _ => {}
        }
    }
    if !cargo.wait().context("cargo cannot be waited for")?.success() {
        bail!("`{}` does not build for {target}: what cargo says is above", package.name);
    }
    let module = module
        .ok_or_else(|| anyhow!("cargo has built `{}`, but made no .wasm of it", package.name))?
        .into_std_path_buf();
    Ok(Made { module, wasm_bindgen })
}

/// The version of the package that something was made of: the end of its id, `...#NAME@VERSION` or `...#VERSION`.
fn version(made: &Artifact) -> Option<String> {
    made.package_id.repr.rsplit(['#', '@']).next().map(str::to_owned)
}
