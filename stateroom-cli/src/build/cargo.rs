//! Running cargo and reading its messages.
//!
//! *Invariant:* cargo's messages for people go to stderr unchanged; those for programs are read from its stdout.
use std::{
    collections::BTreeSet,
    fmt,
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::Stdio,
    thread::{self, JoinHandle},
    time::SystemTime,
};

use anyhow::{Context, Result, anyhow};
use cargo_metadata::{Artifact, Message, Metadata, MetadataCommand, Package, PackageId};
use parking_lot::Mutex;

use super::{
    arguments::{self, Role},
    dep_info, named,
    output::Output,
    package,
    tool::tool,
};
use crate::{
    settings::BuildSettings,
    ui::{color, stderr::Stderr},
};

/// The process ID of the running `cargo build`, if there is one.
static RUNNING_CARGO: Mutex<Option<u32>> = Mutex::new(None);

/// Returns the workspace of the current directory, without dependencies.
///
/// # Errors
///
/// Returns an error if there is none, or cargo cannot read it.
pub(super) fn workspace(settings: &BuildSettings) -> Result<Metadata> {
    metadata(settings, Some("--no-deps"))
}

/// Returns the workspace of the current directory, with dependencies.
///
/// # Errors
///
/// As [`workspace`].
pub(super) fn workspace_with_dependencies(settings: &BuildSettings) -> Result<Metadata> {
    metadata(settings, None)
}

fn metadata(settings: &BuildSettings, argument: Option<&str>) -> Result<Metadata> {
    package::nearest_manifest()?;
    let output = tool("cargo")
        .args(["metadata", "--format-version=1", "--quiet"])
        .args(argument)
        .args(arguments::of_metadata(settings))
        .output()
        .context("failed to run `cargo`\n  hint: install Rust with rustup: https://rustup.rs, or add cargo to PATH")?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(anyhow!(reason).context("cargo failed to read the crate"));
    }
    MetadataCommand::parse(String::from_utf8_lossy(&output.stdout))
        .context("failed to parse the output of `cargo metadata`")
}

/// A build that failed because of its sources.
#[derive(Debug)]
pub(crate) struct BuildFailed {
    /// The problem, with the output of the compiler.
    problem: String,
    /// Files that it was compiled from, as far as the compiler got, and files that the errors name.
    pub(crate) sources: BTreeSet<PathBuf>,
    pub(crate) scripts: ScriptTimes,
}

#[cfg(test)]
impl BuildFailed {
    /// Creates a failure of these sources.
    pub(crate) fn new(sources: BTreeSet<PathBuf>) -> BuildFailed {
        BuildFailed { problem: String::new(), sources, scripts: ScriptTimes::default() }
    }
}

impl fmt::Display for BuildFailed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.problem)
    }
}

impl std::error::Error for BuildFailed {}

/// A module that cargo compiled.
pub(super) struct CompiledModule {
    /// Path of the module.
    pub(super) module: PathBuf,
    /// Version of wasm-bindgen that it was compiled against, if any.
    pub(super) wasm_bindgen: Option<String>,
    /// Files that it was compiled from.
    pub(super) sources: BTreeSet<PathBuf>,
    pub(super) scripts: ScriptTimes,
}

/// The times in which build scripts of local packages ran.
#[derive(Debug, Clone, Default)]
pub(crate) struct ScriptTimes(Vec<(SystemTime, SystemTime)>);

impl ScriptTimes {
    /// Returns whether build scripts ran at a time.
    pub(crate) fn contain(&self, time: SystemTime) -> bool {
        self.0.iter().any(|(start, end)| (*start..=*end).contains(&time))
    }

    /// Adds the times of another build.
    pub(super) fn extend(&mut self, other: ScriptTimes) {
        self.0.extend(other.0);
    }

    /// Adds the time from `start` until now, in place of an earlier one with that start.
    pub(crate) fn add(&mut self, start: SystemTime) {
        self.0.retain(|(earlier, _)| *earlier != start);
        self.0.push((start, SystemTime::now()));
    }
}

