//! The limit of open files: each connection is a file descriptor.
use crate::error::Error;

/// Number of files that the process has open besides its connections.
#[cfg(unix)]
const OTHER_FILES: u64 = 64;

/// Raises the limit of open files if this number of connections requires it.
///
/// # Errors
///
/// Fails if the system does not allow it.
#[cfg(unix)]
pub(crate) fn raise_file_limit(connections: u32) -> Result<(), Error> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let required = u64::from(connections) + OTHER_FILES;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|limit| limit >= required) {
        return Ok(());
    }
    match limit.maximum {
        Some(limit) if limit < required => Err(Error::FileLimit { connections, required, limit }),
        maximum => setrlimit(Resource::Nofile, Rlimit { current: Some(required), maximum })
            .map_err(|error| Error::RaiseFileLimit { required, source: error.into() }),
    }
}

/// Does nothing: other systems have no such limit.
#[cfg(not(unix))]
pub(crate) fn raise_file_limit(_connections: u32) -> Result<(), Error> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use rustix::process::{Resource, getrlimit};

    use super::*;

    #[test]
    fn rejects_more_connections_than_the_system_allows() {
        assert!(raise_file_limit(1).is_ok());
        if getrlimit(Resource::Nofile).maximum.is_some_and(|limit| limit < u64::from(u32::MAX)) {
            assert!(raise_file_limit(u32::MAX).unwrap_err().to_string().contains("ulimit"));
        }
    }
}
