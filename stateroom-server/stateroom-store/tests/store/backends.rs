//! The backends of the conformance suite.
use std::{
    path::PathBuf,
    sync::{Arc, Weak},
};

use stateroom_store::{DiskStore, DiskStoreConfig, MemoryStore, Store, conformance::Backend};
use tempfile::TempDir;

pub(crate) struct OnDisk {
    parent: TempDir,
    memtable_bytes: Option<u64>,
    last_opened: Weak<DiskStore>,
}

impl OnDisk {
    pub(crate) fn new() -> OnDisk {
        OnDisk { parent: tempfile::tempdir().unwrap(), memtable_bytes: None, last_opened: Weak::new() }
    }

    /// A store that writes tables early.
    pub(crate) fn with_small_tables() -> OnDisk {
        OnDisk { memtable_bytes: Some(64 << 10), ..OnDisk::new() }
    }

    pub(crate) fn directory(&self) -> PathBuf {
        self.parent.path().join("store")
    }

    pub(crate) fn config(&self) -> DiskStoreConfig {
        let mut config = DiskStoreConfig::new(self.directory());
        config.memtable_bytes = self.memtable_bytes.unwrap_or(config.memtable_bytes);
        config
    }
}

impl Backend for OnDisk {
    fn open(&mut self) -> Arc<dyn Store> {
        let store = Arc::new(DiskStore::open(self.config()).unwrap());
        self.last_opened = Arc::downgrade(&store);
        store
    }

    fn damage(&mut self, _: &Arc<dyn Store>, room: &str) {
        self.last_opened.upgrade().unwrap().damage(room).unwrap();
    }

    fn kill(&mut self, store: Arc<dyn Store>) {
        assert_eq!(Arc::strong_count(&store), 1, "a task still uses the store");
        drop(store);
    }
}

pub(crate) struct InMemory(MemoryStore);

impl InMemory {
    pub(crate) fn new() -> InMemory {
        InMemory(MemoryStore::new())
    }
}

impl Backend for InMemory {
    fn open(&mut self) -> Arc<dyn Store> {
        self.0 = self.0.kill(0);
        Arc::new(self.0.clone())
    }

    fn damage(&mut self, _: &Arc<dyn Store>, room: &str) {
        self.0.damage(room);
    }

    fn kill(&mut self, store: Arc<dyn Store>) {
        drop(store);
        self.0 = self.0.kill(0);
    }
}
