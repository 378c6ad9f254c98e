//! The key of a compiled module.
//!
//! *Invariant:* it is a hash of everything that the compiled module depends on.
use std::{
    fmt,
    hash::{Hash, Hasher},
};

use blake3::Hasher as Blake3;
use wasmtime::Engine;

use super::directory::EXTENSION;

/// The version of the file format, and of everything else about a compiled module that is not in the hash.
pub(super) const FORMAT: u32 = 2;

/// The key of a compiled module: a hash of everything that it depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key(pub(super) [u8; 32]);

impl Key {
    /// Returns the key of a module in its original form, binary or text.
    pub(super) fn of(engine: &Engine, bytes: &[u8]) -> Self {
        let mut hash = KeyHasher(Blake3::new());
        hash.write(&FORMAT.to_le_bytes());
        hash.write(blake3::hash(bytes).as_bytes());
        // It covers the full version of wasmtime and the processor's features.
        engine.precompile_compatibility_hash().hash(&mut hash);
        Key(*hash.0.finalize().as_bytes())
    }

    pub(super) fn file_name(&self) -> String {
        format!("{self}.{EXTENSION}")
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// Feeds hashed values into BLAKE3, which has no collisions.
struct KeyHasher(Blake3);

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Unused: 64 bits would be too few.
    fn finish(&self) -> u64 {
        0
    }
}
