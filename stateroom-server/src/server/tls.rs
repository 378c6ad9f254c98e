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
        self, ServerConfig,
        crypto::{CryptoProvider, aws_lc_rs},
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
        server::{ClientHello, ResolvesServerCert},
        sign::CertifiedKey,
    },
    server::TlsStream,
};

/// Minimum time between two checks whether the files have changed.
const CHECK_INTERVAL: Duration = Duration::from_secs(10);

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
        source: rustls::pki_types::pem::Error,
    },
    /// The certificate and the key do not match, or are of an unsupported kind.
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
        let state = Mutex::new(CertificateState { current, modified, checked: Instant::now() });
        let certificate = Arc::new(Certificate { provider: provider.clone(), certificate_file, key_file, state });
        let mut config = ServerConfig::builder_with_provider(provider)
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
        *state.lock() = CertificateState { current, modified, checked: Instant::now() };
        Ok(())
    }

    /// Reloads the files if they have changed.
    fn refresh(&self) {
        let Certificate { certificate_file, key_file, state, .. } = &*self.certificate;
        {
            let mut state = state.lock();
            if state.checked.elapsed() < CHECK_INTERVAL {
                return;
            }
            state.checked = Instant::now();
            if state.modified == [modified(certificate_file), modified(key_file)] {
                return;
            }
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

fn read(certificate: &Path, key: &Path, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let pem = |path: &Path, what| {
        let path = path.to_owned();
        move |source| TlsError::Pem { path, what, source }
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(|certificates| certificates.collect::<Result<Vec<_>, _>>())
        .and_then(|chain| if chain.is_empty() { Err(rustls::pki_types::pem::Error::NoItemsFound) } else { Ok(chain) })
        .map_err(pem(certificate, "certificate"))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(pem(key, "private key"))?;
    Ok(CertifiedKey::from_der(chain, key, provider)?)
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
