//! What the durable rooms of a module share.
//!
//! *Invariant:* the baseline is the memory of any new instance: a module whose rooms can be durable has no start function.
use std::sync::Arc;

use stateroom::durable::CodeHash;
use wasmtime::{Module, ModuleExport};

use super::durability::{DurableBinary, global_export};

/// What the durable rooms of a module share.
pub(crate) struct DurableModule {
    original: Arc<[u8]>,
    code: CodeHash,
    /// The bytes that the exports of its globals add in front of its code.
    shift: usize,
    globals: Vec<ModuleExport>,
    baseline: Vec<u8>,
}

impl DurableModule {
    pub(super) fn new(binary: &DurableBinary, module: &Module, memory: &[u8]) -> Self {
        let exports = binary.globals.iter().map(|index| module.get_export_index(&global_export(*index)));
        let used = memory.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let baseline = memory.get(..used).unwrap_or_default().to_vec();
        let DurableBinary { code, shift, .. } = *binary;
        DurableModule { original: binary.original.clone(), code, shift, globals: exports.flatten().collect(), baseline }
    }

    /// Returns the module in binary form, as it was given.
    pub(crate) fn original(&self) -> &Arc<[u8]> {
        &self.original
    }

    /// Returns the hash of the [original](Self::original).
    pub(crate) fn code(&self) -> CodeHash {
        self.code
    }

    /// Returns how many bytes further its code is than in the module as it was given.
    pub(crate) fn shift(&self) -> usize {
        self.shift
    }

    /// Returns the exports of its mutable globals, in their order.
    pub(crate) fn globals(&self) -> &[ModuleExport] {
        &self.globals
    }

    /// Returns the memory of a new instance, without the zeros at its end.
    pub(crate) fn baseline(&self) -> &[u8] {
        &self.baseline
    }
}
