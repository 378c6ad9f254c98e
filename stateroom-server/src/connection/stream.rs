//! The two kinds of what a connection runs over: a plain TCP socket, which the room may write to as well, and anything
//! else (TLS, a pipe in a test), which is the connection's alone.
use std::{
    io::{self, IoSlice},
    net::Shutdown,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use hyper::upgrade::Upgraded;
use hyper_util::{rt::TokioIo, server::conn::auto};
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// What a connection runs over.
#[derive(Debug)]
pub(crate) enum Stream {
    /// A plain TCP socket.
    Tcp(Arc<TcpStream>),
    /// Anything else.
    Other(TokioIo<Upgraded>),
}

impl Stream {
    /// Takes out of an upgraded HTTP connection what it runs over, and what it had read ahead.
    pub(crate) fn from_upgraded(upgraded: Upgraded) -> (Self, Vec<u8>) {
        // Our own server leaves the socket as it is; `axum::serve` has looked whether HTTP/2 is spoken on it.
        let (tcp, ahead) = match upgraded.downcast::<TokioIo<TcpStream>>() {
            Ok(parts) => (parts.io.into_inner(), parts.read_buf),
            Err(upgraded) => match auto::upgrade::downcast::<TokioIo<TcpStream>>(upgraded) {
                Ok(parts) => (parts.io.into_inner(), parts.read_buf),
                Err(upgraded) => return (Stream::Other(TokioIo::new(upgraded)), Vec::new()),
            },
        };
        if let Err(error) = tcp.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY cannot be set");
        }
        // Copied, as it holds on to the HTTP connection's whole buffer.
        (Stream::Tcp(Arc::new(tcp)), ahead.to_vec())
    }

    /// The socket, if it is a plain one.
    pub(crate) fn socket(&self) -> Option<Arc<TcpStream>> {
        match self {
            Stream::Tcp(socket) => Some(socket.clone()),
            Stream::Other(_) => None,
        }
    }

    /// Reads into `buffer`; 0 is the end.
    pub(crate) fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            Stream::Tcp(socket) => loop {
                ready!(socket.poll_read_ready(context))?;
                match socket.try_read(buffer) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    result => return Poll::Ready(result),
                }
            },
            Stream::Other(stream) => {
                let mut buffer = ReadBuf::new(buffer);
                ready!(Pin::new(stream).poll_read(context, &mut buffer))?;
                Poll::Ready(Ok(buffer.filled().len()))
            }
        }
    }

    /// Writes from `slices`.
    pub(crate) fn poll_write(&mut self, context: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match self {
            Stream::Tcp(socket) => loop {
                ready!(socket.poll_write_ready(context))?;
                match socket.try_write_vectored(slices) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    result => return Poll::Ready(result),
                }
            },
            Stream::Other(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    /// Sends on what the layers below have kept back.
    pub(crate) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Stream::Tcp(_) => Poll::Ready(Ok(())),
            Stream::Other(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    /// Says that nothing more will be written; the other side can still be heard. May be said again.
    pub(crate) fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Stream::Tcp(socket) => Poll::Ready(SockRef::from(&**socket).shutdown(Shutdown::Write)),
            Stream::Other(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