/// Builds the library of a package, which is a `cdylib`.
///
/// # Errors
///
/// Returns an error if the build fails.
pub(super) fn build(
    package: &Package,
    role: Role,
    workspace: &Metadata,
    settings: &BuildSettings,
    output: &mut Output<'_>,
) -> Result<CompiledModule> {
    let target = role.target();
    let is_captured = matches!(output, Output::Capture(_));
    let is_piped = is_captured || matches!(output, Output::Tee);
    let (start, root) = (SystemTime::now(), workspace.workspace_root.as_std_path());
    let command = arguments::command(settings, role);
    if !is_captured {
        tracing::info!("building `{}` for {target}: `{command}`", package.name);
    }
    let mut cargo = tool("cargo");
    // Captured output is printed to the terminal later.
    if let Some(when) = color::explicit_choice().or((is_piped && color::is_enabled()).then_some("always")) {
        cargo.env("CARGO_TERM_COLOR", when);
    }
    let mut cargo = cargo
        .args(["build", "--lib", "--message-format=json-render-diagnostics", "--target", target])
        // By manifest: a dependency may have the same name.
        .args(["--manifest-path".as_ref(), package.manifest_path.as_std_path()])
        .args((!output.is_verbose()).then_some("--quiet"))
        // Last: one of the user's may lack its value.
        .args(arguments::of_build(settings, role))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(if is_piped { Stdio::piped() } else { Stdio::inherit() })
        .spawn()
        .context("failed to run `cargo`")?;
    let diagnostics = cargo.stderr.take().map(|stream| read_on_thread(BufReader::new(stream), !is_captured));
    *RUNNING_CARGO.lock() = Some(cargo.id());
    let (mut module, mut wasm_bindgen, mut scripts) = (None, None, ScriptTimes::default());
    for message in Message::parse_stream(BufReader::new(cargo.stdout.take().context("cargo has no stdout")?)) {
        let message = message.context("failed to read the output of `cargo build`")?;
        if let (Message::CompilerArtifact(artifact), Output::Capture(captured)) = (&message, &mut *output)
            && !artifact.target.is_custom_build()
        {
            (captured.on_compiled)(&artifact.target.name);
        }
        match message {
            Message::CompilerArtifact(artifact) if artifact.package_id == package.id && artifact.target.is_cdylib() => {
                module = artifact.filenames.into_iter().find(|file| file.extension() == Some("wasm")).or(module);
            }
            // The version that was compiled, rather than the one of the lock file, is in the module.
            Message::CompilerArtifact(artifact) if artifact.target.name == "wasm_bindgen" => {
                wasm_bindgen = version(&artifact);
            }
            Message::BuildScriptExecuted(script) if is_local(&script.package_id) => scripts.add(start),
            Message::TextLine(line) => {
                let _ = Stderr.write_all(format!("{line}\n").as_bytes());
            }
            _ => {}
        }
    }
    let status = cargo.wait().context("failed to wait for cargo")?;
    *RUNNING_CARGO.lock() = None;
    let diagnostics = diagnostics.and_then(|diagnostics| diagnostics.join().ok()).unwrap_or_default();
    if !status.success() {
        let details =
            if is_captured { format!("\n{diagnostics}") } else { ": see the output of cargo above".to_owned() };
        let problem = format!("failed to build `{}` for {target} with `{command}`{details}", package.name);
        let mut sources = named::of_errors(&diagnostics, root);
        sources.extend(dep_info::of_rejected(&artifacts(workspace, target, settings), start, root));
        return Err(BuildFailed { problem, sources, scripts }.into());
    }
    if let Output::Capture(captured) = output {
        captured.diagnostics.push_str(&diagnostics);
    }
    let module =
        module.ok_or_else(|| anyhow!("cargo built `{}`, but no .wasm file", package.name))?.into_std_path_buf();
    Ok(CompiledModule { sources: dep_info::of_artifact(&module, root), module, wasm_bindgen, scripts })
}

/// Returns the directory of the compiler's artifacts.
fn artifacts(workspace: &Metadata, target: &str, settings: &BuildSettings) -> PathBuf {
    let directory = workspace.build_directory.as_ref().unwrap_or(&workspace.target_directory);
    let profile = match settings.profile() {
        "dev" | "test" => "debug",
        "bench" => "release",
        other => other,
    };
    directory.as_std_path().join(target).join(profile).join("deps")
}

/// Returns whether a package is one of the user's.
fn is_local(package: &PackageId) -> bool {
    package.repr.starts_with("path+")
}

/// Ends the running build, if there is one.
pub(crate) fn stop() {
    #[cfg(unix)]
    if let Some(process) = RUNNING_CARGO.lock().and_then(|id| rustix::process::Pid::from_raw(i32::try_from(id).ok()?)) {
        // Fails if it has ended just now.
        let _ = rustix::process::kill_process(process, rustix::process::Signal::TERM);
    }
}

/// Reads a stream on a thread of its own, so that the child process never blocks on it. If `is_shown` is set, copies it to
/// stderr.
fn read_on_thread(mut stream: impl BufRead + Send + 'static, is_shown: bool) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let mut start = 0;
        // After an error, the output is incomplete.
        while stream.read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
            if is_shown {
                // A closed stderr is ignored.
                let _ = Stderr.write_all(bytes.get(start..).unwrap_or_default());
            }
            start = bytes.len();
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Returns the version at the end of a package ID: `...#NAME@VERSION` or `...#VERSION`.
fn version(artifact: &Artifact) -> Option<String> {
    artifact.package_id.repr.rsplit(['#', '@']).next().map(str::to_owned)
}
