//! A TCP socket with a write timeout, for HTTP responses. WebSockets have a heartbeat instead.
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
    time::Sleep,
};

use crate::settings::Limit;

/// A TCP socket whose writes fail after a timeout.
#[derive(Debug)]
pub(crate) struct TimeoutSocket {
    socket: TcpStream,
    timeout: Option<Duration>,
    /// Created when a write has to wait, which is rare.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl TimeoutSocket {
    pub(crate) fn new(socket: TcpStream, timeout: Duration) -> Self {
        TimeoutSocket { socket, timeout: Some(timeout), sleep: None }
    }

    /// Disables the timeout.
    #[cfg(feature = "tls")]
    pub(crate) fn disable_timeout(&mut self) {
        (self.timeout, self.sleep) = (None, None);
    }

    /// Returns the socket itself.
    pub(crate) fn into_inner(self) -> TcpStream {
        self.socket
    }

    fn check_timeout<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.sleep = None;
            return written;
        }
        let Some(timeout) = self.timeout else { return Poll::Pending };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
        if sleep.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        Limit::ResponseTime.exceeded();
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client did not read the response in time")))
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
        this.check_timeout(written, context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.socket).poll_write_vectored(context, slices);
        this.check_timeout(written, context)
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
