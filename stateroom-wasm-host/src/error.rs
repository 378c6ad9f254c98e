//! Why a module is refused, or a room cannot begin.
//!
//! *Invariant:* each message names the module, and what is missing or wrong.
use std::io;

use stateroom::fault::Fault;

/// Why a module is refused, or a room cannot begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WasmHostError {
    /// The file cannot be read.
    #[error("{module}: cannot be read: {source}")]
    Read {
        /// Which file.
        module: String,
        /// Why.
        source: io::Error,
    },
    /// The bytes are not a WebAssembly module, or one that uses what this host does not offer.
    #[error("{module}: is not a WebAssembly module that this host can run: {reason}")]
    Invalid {
        /// Which module.
        module: String,
        /// What the compiler says.
        reason: String,
    },
    /// It is a WebAssembly module, but not one of Stateroom.
    #[error("{module}: is not a Stateroom service: it does not export `{export}` ({expected})")]
    MissingExport {
        /// Which module.
        module: String,
        /// What it should export.
        export: &'static str,
        /// And as what.
        expected: String,
    },
    /// An export has a type other than the one the host calls it with.
    #[error("{module}: exports `{export}` as {found}; expected is {expected}")]
    WrongExport {
        /// Which module.
        module: String,
        /// The export.
        export: &'static str,
        /// What it is.
        found: String,
        /// What it should be.
        expected: String,
    },
    /// It imports something that a room does not offer.
    #[error(
        "{module}: imports `{name}` from `{from}`, which this host does not offer; there is `env.stateroom_send` and \
         `wasi_snapshot_preview1`"
    )]
    UnknownImport {
        /// Which module.
        module: String,
        /// From where it imports.
        from: String,
        /// What it imports.
        name: String,
    },
    /// An import has a type other than the one that the host offers.
    #[error("{module}: imports something by a type that it does not have: {reason}")]
    WrongImport {
        /// Which module.
        module: String,
        /// Which import, and what its type is.
        reason: String,
    },
    /// The version is said to be at an address that the module does not have.
    #[error("{module}: says that `{export}` is at the address {address}, which is outside of its memory")]
    VersionAddress {
        /// Which module.
        module: String,
        /// Which version.
        export: &'static str,
        /// Where it is said to be.
        address: u32,
    },
    /// The module is made for another version of the guest interface.
    #[error("{module}: is made for version {found} of the guest interface; this host knows version {expected}")]
    ApiVersion {
        /// Which module.
        module: String,
        /// The version it declares.
        found: i32,
        /// The version this host knows.
        expected: i32,
    },
    /// The module speaks another protocol.
    #[error("{module}: speaks protocol {found} of the guest interface; this host speaks protocol {expected}")]
    Protocol {
        /// Which module.
        module: String,
        /// The protocol it declares.
        found: i32,
        /// The protocol this host speaks.
        expected: i32,
    },
    /// The module begins with more memory than a guest may have.
    #[error("{module}: needs {minimum} bytes of memory to begin with; the limit is {limit}")]
    MemoryLimit {
        /// Which module.
        module: String,
        /// What it begins with, in bytes.
        minimum: u64,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The module begins with a larger table than a guest may have.
    #[error("{module}: needs a table of {minimum} elements to begin with; the limit is {limit}")]
    TableLimit {
        /// Which module.
        module: String,
        /// What it begins with, in elements.
        minimum: u64,
        /// The limit, in elements.
        limit: usize,
    },
    /// The guest failed before its first event.
    #[error("{module}: failed at its start: {fault}")]
    Start {
        /// Which module.
        module: String,
        /// How.
        fault: Fault,
    },
    /// No engine could be made, with a pool or without.
    #[error("cannot make an engine: {reason}")]
    Engine {
        /// Why.
        reason: String,
    },
    /// An engine that was handed in does not fit.
    #[error("the engine does not fit: {reason}; take the one of `WasmHostFactory::engine`")]
    EngineMismatch {
        /// What is different.
        reason: String,
    },
}
