//! TLS: a certificate and its key, read from files, and read again when they change.
//!
//! *Invariant:* what cannot be used changes nothing: the certificate that is there goes on.
use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime},
};

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

use crate::lock;

/// How often, at most, it is looked whether the files have changed.
const LOOK: Duration = Duration::from_secs(10);

/// A certificate chain and its private key, in files in PEM. When they change, new connections are given the new ones within
/// some seconds; old ones stay.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    certificate: Arc<Certificate>,
}

/// Why a certificate cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read, or there is no such thing in it.
    #[error("`{}` has no {what} in PEM", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        what: &'static str,
        /// Why it was not found.
        source: rustls::pki_types::pem::Error,
    },
    /// They do not fit together, or are of a kind that is not known.
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
    /// When the files were last written, as far as is known.
    written: [Option<SystemTime>; 2],
    looked: Instant,
}

impl Tls {
    /// Reads a certificate, with those between it and its root behind it, and its private key.
    ///
    /// # Errors
    ///
    /// If the files cannot be read, or do not fit together.
    pub fn from_pem_files(certificate: impl AsRef<Path>, key: impl AsRef<Path>) -> Result<Self, TlsError> {
        let (certificate_file, key_file) = (certificate.as_ref().to_owned(), key.as_ref().to_owned());
        let provider = Arc::new(aws_lc_rs::default_provider());
        let written = [written(&certificate_file), written(&key_file)];
        let current = Arc::new(read(&certificate_file, &key_file, &provider)?);
        let state = Mutex::new(CertificateState { current, written, looked: Instant::now() });
        let certificate = Arc::new(Certificate { provider: provider.clone(), certificate_file, key_file, state });
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(certificate.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Tls { acceptor: TlsAcceptor::from(Arc::new(config)), certificate })
    }

    /// Reads the files again, whether they have changed or not.
    ///
    /// # Errors
    ///
    /// As [`from_pem_files`](Self::from_pem_files); then the certificate stays as it was.
    pub fn reload(&self) -> Result<(), TlsError> {
        let Certificate { provider, certificate_file, key_file, state } = &*self.certificate;
        let written = [written(certificate_file), written(key_file)];
        let current = Arc::new(read(certificate_file, key_file, provider)?);
        *lock(state) = CertificateState { current, written, looked: Instant::now() };
        Ok(())
    }

    /// Reads the files again if they have changed since.
    fn refresh(&self) {
        let Certificate { certificate_file, key_file, state, .. } = &*self.certificate;
        {
            let mut state = lock(state);
            if state.looked.elapsed() < LOOK {
                return;
            }
            state.looked = Instant::now();
            if state.written == [written(certificate_file), written(key_file)] {
                return;
            }
        }
        match self.reload() {
            Ok(()) => tracing::info!("the certificate has changed"),
            // One of them may have been written before the other: it is looked again.
            Err(error) => tracing::warn!(error = %error, "the certificate has changed, and the old one goes on"),
        }
    }

    /// The handshake, of a connection that has just been accepted.
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

fn written(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|metadata| metadata.modified()).ok()
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(lock(&self.state).current.clone())
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
