//! Compiled modules, kept in a directory, so that a module that was seen before is not compiled again.
//!
//! *Invariant:* machine code is taken from a file only if this user's host wrote it, for this very module, engine and
//! version, and the file is as it was written. In all other cases the module is compiled, and nobody is told of an error.
mod artifact;
mod directory;

use std::{
    fmt,
    hash::{Hash, Hasher},
    path::Path,
};

use blake3::Hasher as Blake3;
use tracing::warn;
use wasmtime::{Engine, Module};

use self::directory::{Directory, Unusable};

/// A module that can be instantiated.
pub(super) struct Compiled {
    pub(super) module: Module,
    /// Whether it was compiled at an earlier time.
    pub(super) from_cache: bool,
}

/// Compiles a module, from its binary or its text form, or takes what that has come to before.
pub(super) fn compile(engine: &Engine, bytes: &[u8], directory: Option<&Path>) -> wasmtime::Result<Compiled> {
    let Some(cache) = directory.and_then(open) else {
        return Ok(Compiled { module: Module::new(engine, bytes)?, from_cache: false });
    };
    let key = Key::of(engine, bytes);
    if let Some(module) = cache.take(engine, &key) {
        return Ok(Compiled { module, from_cache: true });
    }
    let module = Module::new(engine, bytes)?;
    cache.put(&key, &module);
    Ok(Compiled { module, from_cache: false })
}

fn open(path: &Path) -> Option<Cache> {
    let directory = Directory::open(path);
    let directory =
        directory.inspect_err(|reason| warn!("compiled modules are not kept in {}: {reason}", path.display()));
    directory.ok().map(Cache)
}

struct Cache(Directory);

impl Cache {
    /// The module that was put in by this key.
    fn take(&self, engine: &Engine, key: &Key) -> Option<Module> {
        let bytes = match self.0.read(&key.file_name()) {
            Ok(found) => found?,
            Err(reason) => return compile_instead(key, &reason),
        };
        match artifact::open(key, &bytes) {
            Some(artefact) => deserialise(engine, artefact).map_or_else(|error| compile_instead(key, &error), Some),
            None => compile_instead(key, &Unusable::Damaged),
        }
    }

    fn put(&self, key: &Key, module: &Module) {
        let written = module.serialize().map_err(|error| error.to_string()).and_then(|artefact| {
            let parts = [&artifact::header(key, &artefact)[..], &artefact];
            self.0.write(&key.file_name(), &parts).map_err(|error| error.to_string())
        });
        match written {
            Ok(()) => self.0.tidy(),
            Err(reason) => warn!(%key, reason, "a compiled module could not be kept"),
        }
    }
}

fn compile_instead(key: &Key, reason: &dyn fmt::Display) -> Option<Module> {
    warn!(%key, %reason, "a compiled module that was kept cannot be used; it is compiled anew");
    None
}

#[expect(unsafe_code, reason = "whether bytes are machine code that wasmtime has made is nothing that it could check")]
fn deserialise(engine: &Engine, artefact: &[u8]) -> wasmtime::Result<Module> {
    // SAFETY: the bytes have to be what `Module::serialize` has returned. They come from a file and a directory that
    // belong to the user who runs this and that nobody else may write to, in which only `Cache::put` writes under such a
    // name; and the hash in the file's header says that they are, to the last byte, what it has written. Whoever could
    // forge that acts as this user already. Artefacts of other versions of wasmtime, or of another configuration, are
    // safe to pass, and have other keys besides.
    unsafe { Module::deserialize(engine, artefact) }
}

/// By what a compiled module is found: the hash of all that it depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key([u8; 32]);

impl Key {
    /// `bytes` is the module as it came, be it in its binary or its text form.
    fn of(engine: &Engine, bytes: &[u8]) -> Self {
        let mut hash = Hashed(Blake3::new());
        hash.write(&artifact::FORMAT.to_le_bytes());
        hash.write(blake3::hash(bytes).as_bytes());
        // In it are the version of wasmtime, to its last part, and the processor's features.
        engine.precompile_compatibility_hash().hash(&mut hash);
        Key(*hash.0.finalize().as_bytes())
    }

    fn file_name(&self) -> String {
        format!("{self}.{}", directory::EXTENSION)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// Takes what is hashed into something from which no two come out the same.
struct Hashed(Blake3);

impl Hasher for Hashed {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Not asked for: 64 bits would be too few.
    fn finish(&self) -> u64 {
        0
    }
}
