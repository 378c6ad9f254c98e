//! The server process under measurement.
use std::{
    fs,
    io::{self, BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    thread,
};

use super::Target;

/// A running `stateroom serve` process, killed on drop.
pub(crate) struct ServerProcess {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl ServerProcess {
    /// Starts the server with the given flags and two worker threads, and waits until it listens.
    pub(crate) fn start(target: &Target, flags: &[&str]) -> io::Result<Self> {
        let mut child = Command::new(&target.program)
            .arg("serve")
            .arg(&target.module)
            .args(["--ip", "127.0.0.1", "--port", "0"])
            .args(flags)
            .env("TOKIO_WORKER_THREADS", "2")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let log = child.stderr.take().map(BufReader::new);
        let mut server = ServerProcess { child, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        let mut log = log.ok_or_else(|| io::Error::other("failed to capture the log of the server"))?;
        let mut output = String::new();
        while log.read_line(&mut output)? > 0 {
            let address = output.lines().last().and_then(|line| line.split("listening on http://").nth(1));
            if let Some(address) = address {
                server.address = address.trim().parse().map_err(io::Error::other)?;
                // Drains the log, because a full pipe would block the server.
                thread::spawn(move || io::copy(&mut log, &mut io::sink()));
                return Ok(server);
            }
        }
        Err(io::Error::other(format!("the server exited before it listened:\n{output}")))
    }

    /// Returns the current memory use of the process.
    pub(crate) fn memory(&self) -> io::Result<Memory> {
        let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id()))?;
        let line = |name: &str| {
            let number =
                text.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB")?.parse().ok());
            number.ok_or_else(|| io::Error::other("failed to read the memory use of the server from `smaps_rollup`"))
        };
        Ok(Memory { resident: line("Rss:")?, proportional: line("Pss:")? })
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // The clients detect a server that exited early.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Memory use of a process, in KiB. Excludes kernel memory for sockets.
pub(crate) struct Memory {
    /// Counts a page once per mapping. The initial memory image of guests is mapped once per guest.
    pub(crate) resident: f64,
    /// Counts a page once.
    pub(crate) proportional: f64,
}

impl Memory {
    /// Returns the growth from `self` to `now`, divided by `count`.
    pub(crate) fn growth(&self, now: &Memory, count: usize) -> Memory {
        let each = |before: f64, now: f64| (now - before) / count as f64;
        Memory { resident: each(self.resident, now.resident), proportional: each(self.proportional, now.proportional) }
    }
}
