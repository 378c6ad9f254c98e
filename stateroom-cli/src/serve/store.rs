//! The directory of durable rooms.
//!
//! *Invariant:* it is opened only after the module was loaded, which checks that its rooms can be kept.
use std::{path::Path, sync::Arc, time::Duration};

use anyhow::{Result, anyhow};
use stateroom_server::store::{Store, StoreState};

/// Time between two looks at the health of the store.
const INTERVAL: Duration = Duration::from_secs(1);

/// Advice about a damaged store.
#[cfg(unix)]
pub(crate) const DAMAGED: &str = "restore the directory from a backup, or move it away to begin with no rooms";

/// Opens the store of the rooms.
///
/// # Errors
///
/// Returns an error if the directory cannot be used.
pub(super) fn open(directory: &Path) -> Result<Arc<dyn Store>> {
    let store = open_directory(directory)?;
    tracing::info!("rooms are durable, in `{}`", directory.display());
    Ok(store)
}

#[cfg(unix)]
fn open_directory(directory: &Path) -> Result<Arc<dyn Store>> {
    use stateroom_server::store::{DiskStore, DiskStoreConfig, StoreError};

    let store = DiskStore::open(DiskStoreConfig::new(directory)).map_err(|error| {
        let hint = match &error {
            StoreError::Locked { .. } => "\n  hint: stop that process, or choose another directory",
            StoreError::Corrupt { .. } => &format!("\n  hint: {DAMAGED}"),
            _ => "",
        };
        anyhow!("failed to open the rooms in `{}`: {error}{hint}", directory.display())
    })?;
    Ok(Arc::new(store))
}

#[cfg(not(unix))]
fn open_directory(_: &Path) -> Result<Arc<dyn Store>> {
    Err(anyhow!("`--data` is not supported on this system: rooms can be kept on Unix"))
}

/// Waits until a store has failed for good, and returns why. Without one, waits forever.
pub(super) async fn failure_of(store: Option<&dyn Store>) -> anyhow::Error {
    let Some(store) = store else { return std::future::pending().await };
    loop {
        if let StoreState::Failed(cause) = store.health().state {
            let error = anyhow!("the disk failed: {cause}");
            return error.context("the rooms cannot be stored any more; start again once the disk works");
        }
        tokio::time::sleep(INTERVAL).await;
    }
}
