//! Compiling a module in a process of its own, which ends if it takes too much time or memory.
//!
//! Small modules can take the compiler minutes and gigabytes, and it cannot be interrupted.
//!
//! *Invariant:* the process has no input but the module, and its end is waited for. Its output is trusted as the compiler's
//! own, so the program must be one that calls [`compile_as_process`](crate::compile_as_process).
use std::{
    error::Error,
    ffi::OsString,
    io::{self, Read, Write},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use parking_lot::Mutex;

/// The first byte of the input, before a module whose rooms are not durable.
const EPHEMERAL: u8 = 0;
/// The first byte of the input, before a module whose rooms can be durable.
pub(crate) const DURABLE: u8 = 1;
/// The first byte of the output, before a compiled module.
pub(crate) const COMPILED: u8 = 0;
/// The first byte of the output, before the errors of a rejected module: a message and its causes.
pub(crate) const REJECTED: u8 = 1;
/// Separates the messages.
pub(crate) const SEPARATOR: &str = "\0";
/// Maximum size of a compiled module.
const MAX_COMPILED_BYTES: u64 = 512 << 20;
/// Maximum size of the process's messages on stderr.
const MAX_STDERR_BYTES: u64 = 4 << 10;

/// A program that compiles modules, each in a process of its own, with the limits
/// [`compile_time`](crate::WasmHostConfig::compile_time) and [`compile_memory_bytes`](crate::WasmHostConfig::compile_memory_bytes). It has to
/// call [`compile_as_process`](crate::compile_as_process) with its last two arguments, and nothing else.
///
/// Clones share the process: it compiles one module at a time. A load that begins meanwhile ends the process, and the load that
/// waits for it fails with [`Superseded`](crate::WasmHostError::Superseded).
#[derive(Debug, Clone)]
pub struct CompilerProcess {
    program: PathBuf,
    arguments: Vec<OsString>,
    /// The number of the load that this clone is for.
    load: u64,
    loads: Arc<Mutex<Loads>>,
}

/// The loads that share a process.
#[derive(Debug, Default)]
struct Loads {
    latest: u64,
    running: Option<Arc<Running>>,
}

impl PartialEq for CompilerProcess {
    fn eq(&self, other: &Self) -> bool {
        self.program == other.program && self.arguments == other.arguments
    }
}

impl Eq for CompilerProcess {}

/// The reason that a module was not compiled.
#[derive(Debug)]
pub(crate) enum CompileError {
    /// The compiler rejects the module.
    Rejected(Box<dyn Error + Send + Sync>),
    /// It takes too much time.
    Time,
    /// It takes too much memory.
    Memory,
    Superseded,
    /// The process cannot be run, or ended without a result.
    Process(io::Error),
}

impl From<wasmtime::Error> for CompileError {
    fn from(error: wasmtime::Error) -> Self {
        CompileError::Rejected(error.into())
    }
}

impl CompilerProcess {
    /// Returns the compiler that is run by this command. Two arguments are added to it.
    pub fn new(program: impl Into<PathBuf>, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        let arguments = arguments.into_iter().map(Into::into).collect();
        CompilerProcess { program: program.into(), arguments, load: 0, loads: Arc::default() }
    }

    /// Returns the compiler for a new load, which ends the one of an earlier load.
    pub(crate) fn begin_load(&self) -> Self {
        let mut loads = self.loads.lock();
        loads.latest += 1;
        if let Some(earlier) = loads.running.take() {
            earlier.stop(CompileError::Superseded);
        }
        CompilerProcess { load: loads.latest, ..self.clone() }
    }

    /// Returns a compiler with a process of its own, for a load that neither ends others nor is ended by them.
    pub(crate) fn apart(&self) -> Self {
        CompilerProcess { load: 0, loads: Arc::default(), ..self.clone() }
    }

    /// Compiles a module within limits of time and memory. Returns it as serialized by wasmtime.
    pub(crate) fn compile(
        &self,
        module: &[u8],
        durable: bool,
        time: Duration,
        memory_bytes: usize,
    ) -> Result<Vec<u8>, CompileError> {
        let kind = if durable { DURABLE } else { EPHEMERAL };
        let mut loads = self.loads.lock();
        if loads.latest != self.load {
            return Err(CompileError::Superseded);
        }
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .args([time.as_millis().min(u64::MAX.into()).to_string(), memory_bytes.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(CompileError::Process)?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(mut stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(CompileError::Process(io::ErrorKind::BrokenPipe.into()));
        };
        let running = Arc::new(Running { child: Mutex::new(child), stopped: Mutex::default() });
        loads.running = Some(Arc::clone(&running));
        drop(loads);
        let (ended, end) = mpsc::channel::<()>();
        let (output, messages) = thread::scope(|scope| {
            // If the process ends early, that is reported below.
            scope.spawn(move || drop(stdin.write_all(&[kind]).and_then(|()| stdin.write_all(module))));
            let messages = scope.spawn(|| read_to_end(stderr, MAX_STDERR_BYTES).unwrap_or_default());
            let watched = &running;
            scope.spawn(move || {
                if end.recv_timeout(time) == Err(RecvTimeoutError::Timeout) {
                    watched.stop(CompileError::Time);
                }
            });
            let output = read_output(stdout);
            drop(ended);
            (output, messages.join().unwrap_or_default())
        });
        self.loads.lock().running.take_if(|current| Arc::ptr_eq(current, &running));
        let status = running.child.lock().wait().map_err(CompileError::Process)?;
        if let Some(reason) = running.stopped.lock().take() {
            return Err(reason);
        }
        match output.map_err(CompileError::Process)? {
            // The rest was not read, and must not be missed.
            (_, bytes) if bytes.len() as u64 > MAX_COMPILED_BYTES => Err(CompileError::Memory),
            (Some(COMPILED), module) if status.success() => Ok(module),
            (Some(REJECTED), error) if status.success() => Err(CompileError::Rejected(Messages::read(&error))),
            _ => Err(explain(status, &String::from_utf8_lossy(&messages))),
        }
    }
}

/// The process that compiles a module.
#[derive(Debug)]
struct Running {
    child: Mutex<Child>,
    /// Why it was ended.
    stopped: Mutex<Option<CompileError>>,
}

impl Running {
    fn stop(&self, reason: CompileError) {
        let mut child = self.child.lock();
        // Not if it has ended by itself.
        if let Ok(None) = child.try_wait() {
            *self.stopped.lock() = Some(reason);
            let _ = child.kill();
        }
    }
}

fn read_to_end(stream: impl Read, max_bytes: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.take(max_bytes).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads the first byte of the output and the rest of it.
fn read_output(mut stdout: impl Read) -> io::Result<(Option<u8>, Vec<u8>)> {
    let kind = read_to_end(stdout.by_ref(), 1)?.first().copied();
    Ok((kind, read_to_end(stdout, MAX_COMPILED_BYTES + 1)?))
}

/// Finds out why the process ended without a result.
fn explain(status: ExitStatus, messages: &str) -> CompileError {
    match status.code() {
        Some(code) if code == TIMED_OUT => CompileError::Time,
        _ if OUT_OF_MEMORY.iter().any(|part| messages.contains(part)) => CompileError::Memory,
        _ => CompileError::Process(io::Error::other(format!("the compiler ended with {status}: {}", messages.trim()))),
    }
}

/// Parts of the messages of a process that is denied memory, for data or for the stack of a thread.
const OUT_OF_MEMORY: [&str; 4] =
    ["memory allocation of ", "Cannot allocate memory", "Resource temporarily unavailable", "out of memory"];

/// The error of a process, with its causes.
#[derive(Debug)]
struct Messages {
    message: String,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

impl Messages {
    fn read(bytes: &[u8]) -> Box<dyn Error + Send + Sync> {
        let text = String::from_utf8_lossy(bytes);
        let chain = text.split(SEPARATOR).collect::<Vec<_>>();
        let chained = |cause, message: &&str| Some(Messages { message: (*message).to_owned(), cause }.into());
        chain.iter().rev().fold(None, chained).unwrap_or_else(|| "it was rejected".into())
    }
}

impl std::fmt::Display for Messages {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl Error for Messages {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}

/// The exit code of a process that took too long, as that of `timeout`.
pub(crate) const TIMED_OUT: i32 = 124;
