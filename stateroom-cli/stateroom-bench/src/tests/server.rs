//! Small WebSocket servers: an echo, a broadcast, and misbehaving ones.
use std::{future::pending, net::SocketAddr, ops::ControlFlow, sync::Arc};

use futures_util::{SinkExt, StreamExt};
use parking_lot::Mutex;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    sync::broadcast,
};
use tokio_tungstenite::{
    accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{ErrorResponse, Request, Response},
        http::StatusCode,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

/// Returns the answers to a text, or breaks to close the connection.
pub(crate) type Answer = dyn Fn(&str) -> ControlFlow<(), Vec<String>> + Send + Sync;

/// Behavior of a server.
#[derive(Clone)]
pub(crate) enum Service {
    /// Answers each message.
    Answers(Arc<Answer>),
    /// Sends each message to everyone.
    Broadcasts(broadcast::Sender<String>),
    /// Announces a message of this length and sends none of it.
    Announces(u64),
    /// Echoes this number of messages of each client, then stops reading.
    Stalls(usize),
    /// Rejects every handshake.
    Refuses,
}

impl Service {
    pub(crate) fn answers(answer: impl Fn(&str) -> ControlFlow<(), Vec<String>> + Send + Sync + 'static) -> Self {
        Service::Answers(Arc::new(answer))
    }

    pub(crate) fn echo() -> Self {
        Service::answers(|text| ControlFlow::Continue(vec![text.to_owned()]))
    }

    pub(crate) fn broadcast() -> Self {
        Service::Broadcasts(broadcast::channel(1 << 14).0)
    }
}

/// Paths of all requests.
pub(crate) type Paths = Arc<Mutex<Vec<String>>>;

/// Starts a server on a free port.
pub(crate) async fn serve(service: Service) -> (SocketAddr, Paths) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, paths) = (listener.local_addr().unwrap(), Paths::default());
    let requested = paths.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (service, requested) = (service.clone(), requested.clone());
            let broadcasts = match &service {
                Service::Broadcasts(room) => room.subscribe(),
                _ => broadcast::channel(1).1,
            };
            tokio::spawn(serve_client(stream, service, broadcasts, requested));
        }
    });
    (address, paths)
}

/// Serves one client until it disconnects.
async fn serve_client(
    stream: TcpStream,
    mut service: Service,
    mut broadcasts: broadcast::Receiver<String>,
    requested: Paths,
) -> Option<()> {
    #[expect(clippy::result_large_err, reason = "the type of the callback is given")]
    let admit = |request: &Request, response: Response| {
        requested.lock().push(request.uri().path().to_owned());
        match service {
            Service::Refuses => {
                let mut refusal = ErrorResponse::new(Some("not today".to_owned()));
                *refusal.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                Err(refusal)
            }
            _ => Ok(response),
        }
    };
    let mut socket = accept_hdr_async(stream, admit).await.ok()?;
    loop {
        tokio::select! {
            message = socket.next() => {
                let message = message?.ok()?.into_text().ok()?;
                match &mut service {
                    Service::Broadcasts(room) => drop(room.send(message.to_string())),
                    Service::Answers(answer) => match answer(&message) {
                        ControlFlow::Continue(answers) => {
                            for answer in answers {
                                socket.send(Message::text(answer)).await.ok()?;
                            }
                        }
                        ControlFlow::Break(()) => {
                            let frame = CloseFrame { code: CloseCode::Size, reason: "too big".into() };
                            return socket.close(Some(frame)).await.ok();
                        }
                    },
                    Service::Announces(length) => {
                        // The header of an unfragmented text frame with a 64-bit length.
                        let header = [&[0x81, 127][..], &length.to_be_bytes()].concat();
                        socket.get_mut().write_all(&header).await.ok()?;
                    }
                    Service::Stalls(0) => return pending().await,
                    Service::Stalls(answers) => {
                        *answers -= 1;
                        socket.send(Message::text(message)).await.ok()?;
                    }
                    Service::Refuses => {}
                }
            }
            Ok(text) = broadcasts.recv() => socket.send(Message::text(text)).await.ok()?,
        }
    }
}
