//! A socket that gives up on a client which takes nothing of what it is sent.
//!
//! For HTTP alone: a WebSocket has its heartbeat.
use std::{
    future::Future,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Sleep, sleep},
};

use crate::settings::Limit;

/// A TCP socket whose writes fail when they have waited for too long.
#[derive(Debug)]
pub(crate) struct TimeoutSocket {
    socket: TcpStream,
    longest: Option<Duration>,
    /// Made when a write has to wait, which most never do.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl TimeoutSocket {
    pub(crate) fn new(socket: TcpStream, longest: Duration) -> Self {
        TimeoutSocket { socket, longest: Some(longest), alarm: None }
    }

    /// From now on it may wait for as long as it likes: something else looks after the client.
    #[cfg(feature = "tls")]
    pub(crate) fn disable_timeout(&mut self) {
        (self.longest, self.alarm) = (None, None);
    }

    /// The socket itself.
    pub(crate) fn into_inner(self) -> TcpStream {
        self.socket
    }

    fn watch<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.alarm = None;
            return written;
        }
        let Some(longest) = self.longest else { return Poll::Pending };
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep(longest)));
        if alarm.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        Limit::ResponseTime.exceeded();
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes nothing of its response")))
    }
}

impl AsyncRead for TimeoutSocket {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_read(context, buffer)
    }
}

impl AsyncWrite for TimeoutSocket {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.socket).poll_write(context, bytes);
        this.watch(written, context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.socket).poll_write_vectored(context, slices);
        this.watch(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(context)
    }
}
