//! How the build stands, for the pages that show it.
use std::time::Duration;

use tokio::sync::watch;

/// How the build stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Build {
    /// What there is, is served.
    Ready { generation: u64, took: Duration },
    /// It is being built.
    Building { generation: u64 },
    /// It does not build; this is what the compiler says.
    Failed { generation: u64, text: String },
}

impl Build {
    /// Of which code the instances are.
    fn generation(&self) -> u64 {
        match self {
            Build::Ready { generation, .. } | Build::Building { generation } | Build::Failed { generation, .. } => {
                *generation
            }
        }
    }
}

/// How the build stands, and how often pages were to be loaded again.
#[derive(Debug)]
pub struct Status {
    build: watch::Sender<Build>,
    reloads: watch::Sender<u64>,
}

impl Status {
    pub fn new(took: Duration) -> Self {
        Status { build: watch::Sender::new(Build::Ready { generation: 1, took }), reloads: watch::Sender::new(0) }
    }

    pub fn building(&self) {
        self.build.send_modify(|build| *build = Build::Building { generation: build.generation() });
    }

    pub fn has_failed(&self) -> bool {
        matches!(*self.build.borrow(), Build::Failed { .. })
    }

    pub fn failed(&self, text: String) {
        self.build.send_modify(|build| *build = Build::Failed { generation: build.generation(), text });
    }

    pub fn ready(&self, generation: u64, took: Duration) {
        self.build.send_replace(Build::Ready { generation, took });
    }

    pub fn reload_pages(&self) {
        self.reloads.send_modify(|count| *count += 1);
    }

    /// How the build stands, from now on.
    pub fn build(&self) -> watch::Receiver<Build> {
        self.build.subscribe()
    }

    /// Changes when pages are to be loaded again.
    pub fn reloads(&self) -> watch::Receiver<u64> {
        self.reloads.subscribe()
    }
}
