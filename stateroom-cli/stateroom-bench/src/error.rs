//! Reasons why a load test has no report.
use std::io;

use hdrhistogram::CreationError;
use tokio::task::JoinError;

use crate::target::TargetError;

/// Error of a load test. Hints name the flags of `stateroom bench`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The URL cannot be used.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The rate is not a positive, finite number.
    #[error("the rate must be a positive number, but is {0}")]
    Rate(f64),
    /// The system does not allow as many open files as there are connections.
    #[error(
        "{connections} connections need {required} open files, but this process is limited to {limit}\n  hint: raise the limit as \
         root with `ulimit -Hn {required}`, or use fewer connections"
    )]
    FileLimit {
        /// Number of connections.
        connections: u32,
        /// Number of files that have to be open.
        required: u64,
        /// Maximum number of open files.
        limit: u64,
    },
    /// The system does not raise the limit of open files, although it is below the maximum.
    #[error("failed to raise the limit of open files to {required}")]
    RaiseFileLimit {
        /// Number of files that have to be open.
        required: u64,
        /// Error of the system.
        source: io::Error,
    },
    /// The host has no address.
    #[error("failed to resolve `{host}`")]
    Resolve {
        /// Name of the host.
        host: String,
        /// Error of the resolver.
        source: io::Error,
    },
    /// TLS is required, and the system trusts no certificate.
    #[error("no trusted certificates found: set SSL_CERT_FILE to a PEM file that contains them")]
    NoTrustedCertificates,
    /// TLS cannot be used with this host.
    #[error("failed to set up TLS for `{host}`")]
    Tls {
        /// Name of the host.
        host: String,
        /// Error of the TLS library.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No connection could be opened.
    #[error("failed to open any connection\n{reasons}")]
    NoConnections {
        /// Each reason and its count, one per line.
        reasons: String,
    },
    /// Connections were opened, but none of those that send messages.
    #[error("failed to open any connection that sends messages\n{reasons}")]
    NoSenders {
        /// Each reason and its count, one per line.
        reasons: String,
    },
    /// No message was answered. Contains what was received instead, and what to do.
    #[error("{0}")]
    NoResponses(String),
    /// A histogram cannot be created.
    #[error("failed to create a latency histogram")]
    Histogram(#[from] CreationError),
    /// The thread that keeps the rate panicked.
    #[error("the pacer thread panicked")]
    Pacer(#[from] JoinError),
}
