//! A directory of compiled modules, so that a module is compiled only once.
//!
//! *Invariant:* machine code is loaded from a file only if this user's host wrote it, for this very module, engine and
//! version, and the file is unchanged. In all other cases the module is compiled; problems with the cache are logged and
//! never returned.
mod artifact;
mod directory;
mod key;

use std::{fmt, path::Path};

use tracing::warn;
use wasmtime::{Engine, Module};

use self::{
    directory::{CacheError, Directory},
    key::Key,
};
use crate::{compiler::CompileError, config::WasmHostConfig};

/// A compiled module.
pub(super) struct Compiled {
    pub(super) module: Module,
    /// Whether it was compiled earlier.
    pub(super) from_cache: bool,
}

/// Compiles a module from its binary or its text form, or loads the result of an earlier compilation.
pub(super) fn compile(engine: &Engine, bytes: &[u8], config: &WasmHostConfig) -> Result<Compiled, CompileError> {
    let Some(cache) = config.cache.as_deref().and_then(open) else {
        return Ok(Compiled { module: compile_anew(engine, bytes, config)?, from_cache: false });
    };
    let key = Key::of(engine, bytes);
    if let Some(module) = cache.get(engine, &key) {
        return Ok(Compiled { module, from_cache: true });
    }
    let module = compile_anew(engine, bytes, config)?;
    cache.put(&key, &module);
    Ok(Compiled { module, from_cache: false })
}

/// Compiles a module, in a process of its own if there is a program for it.
fn compile_anew(engine: &Engine, bytes: &[u8], config: &WasmHostConfig) -> Result<Module, CompileError> {
    match &config.compiler {
        Some(compiler) => {
            let WasmHostConfig { durable, compile_time, compile_memory_bytes, .. } = *config;
            Ok(deserialize(engine, &compiler.compile(bytes, durable, compile_time, compile_memory_bytes)?)?)
        }
        None => Ok(Module::new(engine, bytes)?),
    }
}

fn open(path: &Path) -> Option<Cache> {
    let directory = Directory::open(path);
    let directory = directory.inspect_err(|error| warn!("the module cache {} is disabled: {error}", path.display()));
    directory.ok().map(Cache)
}

struct Cache(Directory);

impl Cache {
    /// Returns the module that was stored under this key.
    fn get(&self, engine: &Engine, key: &Key) -> Option<Module> {
        let bytes = match self.0.read(&key.file_name()) {
            Ok(found) => found?,
            Err(error) => return ignore_cached(key, &error),
        };
        match artifact::open(key, &bytes) {
            Some(artifact) => deserialize(engine, artifact).map_or_else(|error| ignore_cached(key, &error), Some),
            None => ignore_cached(key, &CacheError::Damaged),
        }
    }

    fn put(&self, key: &Key, module: &Module) {
        let written = module.serialize().map_err(|error| error.to_string()).and_then(|artifact| {
            let parts = [&artifact::header(key, &artifact)[..], &artifact];
            self.0.write(&key.file_name(), &parts).map_err(|error| error.to_string())
        });
        match written {
            Ok(()) => self.0.evict(),
            Err(error) => warn!(%key, error, "failed to cache a compiled module"),
        }
    }
}

fn ignore_cached(key: &Key, error: &dyn fmt::Display) -> Option<Module> {
    warn!(%key, %error, "ignoring a cached module and compiling it again");
    None
}

#[expect(unsafe_code, reason = "wasmtime cannot check that bytes are machine code of its own")]
fn deserialize(engine: &Engine, artifact: &[u8]) -> wasmtime::Result<Module> {
    // SAFETY: the bytes must be the result of `Module::serialize`. They come from the compiler's process, of a program that the
    // embedder chose for it, over a pipe that no other process has; or from a file and a directory that belong to the
    // user who runs this process and that no other user may write to, in which only `Cache::put` writes under such a name;
    // and the hash in the file's header proves that they are, to the last byte, what it wrote. A process that could forge that
    // already acts as this user. Artifacts of other versions of wasmtime, or of other configurations, are safe to pass, and
    // have other keys.
    unsafe { Module::deserialize(engine, artifact) }
}
