//! The factories of durable rooms: the one that is served, for new rooms, and for stored ones that of the module they began with.
//!
//! *Invariant:* a room runs only on the module that it began with, and that is in the store before the room is.
use std::{sync::Arc, time::Instant};

use ::metrics::Gauge;
use bytes::Bytes;
use parking_lot::Mutex;
use stateroom::{StateroomServiceFactory, durable::CodeHash, fault::Fault};
use stateroom_store::{Store, StoreError};
use tokio::{
    sync::{Mutex as AsyncMutex, OnceCell},
    task::spawn_blocking,
};

use super::{
    failure::{no_module, not_durable, store_fault},
    stall::StallWatch,
};
use crate::metrics::GaugeGuard;

/// Maximum number of modules that stay loaded while no room runs on them. The served one is not counted.
const MAX_UNUSED: usize = 8;

/// The factories of durable rooms.
pub(super) struct Factories<F> {
    served: Arc<F>,
    /// `None` for rooms that end with the process.
    store: Option<Arc<dyn Store>>,
    gauge: Gauge,
    /// Set once the served module is in the store.
    is_stored: OnceCell<()>,
    /// The modules that are not served any more, the one that was asked for last at the end.
    old: Mutex<Vec<OldModule<F>>>,
    /// Held while a module is loaded: the compiler may take gigabytes.
    loading: AsyncMutex<()>,
}

/// A module that is not served any more.
struct OldModule<F> {
    code: CodeHash,
    load: Arc<Load<F>>,
}

/// The result of loading a module, for all who wait for it.
type Load<F> = OnceCell<Result<Loaded<F>, Fault>>;

struct Loaded<F> {
    factory: Arc<F>,
    _gauge: GaugeGuard,
}

impl<F> OldModule<F> {
    /// Returns whether a room runs on it, or waits for it.
    fn is_used(&self) -> bool {
        let is_shared = |loaded: &Loaded<F>| Arc::strong_count(&loaded.factory) > 1;
        Arc::strong_count(&self.load) > 1 || self.load.get().is_some_and(|load| load.as_ref().is_ok_and(is_shared))
    }
}

impl<F: StateroomServiceFactory> Factories<F> {
    pub(super) fn new(served: Arc<F>, store: Option<Arc<dyn Store>>, gauge: Gauge) -> Self {
        let (is_stored, old, loading) = Default::default();
        Factories { served, store, gauge, is_stored, old, loading }
    }

    /// Returns the factory of a new room, and its code, which is then in the store, if there is one.
    pub(super) async fn for_new_room(&self, stall: &mut StallWatch) -> Result<(Arc<F>, CodeHash), Fault> {
        let code = self.served.durable_code().map_err(|reason| not_durable(&reason))?;
        let put = async || match (&self.store, self.served.durable_module()) {
            (Some(store), Some(module)) => store.put_module(&code.0, Bytes::from_owner(module)).await,
            _ => Ok(()),
        };
        stall.wait(self.is_stored.get_or_try_init(put)).await.map_err(|error| store_fault(&error))?;
        Ok((self.served.clone(), code))
    }

    /// Returns the factory of a stored room with this code. Loads its module from the store if another one is served now.
    pub(super) async fn for_stored_room(&self, code: CodeHash, stall: &mut StallWatch) -> Result<Arc<F>, Fault> {
        if self.served.durable_code().map_err(|reason| not_durable(&reason))? == code {
            return Ok(self.served.clone());
        }
        let load = self.begin_load(code);
        let loaded = load.get_or_init(|| self.load(code, stall)).await;
        if loaded.is_err() {
            // The next room tries again.
            self.old.lock().retain(|old| !Arc::ptr_eq(&old.load, &load));
        }
        loaded.as_ref().map(|loaded| loaded.factory.clone()).map_err(Fault::clone)
    }

    /// Returns the load of a module, which may be complete. Forgets modules that were not used for the longest time.
    fn begin_load(&self, code: CodeHash) -> Arc<Load<F>> {
        let mut old = self.old.lock();
        let known = old.iter().position(|module| module.code == code).map(|index| old.remove(index));
        let module = known.unwrap_or_else(|| OldModule { code, load: Arc::default() });
        let load = module.load.clone();
        old.push(module);
        let mut excess = old.iter().filter(|module| !module.is_used()).count().saturating_sub(MAX_UNUSED);
        let is_excess = |module: &mut OldModule<F>| {
            let is_excess = excess > 0 && !module.is_used();
            excess -= usize::from(is_excess);
            is_excess
        };
        let forgotten: Vec<_> = old.extract_if(.., is_excess).collect();
        drop(old);
        drop(forgotten);
        load
    }

    async fn load(&self, code: CodeHash, stall: &mut StallWatch) -> Result<Loaded<F>, Fault> {
        let _turn = self.loading.lock().await;
        let started = Instant::now();
        let read = async || match &self.store {
            Some(store) => store.module(&code.0).await,
            None => Ok(None),
        };
        let stored = stall.wait(read()).await.map_err(|error| match error {
            StoreError::Corrupt { .. } => no_module(code, &format!("cannot be read: {error}")),
            error => store_fault(&error),
        })?;
        let module = stored.ok_or_else(|| no_module(code, "is not stored"))?;
        let served = self.served.clone();
        let factory = spawn_blocking(move || served.with_module(&module)).await;
        let factory = factory.map_err(|error| no_module(code, &format!("cannot be loaded: {error}")))?;
        let factory = factory.map_err(|fault| no_module(code, &format!("cannot be loaded: {}", fault.message())))?;
        if factory.durable_code() != Ok(code) {
            return Err(no_module(code, "has another hash than the one it was stored under"));
        }
        tracing::info!(module = %code, time = ?started.elapsed(), "loaded a module that is not served any more, for the rooms that began with it");
        Ok(Loaded { factory: Arc::new(factory), _gauge: GaugeGuard::of(&self.gauge) })
    }
}

#[cfg(test)]
mod tests;
