//! A server that the command runs.
use std::{
    net::SocketAddr,
    path::Path,
    process::{Command, ExitStatus, Stdio},
    sync::Arc,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::Child,
    sync::{Mutex, OwnedMutexGuard, mpsc},
    time::timeout,
};

use super::{Client, TIMEOUT, stateroom};

/// A server that the command runs, killed at the end of the test.
pub(crate) struct Serving {
    pub(crate) address: SocketAddr,
    child: Child,
    lines: mpsc::UnboundedReceiver<String>,
    /// Held while its stderr is read.
    reading: Arc<Mutex<()>>,
}

impl Serving {
    /// Serves on a free port of this machine.
    pub(crate) async fn start(module: &Path, arguments: &[&str]) -> Serving {
        let mut command = stateroom();
        command.arg("serve").arg(module).args(["--ip", "127.0.0.1", "--port", "0"]).args(arguments);
        Serving::run(command).await
    }

    /// Runs a command that serves, and waits until it listens.
    pub(crate) async fn run(command: Command) -> Serving {
        Serving::run_with(command, async |_: &mut Serving| ()).await.0
    }

    /// Runs a command that serves, with `before` reading its log until it listens.
    pub(crate) async fn run_with<T>(command: Command, before: impl AsyncFnOnce(&mut Serving) -> T) -> (Serving, T) {
        let mut command = tokio::process::Command::from(command);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, lines) = mpsc::unbounded_channel();
        let reading = Arc::new(Mutex::new(()));
        let is_read = reading.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = log.next_line().await {
                let _ = sender.send(line);
                let _read = is_read.lock().await;
            }
        });
        let mut serving = Serving { address: SocketAddr::from(([0, 0, 0, 0], 0)), child, lines, reading };
        let result = before(&mut serving).await;
        let line = serving.line("listening on http").await;
        // In JSON, a quotation mark follows.
        serving.address = line.rsplit("://").next().unwrap().split('"').next().unwrap().parse().unwrap();
        (serving, result)
    }

    /// Stops reading its stderr until the guard is dropped.
    pub(crate) async fn stop_reading(&self) -> OwnedMutexGuard<()> {
        self.reading.clone().lock_owned().await
    }

    /// Waits for a line on stderr that contains this text.
    pub(crate) async fn line(&mut self, part: &str) -> String {
        let mut seen = Vec::new();
        loop {
            match timeout(TIMEOUT, self.lines.recv()).await {
                Ok(Some(line)) if line.contains(part) => return line,
                Ok(Some(line)) => seen.push(line),
                Ok(None) => panic!("it exited without printing `{part}`: {seen:#?}"),
                Err(_) => panic!("it did not print `{part}`: {seen:#?}"),
            }
        }
    }

    /// Joins a room.
    pub(crate) async fn join(&self, room: &str) -> Client {
        Client::connect(&format!("ws://{}/ws/{room}", self.address)).await
    }

    /// Returns the head and body of the response to a GET.
    pub(crate) async fn get(&self, path: &str) -> String {
        self.get_at(self.address, path).await
    }

    /// As above, at another address.
    pub(crate) async fn get_at(&self, address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        timeout(TIMEOUT, stream.read_to_end(&mut answer)).await.expect("no answer").unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Returns the response to a raw request on a connection of its own.
    pub(crate) async fn answer(&self, request: &str) -> String {
        self.answer_at(self.address, request).await
    }

    /// As above, at another address.
    pub(crate) async fn answer_at(&self, address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(TIMEOUT, stream.read_to_string(&mut answer)).await.expect("no answer").unwrap();
        answer
    }

    /// Returns the first line of the response to a raw request.
    pub(crate) async fn first_line(&self, request: &str) -> String {
        let mut stream = BufReader::new(TcpStream::connect(self.address).await.unwrap());
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut line = String::new();
        timeout(TIMEOUT, stream.read_line(&mut line)).await.expect("no answer").unwrap();
        line.trim_end().to_owned()
    }

    /// Returns the ID of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().expect("it has ended")
    }

    /// Sends a signal, by name.
    pub(crate) fn signal(&self, name: &str) {
        let process = self.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &process]).status().unwrap().success());
    }

    /// Waits until the process exits.
    pub(crate) async fn end(mut self) -> ExitStatus {
        timeout(TIMEOUT, self.child.wait()).await.expect("it does not end").unwrap()
    }
}
