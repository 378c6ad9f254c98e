//! The command under measurement, in a process of its own.
use std::{
    fs,
    io::{self, BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    thread,
};

use super::Subject;

/// `stateroom serve`, from its start to its end.
pub(crate) struct Served {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Served {
    /// Serves with these flags, on two workers.
    pub(crate) fn start(subject: &Subject, flags: &[&str]) -> io::Result<Self> {
        let mut child = Command::new(&subject.program)
            .arg("serve")
            .arg(&subject.module)
            .args(["--ip", "127.0.0.1", "--port", "0"])
            .args(flags)
            .env("TOKIO_WORKER_THREADS", "2")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let log = child.stderr.take().map(BufReader::new);
        let mut served = Served { child, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        let mut log = log.ok_or_else(|| io::Error::other("the server has no log"))?;
        let mut said = String::new();
        while log.read_line(&mut said)? > 0 {
            let address = said.lines().last().and_then(|line| line.split("listening on http://").nth(1));
            if let Some(address) = address {
                served.address = address.trim().parse().map_err(io::Error::other)?;
                // It is to be read, or the server would wait; it is of no interest.
                thread::spawn(move || io::copy(&mut log, &mut io::sink()));
                return Ok(served);
            }
        }
        Err(io::Error::other(format!("the server does not listen:\n{said}")))
    }

    /// How much memory it has.
    pub(crate) fn memory(&self) -> io::Result<Memory> {
        let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id()))?;
        let line = |name: &str| {
            let number =
                text.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB")?.parse().ok());
            number.ok_or_else(|| io::Error::other("the system does not tell how much memory the server has"))
        };
        Ok(Memory { resident: line("Rss:")?, proportional: line("Pss:")? })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // That it has ended by itself is seen by its clients.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How much memory a process has, in KiB. The system's memory for its sockets is not in it.
pub(crate) struct Memory {
    /// A page that is mapped twice counts twice: the image that guests begin from is, once a guest.
    pub(crate) resident: f64,
    /// It counts once.
    pub(crate) proportional: f64,
}

impl Memory {
    /// What came on top of this, for each of so many.
    pub(crate) fn growth(&self, now: &Memory, count: usize) -> Memory {
        let each = |before: f64, now: f64| (now - before) / count as f64;
        Memory { resident: each(self.resident, now.resident), proportional: each(self.proportional, now.proportional) }
    }
}
