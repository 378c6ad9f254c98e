//! The state of the build, for programs that rebuild a service while they serve it.
use std::time::Duration;

use tokio::sync::watch;

/// The state of the build.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Build {
    /// The latest code is served.
    #[non_exhaustive]
    Ready {
        /// Generation of the code that is served.
        generation: u64,
        /// How long the build took.
        duration: Duration,
    },
    /// A build is running.
    #[non_exhaustive]
    Building {
        /// Generation of the code that is served meanwhile.
        generation: u64,
    },
    /// The build failed.
    #[non_exhaustive]
    Failed {
        /// Generation of the code that is still served.
        generation: u64,
        /// Output of the compiler.
        text: String,
    },
}

impl Build {
    /// Returns the generation of the code that is served.
    fn generation(&self) -> u64 {
        match self {
            Build::Ready { generation, .. } | Build::Building { generation } | Build::Failed { generation, .. } => {
                *generation
            }
        }
    }
}

/// The state of the build, and requests to reload pages. The program updates it, and pages show it.
#[derive(Debug)]
pub struct BuildStatus {
    build: watch::Sender<Build>,
    /// Number of times that pages were requested to reload.
    reloads: watch::Sender<u64>,
}

impl BuildStatus {
    /// Creates the status of a first build that is served as generation 1.
    #[must_use]
    pub fn new(duration: Duration) -> Self {
        BuildStatus {
            build: watch::Sender::new(Build::Ready { generation: 1, duration }),
            reloads: watch::Sender::new(0),
        }
    }

    /// Sets the state to [`Build::Building`].
    pub fn set_building(&self) {
        self.build.send_modify(|build| *build = Build::Building { generation: build.generation() });
    }

    /// Sets the state to [`Build::Failed`], with the output of the compiler.
    pub fn set_failed(&self, text: String) {
        self.build.send_modify(|build| *build = Build::Failed { generation: build.generation(), text });
    }

    /// Sets the state to [`Build::Ready`].
    pub fn set_ready(&self, generation: u64, duration: Duration) {
        self.build.send_replace(Build::Ready { generation, duration });
    }

    /// Returns whether the last build failed.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        matches!(*self.build.borrow(), Build::Failed { .. })
    }

    /// Requests that pages reload, because their files have changed.
    pub fn reload_pages(&self) {
        self.reloads.send_modify(|count| *count += 1);
    }

    pub(crate) fn subscribe_build(&self) -> watch::Receiver<Build> {
        self.build.subscribe()
    }

    pub(crate) fn subscribe_reloads(&self) -> watch::Receiver<u64> {
        self.reloads.subscribe()
    }
}
