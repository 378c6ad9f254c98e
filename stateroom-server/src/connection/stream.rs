//! The stream of a connection: a plain TCP socket, which the room may write to as well, or anything else (TLS, a pipe in a
//! test), which only the connection uses.
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
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

#[cfg(feature = "tls")]
use tokio_rustls::server::TlsStream;

use crate::{socket_options::set_socket_options, timeout_socket::TimeoutSocket};

/// The stream of a connection.
#[derive(Debug)]
pub(crate) enum Stream {
    /// A plain TCP socket.
    Tcp { read: OwnedReadHalf, write: Arc<OwnedWriteHalf> },
    /// TLS of our own server.
    #[cfg(feature = "tls")]
    Tls(Box<TlsStream<TimeoutSocket>>),
    /// Anything else.
    Other(TokioIo<Upgraded>),
}

impl Stream {
    /// Takes the stream out of an upgraded HTTP connection, and the bytes that it had read ahead.
    pub(crate) fn from_upgraded(upgraded: Upgraded) -> (Self, Vec<u8>) {
        // Our own server wraps its sockets with a timeout; `axum::serve` wraps them to detect HTTP/2.
        #[cfg(feature = "tls")]
        let upgraded = match upgraded.downcast::<TokioIo<TlsStream<TimeoutSocket>>>() {
            Ok(parts) => {
                let mut stream = parts.io.into_inner();
                // A WebSocket has a heartbeat instead.
                stream.get_mut().0.disable_timeout();
                return (Stream::Tls(Box::new(stream)), parts.read_buf.to_vec());
            }
            Err(upgraded) => upgraded,
        };
        let (tcp, ahead) = match upgraded.downcast::<TokioIo<TimeoutSocket>>() {
            Ok(parts) => (parts.io.into_inner().into_inner(), parts.read_buf),
            Err(upgraded) => match auto::upgrade::downcast::<TokioIo<TcpStream>>(upgraded) {
                Ok(parts) => (parts.io.into_inner(), parts.read_buf),
                Err(upgraded) => return (Stream::Other(TokioIo::new(upgraded)), Vec::new()),
            },
        };
        set_socket_options(&tcp);
        let (read, write) = tcp.into_split();
        // Copied because it shares the HTTP connection's whole buffer.
        (Stream::Tcp { read, write: Arc::new(write) }, ahead.to_vec())
    }

    /// Returns the writing half of a plain TCP socket.
    pub(crate) fn socket(&self) -> Option<Arc<OwnedWriteHalf>> {
        match self {
            Stream::Tcp { write, .. } => Some(write.clone()),
            #[cfg(feature = "tls")]
            Stream::Tls(_) => None,
            Stream::Other(_) => None,
        }
    }

    /// Reads into `buffer`. Returns 0 at the end of the stream.
    pub(crate) fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        // Tokio knows that a read that does not fill the buffer has emptied the socket: the next one waits without a system
        // call.
        match self {
            Stream::Tcp { read, .. } => ready!(Pin::new(read).poll_read(context, &mut buffer))?,
            #[cfg(feature = "tls")]
            Stream::Tls(stream) => ready!(Pin::new(stream).poll_read(context, &mut buffer))?,
            Stream::Other(stream) => ready!(Pin::new(stream).poll_read(context, &mut buffer))?,
        }
        Poll::Ready(Ok(buffer.filled().len()))
    }

    /// Writes from `slices`.
    pub(crate) fn poll_write(&mut self, context: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match self {
            Stream::Tcp { write, .. } => loop {
                ready!(TcpStream::poll_write_ready((**write).as_ref(), context))?;
                match write.try_write_vectored(slices) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    result => return Poll::Ready(result),
                }
            },
            #[cfg(feature = "tls")]
            Stream::Tls(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Stream::Other(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    /// Flushes the layers below.
    pub(crate) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Stream::Tcp { .. } => Poll::Ready(Ok(())),
            #[cfg(feature = "tls")]
            Stream::Tls(stream) => Pin::new(stream).poll_flush(context),
            Stream::Other(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    /// Shuts the writing side down. Reading continues. May be called again.
    pub(crate) fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Stream::Tcp { write, .. } => {
                let socket: &TcpStream = (**write).as_ref();
                Poll::Ready(SockRef::from(socket).shutdown(Shutdown::Write))
            }
            #[cfg(feature = "tls")]
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Other(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
