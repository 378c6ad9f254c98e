//! The options of a client's TCP socket.
use socket2::SockRef;
use tokio::net::TcpStream;

/// Maximum number of bytes that the kernel holds for a client and has not sent, from which on the socket accepts no more.
///
/// Without it, a socket whose send buffer has grown to megabytes becomes writable again only when a third of the buffer is
/// free, so a client that reads slowly and steadily seems to accept nothing for minutes.
#[cfg(any(target_os = "linux", target_os = "android"))]
const MAX_UNSENT_BYTES: u32 = 128 << 10;

/// Sets the options of a client's socket: small messages are sent at once, and progress shows soon.
pub(crate) fn set_socket_options(socket: &TcpStream) {
    let nodelay = socket.set_nodelay(true);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let nodelay = nodelay.and_then(|()| SockRef::from(socket).set_tcp_notsent_lowat(MAX_UNSENT_BYTES));
    if let Err(error) = nodelay {
        tracing::debug!(%error, "failed to set the options of a client's socket");
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn limits_unsent_bytes_and_sends_at_once() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let socket = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        set_socket_options(&socket);
        assert!(socket.nodelay().unwrap());
        assert_eq!(SockRef::from(&socket).tcp_notsent_lowat().unwrap(), MAX_UNSENT_BYTES);
    }
}
