//! Loading of modules, with hints for those that the host rejects.
use std::{
    env,
    error::Error,
    fmt,
    io::{self, Write},
    path::Path,
    process::ExitCode,
    sync::LazyLock,
};

use anyhow::{Context, Result, anyhow};
use stateroom::StateroomServiceFactory as _;
use stateroom_wasm_host::{CompilerProcess, WasmHostConfig, WasmHostError, WasmHostFactory, compile_as_process};

use super::sandbox;

/// The first argument of a process that compiles a module. No command has such a name.
const COMPILER_VERB: &str = "__compile-module";

/// Advice about a file that cannot be read.
const UNREADABLE: &str = "check its permissions; a server that runs in its sandbox reads a new file only next to the one that it \
                          started with: restart it, or run it with `--no-sandbox`";

/// The program that compiles modules: this one.
static COMPILER: LazyLock<io::Result<CompilerProcess>> = LazyLock::new(|| {
    // On Linux, the program that is running, even if its file was replaced.
    let this = Path::new("/proc/self/exe");
    let program = if cfg!(target_os = "linux") && this.exists() { this.to_owned() } else { env::current_exe()? };
    Ok(CompilerProcess::new(program, [COMPILER_VERB]))
});

/// Checks and compiles a module. If its rooms are to be durable or to sleep, checks that they can.
///
/// # Errors
///
/// Returns the error of the host, with a hint if there is one.
pub(crate) fn load(module: &Path, config: &WasmHostConfig) -> Result<WasmHostFactory> {
    let factory = WasmHostFactory::with_config(module, &with_compiler(config)).map_err(with_hint)?;
    if config.durable {
        factory.durable_code().context("the rooms of this module cannot be kept in `--data`, nor sleep in memory")?;
    }
    Ok(factory)
}

/// Checks and compiles the contents of a module's file.
///
/// # Errors
///
/// As [`load`].
pub(crate) fn load_bytes(module: &Path, bytes: &[u8], config: &WasmHostConfig) -> Result<WasmHostFactory> {
    WasmHostFactory::from_bytes(module.display().to_string(), bytes, &with_compiler(config)).map_err(with_hint)
}

/// Lets a module handle `init` in a trial room of this name.
///
/// # Errors
///
/// Returns the error of the host, with the fault.
pub(super) fn try_init(factory: &WasmHostFactory, room: &str) -> Result<()> {
    let result = factory.try_init(room).map_err(|error| match error {
        WasmHostError::Start { fault, .. } => anyhow!(fault),
        error => error.into(),
    });
    result.with_context(|| format!("`init` fails in a trial of the room `{room}`"))
}

/// Lets this program itself compile, in a process of its own.
fn with_compiler(config: &WasmHostConfig) -> WasmHostConfig {
    match &*COMPILER {
        Ok(compiler) => config.clone().with_compiler(compiler.clone()),
        Err(error) => {
            tracing::warn!("modules are compiled without limits of time and memory: {error}");
            config.clone()
        }
    }
}

/// Compiles the module on stdin if this process was started for that. Returns its exit code.
pub(crate) fn run_compiler() -> Option<ExitCode> {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let [verb, time, memory] = arguments.as_slice() else { return None };
    if verb != COMPILER_VERB {
        return None;
    }
    sandbox::restrict_compiler();
    let result = compile_as_process([&time.to_string_lossy(), &memory.to_string_lossy()]);
    Some(match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    })
}

/// Adds a hint to an error of the host, if there is one.
fn with_hint(error: WasmHostError) -> anyhow::Error {
    let hint = match &error {
        WasmHostError::Read { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
            Some(UNREADABLE.to_owned())
        }
        error => error.hint(),
    };
    match hint {
        Some(hint) => HintedError { error, hint }.into(),
        None => error.into(),
    }
}

/// An error of the host with a hint. Transparent: the sources are those of the error.
#[derive(Debug)]
struct HintedError {
    error: WasmHostError,
    hint: String,
}

impl fmt::Display for HintedError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}\n  hint: {}", self.error, self.hint)
    }
}

impl Error for HintedError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}
