//! The file system as static files see it: one directory and what is below it.
//!
//! *Invariant:* only regular files and directories whose real path is below the root are opened, and none with a name that begins
//! with a dot, except for `/.well-known`. Opening waits for nothing, such as the writer of a pipe.
use std::{
    ffi::OsStr,
    fs, io,
    path::{Component, Path, PathBuf},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::SystemTime,
};

use futures_util::future::BoxFuture;
use tokio::{
    io::{AsyncRead, AsyncSeek, ReadBuf},
    task::spawn_blocking,
};
use tower_http::services::fs::{Backend, File, Metadata};

use crate::clock::is_expressible;

/// The directory of hidden names that are public: RFC 8615.
const WELL_KNOWN: &str = ".well-known";

/// Returns whether a path below a directory of static files is not served because of its name: one that begins with a dot, such as
/// `.env` or `.git`, except for `.well-known`.
///
/// ```
/// use std::path::Path;
///
/// assert!(stateroom_server::is_hidden_file(Path::new(".git/config")));
/// assert!(!stateroom_server::is_hidden_file(Path::new(".well-known/security.txt")));
/// ```
pub fn is_hidden_file(relative: &Path) -> bool {
    let names = relative.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name),
        _ => None,
    });
    names
        .enumerate()
        .any(|(depth, name)| name.as_encoded_bytes().starts_with(b".") && (depth > 0 || name != OsStr::new(WELL_KNOWN)))
}

/// The files below a directory.
#[derive(Debug, Clone)]
pub(super) struct FilesBelow {
    root: Arc<Path>,
    /// Whether a link that leads out was reported.
    has_warned: Arc<AtomicBool>,
}

impl FilesBelow {
    pub(super) fn new(root: &str) -> Self {
        FilesBelow { root: Path::new(root).into(), has_warned: Arc::default() }
    }

    /// Returns the real path of a file, by its path relative to the root.
    fn find(&self, named: &Path) -> io::Result<PathBuf> {
        // Each time: the directory may have been replaced by another.
        let root = fs::canonicalize(&self.root)?;
        let real = fs::canonicalize(root.join(named))?;
        match real.strip_prefix(&root) {
            Ok(relative) if !is_hidden_file(relative) && !is_hidden_file(named) => return Ok(real),
            // Clients may ask for it as often as they like.
            Err(_) if !self.has_warned.swap(true, Ordering::Relaxed) => {
                let file = self.root.join(named);
                tracing::warn!("`{}` is not served: it leads out of the directory of static files", file.display());
            }
            _ => tracing::debug!(path = %named.display(), "a static file is not served: it is hidden, or leads out"),
        }
        Err(io::ErrorKind::NotFound.into())
    }
}

impl Backend for FilesBelow {
    type File = OpenFile;
    type Metadata = FileMetadata;
    type OpenFuture = BoxFuture<'static, io::Result<OpenFile>>;
    type MetadataFuture = BoxFuture<'static, io::Result<FileMetadata>>;

    fn open(&self, path: PathBuf) -> Self::OpenFuture {
        let files = self.clone();
        Box::pin(async move {
            // Pipes and devices are not found, as they are nothing to serve.
            let open = move || stateroom_file::open_regular(&files.find(&path)?);
            match spawn_blocking(open).await? {
                Ok(file) => Ok(OpenFile(tokio::fs::File::from_std(file))),
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => Err(io::ErrorKind::NotFound.into()),
                Err(error) => Err(error),
            }
        })
    }

    fn metadata(&self, path: PathBuf) -> Self::MetadataFuture {
        let files = self.clone();
        Box::pin(async move {
            let found = spawn_blocking(move || fs::metadata(files.find(&path)?)).await??;
            if found.is_file() || found.is_dir() {
                Ok(FileMetadata(found))
            } else {
                Err(io::ErrorKind::NotFound.into())
            }
        })
    }
}

/// A file that is sent.
pub(super) struct OpenFile(tokio::fs::File);

impl AsyncRead for OpenFile {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncSeek for OpenFile {
    fn start_seek(mut self: Pin<&mut Self>, position: io::SeekFrom) -> io::Result<()> {
        Pin::new(&mut self.0).start_seek(position)
    }

    fn poll_complete(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Pin::new(&mut self.0).poll_complete(context)
    }
}

impl File for OpenFile {
    type Metadata = FileMetadata;
    type MetadataFuture<'a> = BoxFuture<'a, io::Result<FileMetadata>>;

    fn metadata(&self) -> Self::MetadataFuture<'_> {
        Box::pin(async move { self.0.metadata().await.map(FileMetadata) })
    }
}

/// The metadata of a file.
pub(super) struct FileMetadata(fs::Metadata);

impl Metadata for FileMetadata {
    fn is_dir(&self) -> bool {
        self.0.is_dir()
    }

    /// Returns the time, unless there is no HTTP date for it, which formatting would panic about.
    fn modified(&self) -> io::Result<SystemTime> {
        let modified = self.0.modified()?;
        if is_expressible(modified) { Ok(modified) } else { Err(io::ErrorKind::Unsupported.into()) }
    }

    fn len(&self) -> u64 {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_a_dot_are_hidden() {
        for (path, expected) in [
            ("index.html", false),
            ("a.b/c", false),
            (".well-known/security.txt", false),
            (".well-known/.env", true),
            ("a/.well-known/x", true),
            (".env", true),
            (".git/config", true),
            ("a/.htaccess", true),
            ("", false),
            ("./.well-known/x", false),
            ("./a", false),
        ] {
            assert_eq!(is_hidden_file(Path::new(path)), expected, "{path}");
        }
    }
}
