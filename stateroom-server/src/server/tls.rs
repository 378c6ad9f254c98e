//! TLS: a certificate and its key, read from files and reloaded when they change.
//!
//! *Invariant:* files that cannot be used change nothing: the current certificate stays in use.
use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use parking_lot::Mutex;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self, CertificateError, InconsistentKeys, RootCertStore, ServerConfig,
        client::verify_server_cert_signed_by_trust_anchor,
        crypto::{CryptoProvider, aws_lc_rs},
        pki_types::{
            CertificateDer, PrivateKeyDer, UnixTime,
            pem::{self, PemObject},
        },
        server::{ClientHello, ParsedCertificate, ResolvesServerCert},
        sign::CertifiedKey,
        time_provider::TimeProvider,
    },
    server::TlsStream,
};

use crate::{
    clock,
    key_file::{Content, Wanted, clean},
};

/// Minimum time between two checks whether the files have changed.
const CHECK_INTERVAL: Duration = Duration::from_secs(10);
/// Maximum size of a file.
const MAX_FILE_BYTES: usize = 1 << 20;

/// A certificate chain and its private key, in PEM files. New connections use changed files within 10 s; existing connections
/// keep the old certificate.
///
/// ```no_run
/// # fn main() -> Result<(), stateroom_server::TlsError> {
/// use stateroom_server::{Server, Tls};
///
/// let tls = Tls::from_pem_files("cert.pem", "key.pem")?;
/// let server = Server::new().with_tls(tls);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    certificate: Arc<Certificate>,
}

/// The reason that a certificate cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read, or does not contain what it should.
    #[error("failed to read a {what} in PEM from `{}`", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// The expected content.
        what: &'static str,
        /// The cause.
        source: pem::Error,
    },
    /// A file is damaged.
    #[error("failed to read a {what} in PEM from `{}`: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The expected content.
        what: &'static str,
        /// The problem with it.
        problem: &'static str,
    },
    /// A file contains something else.
    #[error("expected a {what} in PEM in `{}`, found {found}: {advice}", path.display())]
    WrongContent {
        /// The file.
        path: PathBuf,
        /// The expected content.
        what: &'static str,
        /// The actual content.
        found: &'static str,
        /// Advice to the user.
        advice: &'static str,
    },
    /// The key is not that of the certificate.
    #[error(
        "the key in `{}` does not belong to the first certificate in `{}`, which has to be that of the server itself",
        key.display(), certificate.display()
    )]
    Mismatch {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// The key is damaged, or of an unsupported kind.
    #[error(
        "the key in `{}` cannot be used: it is damaged, or neither RSA, ECDSA (P-256, P-384, P-521) nor Ed25519",
        path.display()
    )]
    UnfitKey {
        /// The file of the key.
        path: PathBuf,
        /// The cause.
        source: rustls::Error,
    },
    /// The certificate is damaged, or of an unsupported kind.
    #[error("the certificate in `{}` cannot be used", path.display())]
    UnfitCertificate {
        /// The file of the certificate.
        path: PathBuf,
        /// The cause.
        source: rustls::Error,
    },
    /// TLS cannot be configured.
    #[error("the certificate and its key cannot be used")]
    Unfit(#[from] rustls::Error),
}

#[derive(Debug)]
struct Certificate {
    provider: Arc<CryptoProvider>,
    certificate_file: PathBuf,
    key_file: PathBuf,
    state: Mutex<CertificateState>,
}

#[derive(Debug)]
struct CertificateState {
    current: Arc<CertifiedKey>,
    /// Modification times of the files, where known.
    modified: [Option<SystemTime>; 2],
    checked: Instant,
    is_being_checked: bool,
}

impl Tls {
    /// Reads a certificate, followed by its intermediate certificates, and its private key.
    ///
    /// # Errors
    ///
    /// If the files cannot be read, or the key does not match the certificate.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), stateroom_server::TlsError> {
    /// let tls = stateroom_server::Tls::from_pem_files("cert.pem", "key.pem")?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_pem_files(certificate: impl AsRef<Path>, key: impl AsRef<Path>) -> Result<Self, TlsError> {
        let (certificate_file, key_file) = (certificate.as_ref().to_owned(), key.as_ref().to_owned());
        let provider = Arc::new(aws_lc_rs::default_provider());
        let modified = [modified(&certificate_file), modified(&key_file)];
        let current = Arc::new(read(&certificate_file, &key_file, &provider)?);
        let state =
            Mutex::new(CertificateState { current, modified, checked: Instant::now(), is_being_checked: false });
        let certificate = Arc::new(Certificate { provider: provider.clone(), certificate_file, key_file, state });
        let mut config = ServerConfig::builder_with_details(provider, Arc::new(Clock))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(certificate.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Tls { acceptor: TlsAcceptor::from(Arc::new(config)), certificate })
    }

    /// Reloads the files, whether they have changed or not.
    ///
    /// # Errors
    ///
    /// As [`from_pem_files`](Self::from_pem_files). The current certificate stays in use then.
    ///
    /// ```no_run
    /// # fn reload(tls: stateroom_server::Tls) -> Result<(), stateroom_server::TlsError> {
    /// tls.reload()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn reload(&self) -> Result<(), TlsError> {
        let Certificate { provider, certificate_file, key_file, state } = &*self.certificate;
        let modified = [modified(certificate_file), modified(key_file)];
        let current = Arc::new(read(certificate_file, key_file, provider)?);
        let mut state = state.lock();
        (state.current, state.modified, state.checked) = (current, modified, Instant::now());
        Ok(())
    }

    /// Checks from time to time whether the files have changed, and reloads them. Not on this thread: the file system may not
    /// answer.
    fn refresh(&self) {
        {
            let mut state = self.certificate.state.lock();
            if state.is_being_checked || state.checked.elapsed() < CHECK_INTERVAL {
                return;
            }
            state.checked = Instant::now();
            state.is_being_checked = true;
        }
        let tls = self.clone();
        tokio::task::spawn_blocking(move || {
            tls.reload_if_modified();
            tls.certificate.state.lock().is_being_checked = false;
        });
    }

    fn reload_if_modified(&self) {
        let Certificate { certificate_file, key_file, state, .. } = &*self.certificate;
        let found = [modified(certificate_file), modified(key_file)];
        if state.lock().modified == found {
            return;
        }
        match self.reload() {
            Ok(()) => tracing::info!("certificate reloaded"),
            // One file may be written before the other: the next check retries.
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "failed to reload the certificate; the current one stays in use"
            ),
        }
    }

    /// Performs the TLS handshake of an accepted connection.
    pub(crate) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> io::Result<TlsStream<S>> {
        self.refresh();
        self.acceptor.accept(stream).await
    }
}

