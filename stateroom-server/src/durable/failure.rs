//! The ways in which a room does not wake, or cannot be stored.
//!
//! *Invariant:* a room is broken only if waiting would not help.
use stateroom::{
    StateroomServiceFactory,
    durable::{CodeHash, NotDurable, Origin},
    fault::{Fault, FaultKind},
};
use stateroom_store::StoreError;

use super::record::RecordError;
use crate::broken::BrokenRoom;

/// Why a room does not wake.
pub(super) enum WakeError {
    /// Its stored state cannot be restored.
    Broken(BrokenRoom),
    /// It may wake later.
    Fault(Fault),
}

impl From<Fault> for WakeError {
    fn from(fault: Fault) -> Self {
        WakeError::Fault(fault)
    }
}

pub(super) fn store_fault(error: &StoreError) -> Fault {
    // For a new room only: what is appended to others waits for space.
    let kind = if *error == StoreError::Full { FaultKind::DiskFull } else { FaultKind::Storage };
    Fault::new(kind, error.to_string())
}

/// Creates a service from its image.
pub(super) async fn restore<F: StateroomServiceFactory>(
    factory: &F,
    room_id: &str,
    seq: u64,
    image: &[u8],
) -> Result<F::Service, WakeError> {
    factory.create_durable(room_id, Origin::Image(image)).await.map_err(|fault| match fault.kind() {
        FaultKind::Build => WakeError::Broken(BrokenRoom::new(seq, fault.message())),
        _ => fault.into(),
    })
}

pub(super) fn unreadable(what: &str, seq: u64, error: &RecordError) -> WakeError {
    WakeError::Broken(BrokenRoom::new(seq, format!("{what} {seq} cannot be read: {error}")))
}

pub(super) fn out_of_place(seq: u64) -> WakeError {
    WakeError::Broken(BrokenRoom::new(seq, format!("the record {seq} is not one that can follow")))
}

pub(super) fn not_durable(reason: &NotDurable) -> Fault {
    Fault::new(FaultKind::Storage, reason.to_string())
}

/// Returns why a room cannot run on the module that it began with. Its state stays in the store.
pub(super) fn no_module(code: CodeHash, problem: &str) -> Fault {
    Fault::new(FaultKind::Storage, format!("the room began with the module {code}, which {problem}"))
        .with_hint("serve the module with this BLAKE3 hash, or delete the room")
}
