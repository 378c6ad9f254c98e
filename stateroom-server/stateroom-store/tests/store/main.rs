//! The stores: what each of them promises, and what is left of one on disk after crashes and damage.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]

mod backends;
mod damage;
mod disk;
mod kill;
mod memory;
mod model;

mod conformance_of_disk {
    stateroom_store::conformance_tests!(crate::backends::OnDisk::new());
}

mod conformance_of_memory {
    stateroom_store::conformance_tests!(crate::backends::InMemory::new());
}
