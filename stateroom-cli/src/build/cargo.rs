//! Calling the user's own cargo, and reading what it says.
//!
//! Its messages for people go to stderr as they are; those for machines are read from stdout.
use std::{
    error, fmt,
    io::{self, BufReader, Read, Write},
    path::PathBuf,
    process::Stdio,
    sync::{Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};

use anyhow::{Context, Result, anyhow};
use cargo_metadata::{Artifact, Message, Metadata, MetadataCommand, Package};

use super::{
    output::{Profile, Voice},
    package, target,
    tool::tool,
};
use crate::ui::color;

/// The workspace or lone crate that the working directory is in.
///
/// # Errors
///
/// Where there is none, or cargo cannot read it.
pub(super) fn workspace() -> Result<Metadata> {
    metadata(&["--no-deps"])
}

/// The same with all it depends on.
///
/// # Errors
///
/// As [`workspace`].
pub(super) fn workspace_and_dependencies() -> Result<Metadata> {
    metadata(&[])
}

fn metadata(arguments: &[&str]) -> Result<Metadata> {
    package::nearest_manifest()?;
    let output = tool("cargo")
        .args(["metadata", "--format-version=1", "--quiet"])
        .args(arguments)
        .output()
        .context("`cargo` cannot be run: install Rust by way of rustup, or add its directory to PATH")?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(anyhow!(reason).context("cargo cannot read the crate here"));
    }
    MetadataCommand::parse(String::from_utf8_lossy(&output.stdout))
        .context("what `cargo metadata` says cannot be understood")
}

/// The compiler takes something for wrong: with what it says of it.
#[derive(Debug)]
pub(crate) struct DoesNotBuild(String);

impl fmt::Display for DoesNotBuild {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl error::Error for DoesNotBuild {}

/// What cargo has made of a package.
pub(super) struct Made {
    /// The WebAssembly module.
    pub(super) module: PathBuf,
    /// The version of wasm-bindgen that it was compiled against, if against any.
    pub(super) wasm_bindgen: Option<String>,
}

/// Builds the library of a package.
///
/// # Errors
///
/// Where the package makes no such module, the target is missing and cannot be installed, or the build fails.
pub(super) fn build(package: &Package, target: &str, profile: Profile, voice: &mut Voice<'_>) -> Result<Made> {
    package::check_cdylib(package)?;
    target::ensure(target)?;
    let is_kept = matches!(voice, Voice::Kept(_));
    if !is_kept {
        tracing::info!("building `{}` for {target}", package.name);
    }
    let mut cargo = tool("cargo");
    // Where it is no terminal that cargo writes to, it is one where that ends.
    if let Some(when) = color::for_others().or((is_kept && color::is_enabled()).then_some("always")) {
        cargo.env("CARGO_TERM_COLOR", when);
    }
    let mut cargo = cargo
        .args(["build", "--lib", "--message-format=json-render-diagnostics", "--target", target])
        .args((profile == Profile::Release).then_some("--release"))
        // By manifest, since a name can be that of a dependency as well.
        .args(["--manifest-path".as_ref(), package.manifest_path.as_std_path()])
        .args((!matches!(voice, Voice::Aloud)).then_some("--quiet"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(if is_kept { Stdio::piped() } else { Stdio::inherit() })
        .spawn()
        .context("`cargo` cannot be run")?;
    let said = cargo.stderr.take().map(read_aside);
    *running() = Some(cargo.id());
    let (mut module, mut wasm_bindgen) = (None, None);
    for message in Message::parse_stream(BufReader::new(cargo.stdout.take().context("cargo has no stdout")?)) {
        let message = message.context("what `cargo build` says cannot be read")?;
        if let (Message::CompilerArtifact(made), Voice::Kept(kept)) = (&message, &mut *voice)
            && !made.target.is_custom_build()
        {
            (kept.compiled)(&made.target.name);
        }
        match message {
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
    let status = cargo.wait().context("cargo cannot be waited for")?;
    *running() = None;
    let said = said.and_then(|said| said.join().ok()).unwrap_or_default();
    if !status.success() {
        let said = if is_kept { format!("\n{said}") } else { ": what cargo says is above".to_owned() };
        return Err(DoesNotBuild(format!("`{}` does not build for {target}{said}", package.name)).into());
    }
    if let Voice::Kept(kept) = voice {
        kept.said.push_str(&said);
    }
    let module = module
        .ok_or_else(|| anyhow!("cargo has built `{}`, but made no .wasm of it", package.name))?
        .into_std_path_buf();
    Ok(Made { module, wasm_bindgen })
}

/// The process of the cargo that builds, if one does: one at a time.
fn running() -> MutexGuard<'static, Option<u32>> {
    static RUNNING: Mutex<Option<u32>> = Mutex::new(None);
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has the build end that is under way, if one is: nobody waits for it any more.
pub(crate) fn stop() {
    #[cfg(unix)]
    if let Some(process) = running().and_then(|id| rustix::process::Pid::from_raw(i32::try_from(id).ok()?)) {
        // It may have ended just now.
        let _ = rustix::process::kill_process(process, rustix::process::Signal::TERM);
    }
}

/// Reads what a program says beside its other output, so that it never has to wait for that.
fn read_aside(mut said: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What there is of it.
        let _ = said.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// The version of the package that something was made of: the end of its id, `...#NAME@VERSION` or `...#VERSION`.
fn version(made: &Artifact) -> Option<String> {
    made.package_id.repr.rsplit(['#', '@']).next().map(str::to_owned)
}
