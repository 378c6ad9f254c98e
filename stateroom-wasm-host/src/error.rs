//! Errors of loading a module and of starting a guest.
//!
//! *Invariant:* each message names the module; causes are sources and not part of the message.
mod hint;

use std::{error::Error, io, iter::successors};

use stateroom::{
    durable::NotDurable,
    fault::{Fault, FaultKind},
};

/// An error of loading a module or of starting a guest.
///
/// Messages do not contain the cause: print the chain of [`source`](Error::source)s, as `anyhow` does with `{:#}`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WasmHostError {
    /// The file cannot be read.
    #[error("{module}: failed to read the file")]
    Read {
        /// The module's path.
        module: String,
        /// The cause.
        source: io::Error,
    },
    /// The file is of another format, or a module of another kind.
    #[error("{module}: not a WebAssembly module that this host can run: it is {found}")]
    NotAModule {
        /// The module's name.
        module: String,
        /// The kind of file, with an article.
        found: &'static str,
        /// Advice to the user.
        hint: &'static str,
    },
    /// The module is a program, which runs once from its start to its end.
    #[error("{module}: a program, not a service: it exports `_start`, but no `_initialize`")]
    Command {
        /// The module's name.
        module: String,
    },
    /// The bytes are not a WebAssembly module, or the module uses features that this host does not support.
    #[error("{module}: not a WebAssembly module that this host can run")]
    Invalid {
        /// The module's name.
        module: String,
        /// The compiler's error.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Compiling the module exceeds a limit.
    #[error("{module}: compiling it takes more than {maximum}")]
    CompileLimit {
        /// The module's name.
        module: String,
        /// The limit's value.
        maximum: String,
        /// The limit's name.
        limit: &'static str,
    },
    /// Another module was loaded by the same [`CompilerProcess`](crate::CompilerProcess) before this one was compiled.
    #[error("{module}: not compiled: a newer load replaced it")]
    Superseded {
        /// The module's name.
        module: String,
    },
    /// The process that compiles modules failed.
    #[error("{module}: the compiler process failed")]
    Compiler {
        /// The module's name.
        module: String,
        /// The cause.
        source: io::Error,
    },
    /// The module does not export what a Stateroom service exports.
    #[error("{module}: not a Stateroom service: missing export `{export}` ({expected})")]
    MissingExport {
        /// The module's name.
        module: String,
        /// The name of the missing export.
        export: &'static str,
        /// The type that the export must have.
        expected: String,
    },
    /// An export has a type that the host cannot use.
    #[error("{module}: export `{export}` is {found}; expected {expected}")]
    WrongExport {
        /// The module's name.
        module: String,
        /// The export's name.
        export: &'static str,
        /// Its type.
        found: String,
        /// The type that it must have.
        expected: String,
    },
    /// The module imports something that the host does not provide.
    #[error(
        "{module}: imports `{name}` from `{from}`, which this host does not provide; available are \
         `env.stateroom_send` and `wasi_snapshot_preview1`"
    )]
    UnknownImport {
        /// The module's name.
        module: String,
        /// The module that it imports from.
        from: String,
        /// The name of the import.
        name: String,
    },
    /// The type of an import is not the one that the host provides.
    #[error("{module}: an import has the wrong type")]
    WrongImport {
        /// The module's name.
        module: String,
        /// The cause, which names the import and the types.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The address of a version number is outside of the module's memory.
    #[error("{module}: `{export}` is at address {address}, outside of the module's memory")]
    VersionAddress {
        /// The module's name.
        module: String,
        /// The export that holds the address.
        export: &'static str,
        /// The address.
        address: u32,
    },
    /// The module is built for another version of the guest interface.
    #[error("{module}: built for version {found} of the guest interface; this host supports version {expected}")]
    ApiVersion {
        /// The module's name.
        module: String,
        /// The version that the module declares.
        found: i32,
        /// The version that this host supports.
        expected: i32,
    },
    /// The module uses another protocol of the guest interface.
    #[error("{module}: uses protocol {found} of the guest interface; this host supports protocol {expected}")]
    Protocol {
        /// The module's name.
        module: String,
        /// The protocol that the module declares.
        found: i32,
        /// The protocol that this host supports.
        expected: i32,
    },
    /// The module's initial memory exceeds the limit.
    #[error("{module}: needs {minimum} bytes of initial memory; the limit is {limit}")]
    MemoryLimit {
        /// The module's name.
        module: String,
        /// Size of its initial memory, in bytes.
        minimum: u64,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The module's initial table exceeds the limit.
    #[error("{module}: needs an initial table of {minimum} elements; the limit is {limit}")]
    TableLimit {
        /// The module's name.
        module: String,
        /// Size of its initial table, in elements.
        minimum: u64,
        /// The limit, in elements.
        limit: usize,
    },
    /// The module's rooms cannot be durable, as the configuration requires.
    #[error("{module}: its rooms cannot be durable")]
    NotDurable {
        /// The module's name.
        module: String,
        /// The instruction or the declaration that prevents it.
        source: NotDurable,
    },
    /// The guest failed before its first event.
    #[error("{module}: failed to start")]
    Start {
        /// The module's name.
        module: String,
        /// The failure.
        #[source]
        fault: Fault,
    },
    /// The engine cannot be created, with or without a pool of instances.
    #[error("failed to create the engine")]
    Engine {
        /// The cause.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The given engine cannot run guests, or did not compile the given module.
    #[error("the engine does not fit: {reason}; use the one from `WasmHostFactory::engine`")]
    EngineMismatch {
        /// The difference.
        reason: String,
        /// The cause, if a call into the engine failed.
        source: Option<Box<dyn Error + Send + Sync>>,
    },
}

impl WasmHostError {
    /// Returns a fault with the messages of the error and its causes, and the hint.
    pub(crate) fn to_fault(&self) -> Fault {
        let chain = successors(Some(self as &dyn Error), |error| Error::source(*error));
        let messages = chain.map(ToString::to_string).collect::<Vec<_>>();
        let fault = Fault::new(FaultKind::Build, messages.join(": "));
        match self.hint() {
            Some(hint) => fault.with_hint(&hint),
            None => fault,
        }
    }
}