/// The time for TLS, unless the clock is not set.
#[derive(Debug)]
struct Clock;

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        clock::is_set().then(UnixTime::now)
    }
}

fn read(certificate: &Path, key: &Path, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let chain = read_pem(certificate, "certificate", Content::Certificate, Wanted::Certificate, |text| {
        let chain = CertificateDer::pem_slice_iter(text).collect::<Result<Vec<_>, _>>()?;
        if chain.is_empty() { Err(pem::Error::NoItemsFound) } else { Ok(chain) }
    })?;
    let private = read_pem(key, "private key", Content::PrivateKey, Wanted::PrivateKey, PrivateKeyDer::from_pem_slice)?;
    warn_if_invalid_now(certificate, &chain);
    let private = provider.key_provider.load_private_key(private);
    let private = private.map_err(|source| TlsError::UnfitKey { path: key.to_owned(), source })?;
    let certified = CertifiedKey::new(chain, private);
    match certified.keys_match() {
        // Not every kind of key can tell.
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(certified),
        Err(rustls::Error::InconsistentKeys(_)) => {
            Err(TlsError::Mismatch { certificate: certificate.to_owned(), key: key.to_owned() })
        }
        Err(source) => Err(TlsError::UnfitCertificate { path: certificate.to_owned(), source }),
    }
}

fn read_pem<T>(
    path: &Path,
    what: &'static str,
    content: Content,
    wanted: Wanted,
    parse: impl Fn(&[u8]) -> Result<T, pem::Error>,
) -> Result<T, TlsError> {
    let failed = |source| TlsError::Pem { path: path.to_owned(), what, source };
    let bytes = stateroom_file::read(path, MAX_FILE_BYTES).map_err(|error| failed(pem::Error::Io(error)))?;
    let damaged = |problem| TlsError::Damaged { path: path.to_owned(), what, problem };
    parse(&clean(&bytes)).map_err(|error| match (Content::of(&bytes), error) {
        (found, pem::Error::MissingSectionEnd { .. }) if found == content => {
            damaged("a line `-----END ...-----` is missing, so the file may be cut off")
        }
        (found, pem::Error::IllegalSectionStart { .. }) if found == content => {
            damaged("a line `-----BEGIN ...-----` does not end with `-----`")
        }
        (found, error) if found == content => failed(error),
        (found, _) => {
            let (found, advice) = (found.noun(), found.advice(wanted));
            TlsError::WrongContent { path: path.to_owned(), what, found, advice }
        }
    })
}

/// Warns about certificates that clients do not accept today.
fn warn_if_invalid_now(path: &Path, chain: &[CertificateDer<'_>]) {
    if !clock::is_set() {
        return;
    }
    for (index, certificate) in chain.iter().enumerate() {
        if let Some(problem) = validity_problem(certificate, UnixTime::now()) {
            let name = if index == 0 { "the certificate" } else { "an intermediate certificate" };
            tracing::warn!("{name} in `{}` {problem}: clients reject it", path.display());
        }
    }
}

/// Returns why a certificate is not valid at a time.
fn validity_problem(certificate: &CertificateDer<'_>, now: UnixTime) -> Option<String> {
    const DAY: u64 = 24 * 60 * 60;
    let parsed = ParsedCertificate::try_from(certificate).ok()?;
    // Verification checks the time first. Without roots, it fails in any case.
    let result = verify_server_cert_signed_by_trust_anchor(&parsed, &RootCertStore::empty(), &[], now, &[]);
    match result {
        Err(rustls::Error::InvalidCertificate(CertificateError::ExpiredContext { time, not_after })) => {
            Some(format!("expired {} days ago", time.as_secs().saturating_sub(not_after.as_secs()) / DAY))
        }
        Err(rustls::Error::InvalidCertificate(CertificateError::NotValidYetContext { time, not_before })) => {
            let days = not_before.as_secs().saturating_sub(time.as_secs()) / DAY;
            Some(format!("is not valid for another {days} days (is the clock right?)"))
        }
        _ => None,
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|metadata| metadata.modified()).ok()
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.state.lock().current.clone())
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Tls")
            .field("certificate_file", &self.certificate.certificate_file)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    #[test]
    fn a_certificate_is_valid_between_its_dates() {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        for (days, problem) in [
            (18_262 - 10, Some("is not valid for another 10 days (is the clock right?)")),
            (18_262 + 1, None),
            (18_628 - 1, None),
            (18_628 + 3, Some("expired 3 days ago")),
        ] {
            let now = UnixTime::since_unix_epoch(Duration::from_secs(days * 24 * 60 * 60));
            assert_eq!(validity_problem(certificate.der(), now).as_deref(), problem, "{days}");
        }
    }
}
