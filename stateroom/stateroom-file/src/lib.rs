//! Reading files that a user names: a module, a key, a configuration.
//!
//! Named pipes are read, because shells make them for `<(command)`, but nobody is waited for longer than [`PIPE_TIMEOUT`].
//! Directories, devices and sockets are errors.
//!
//! *Invariant:* the kind of a file is that of the opened file, so that it cannot change between the check and the use.
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    time::Duration,
};

/// Maximum time for a pipe to be written and closed.
pub const PIPE_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens a regular file for reading, without waiting for anything.
///
/// # Errors
///
/// If the file cannot be opened, or is not a regular file.
pub fn open_regular(path: &Path) -> io::Result<File> {
    let file = open_without_waiting(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_file() { Ok(file) } else { Err(unfit(kind)) }
}

/// Reads a regular file, or a pipe that is written within [`PIPE_TIMEOUT`].
///
/// # Errors
///
/// If the file cannot be read, is of another kind, or is longer than `max_bytes`.
pub fn read(path: &Path, max_bytes: usize) -> io::Result<Vec<u8>> {
    let file = open_without_waiting(path)?;
    let kind = file.metadata()?.file_type();
    let bytes = if is_pipe(kind) {
        read_pipe(file, max_bytes, PIPE_TIMEOUT)?
    } else if kind.is_file() {
        let mut bytes = Vec::new();
        file.take(beyond(max_bytes)).read_to_end(&mut bytes)?;
        bytes
    } else {
        return Err(unfit(kind));
    };
    if bytes.len() > max_bytes {
        let problem = format!("it is longer than {max_bytes} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, problem));
    }
    Ok(bytes)
}

/// The length at which a file is known to be too long.
fn beyond(max_bytes: usize) -> u64 {
    (max_bytes as u64).saturating_add(1)
}

fn unfit(kind: std::fs::FileType) -> io::Error {
    if kind.is_dir() {
        return io::Error::new(io::ErrorKind::IsADirectory, "it is a directory");
    }
    let noun = if is_pipe(kind) { "a pipe" } else { "a device or a socket" };
    io::Error::new(io::ErrorKind::InvalidInput, format!("it is not a regular file, but {noun}"))
}

#[cfg(unix)]
fn open_without_waiting(path: &Path) -> io::Result<File> {
    use std::{fs::OpenOptions, os::unix::fs::OpenOptionsExt};

    use rustix::fs::OFlags;

    // Not the controlling terminal either.
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    OpenOptions::new().read(true).custom_flags(i32::try_from(flags.bits()).unwrap_or_default()).open(path)
}

#[cfg(not(unix))]
fn open_without_waiting(path: &Path) -> io::Result<File> {
    File::open(path)
}

#[cfg(unix)]
fn is_pipe(kind: std::fs::FileType) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&kind)
}

#[cfg(not(unix))]
fn is_pipe(_: std::fs::FileType) -> bool {
    false
}

/// Reads a pipe until its writers close it.
#[cfg(unix)]
fn read_pipe(mut pipe: File, max_bytes: usize, timeout: Duration) -> io::Result<Vec<u8>> {
    use std::time::Instant;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let deadline = Instant::now() + timeout;
    let mut bytes = Vec::new();
    loop {
        let rest = deadline.saturating_duration_since(Instant::now());
        let rest = Timespec::try_from(rest).map_err(io::Error::other)?;
        // A pipe without a writer has nothing to report until one comes.
        match poll(&mut [PollFd::new(&pipe, PollFlags::IN)], Some(&rest)) {
            Ok(0) => {
                let problem = format!("the pipe was not written and closed within {} s", timeout.as_secs());
                return Err(io::Error::new(io::ErrorKind::TimedOut, problem));
            }
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        let room = beyond(max_bytes).saturating_sub(bytes.len() as u64);
        match pipe.by_ref().take(room).read_to_end(&mut bytes) {
            Ok(_) => return Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(not(unix))]
fn read_pipe(_: File, _: usize, _: Duration) -> io::Result<Vec<u8>> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::{fs, io::Write, process::Command, thread};

    use super::*;

    fn fifo(directory: &Path) -> std::path::PathBuf {
        let path = directory.join("fifo");
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    }

    #[test]
    fn regular_files_of_a_bounded_length_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, "1234").unwrap();
        assert_eq!(read(&path, 4).unwrap(), b"1234");
        assert_eq!(read(&path, 3).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert!(open_regular(&path).is_ok());
        assert_eq!(read(&directory.path().join("none"), 3).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn other_kinds_of_files_are_errors() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(read(directory.path(), 3).unwrap_err().kind(), io::ErrorKind::IsADirectory);
        for device in ["/dev/zero", "/dev/tty", "/dev/null"] {
            assert!(read(Path::new(device), 3).is_err() && open_regular(Path::new(device)).is_err(), "{device}");
        }
        assert!(open_regular(&fifo(directory.path())).unwrap_err().to_string().contains("a pipe"));
    }

    #[test]
    fn a_pipe_is_read_until_it_is_closed() {
        let directory = tempfile::tempdir().unwrap();
        let path = fifo(directory.path());
        let writer = {
            let path = path.clone();
            thread::spawn(move || {
                let mut pipe = fs::OpenOptions::new().write(true).open(path).unwrap();
                for _ in 0..3 {
                    pipe.write_all(&[b'x'; 100_000]).unwrap();
                }
            })
        };
        assert_eq!(read(&path, 300_000).unwrap().len(), 300_000);
        writer.join().unwrap();
    }

    #[test]
    fn a_pipe_that_nobody_writes_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = open_without_waiting(&fifo(directory.path())).unwrap();
        let error = read_pipe(pipe, 3, Duration::from_millis(1)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
