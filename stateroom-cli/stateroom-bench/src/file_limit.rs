//! A connection is a file descriptor, and a process may have so many.
use anyhow::Result;

/// What the process has open besides its connections.
#[cfg(unix)]
const BESIDES: u64 = 64;

/// Sees to it that so many connections can be open.
///
/// # Errors
///
/// Where the system does not allow it, with what to do.
#[cfg(unix)]
pub(crate) fn allow(connections: u32) -> Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let needed = u64::from(connections) + BESIDES;
    let limit = getrlimit(Resource::Nofile);
    let suffices = |limit: Option<u64>| limit.is_none_or(|limit| limit >= needed);
    if suffices(limit.current) {
        return Ok(());
    }
    if !suffices(limit.maximum) {
        let most = limit.maximum.unwrap_or_default();
        anyhow::bail!(
            "{connections} connections need {needed} open files, and this process may have {most}\n  \
             hint: raise the limit, as root, with `ulimit -Hn {needed}`, or ask for fewer connections"
        );
    }
    let raised = Rlimit { current: Some(needed), maximum: limit.maximum };
    setrlimit(Resource::Nofile, raised).map_err(|error| anyhow::anyhow!("cannot have {needed} files open: {error}"))
}

/// Other systems have no such limit.
#[cfg(not(unix))]
pub(crate) fn allow(_connections: u32) -> Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_is_more_than_the_system_allows_is_refused_with_what_to_do() {
        assert!(allow(1).is_ok());
        if rustix::process::getrlimit(rustix::process::Resource::Nofile)
            .maximum
            .is_some_and(|most| most < u64::from(u32::MAX))
        {
            assert!(allow(u32::MAX).unwrap_err().to_string().contains("ulimit"));
        }
    }
}
