//! Giving up what the serving process does not need, with Landlock, which Linux has since 5.13.
//!
//! Guests are confined by WebAssembly. This is for the case that one breaks out: it finds no files but those next to what is
//! served, no programs to run and nobody to connect to.
//!
//! *Invariant:* restrictions apply to the calling thread and those that it starts, and cannot be undone: they are applied before
//! the threads of the server start. The threads that export spans start earlier, and keep their rights.
#[cfg(target_os = "linux")]
mod landlock;
#[cfg(not(target_os = "linux"))]
#[path = "sandbox/none.rs"]
mod landlock;

use std::path::PathBuf;

pub(crate) use self::landlock::{is_available, restrict, restrict_compiler};

/// The files, programs and networks that a server needs.
#[derive(Debug)]
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "nothing is restricted there"))]
pub(crate) struct SandboxNeeds {
    /// Files and directories that it reads, also after they were replaced.
    pub(crate) files: Vec<PathBuf>,
    /// Directories that it writes to.
    pub(crate) written: Vec<PathBuf>,
    /// Ports that it listens on. 0 is any.
    pub(crate) ports: Vec<u16>,
}
