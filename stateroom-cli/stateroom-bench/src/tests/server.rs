//! Small servers: an echo, and what else a service may do.
use std::{
    future::pending,
    net::SocketAddr,
    ops::ControlFlow,
    sync::{Arc, Mutex},
};

use futures_util::{SinkExt, StreamExt};
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

/// What a server answers a text, any number of times; if it breaks, it closes.
pub(crate) type Answer = dyn Fn(&str) -> ControlFlow<(), Vec<String>> + Send + Sync;

/// What a server does.
#[derive(Clone)]
pub(crate) enum Service {
    /// Answers.
    Answers(Arc<Answer>),
    /// Tells everybody.
    Tells(broadcast::Sender<String>),
    /// Announces a message of so many bytes, of which none come.
    Announces(u64),
    /// Answers so many messages of each client, and reads no more.
    Stalls(usize),
    /// Lets nobody in.
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
        Service::Tells(broadcast::channel(1 << 14).0)
    }
}

/// The paths that were asked for.
pub(crate) type Paths = Arc<Mutex<Vec<String>>>;

/// Serves, from now on, on any port.
pub(crate) async fn serve(service: Service) -> (SocketAddr, Paths) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, paths) = (listener.local_addr().unwrap(), Paths::default());
    let asked = paths.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (service, asked) = (service.clone(), asked.clone());
            let told = match &service {
                Service::Tells(everybody) => everybody.subscribe(),
                _ => broadcast::channel(1).1,
            };
            tokio::spawn(attend(stream, service, told, asked));
        }
    });
    (address, paths)
}

/// One client, to its end.
async fn attend(
    stream: TcpStream,
    mut service: Service,
    mut told: broadcast::Receiver<String>,
    asked: Paths,
) -> Option<()> {
    #[expect(clippy::result_large_err, reason = "the library asks for it")]
    let admit = |request: &Request, response: Response| {
        asked.lock().unwrap().push(request.uri().path().to_owned());
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
            said = socket.next() => {
                let said = said?.ok()?.into_text().ok()?;
                match &mut service {
                    Service::Tells(everybody) => drop(everybody.send(said.to_string())),
                    Service::Answers(answer) => match answer(&said) {
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
                        // A text, whole, whose length is in the next eight bytes.
                        let header = [&[0x81, 127][..], &length.to_be_bytes()].concat();
                        socket.get_mut().write_all(&header).await.ok()?;
                    }
                    Service::Stalls(0) => return pending().await,
                    Service::Stalls(answers) => {
                        *answers -= 1;
                        socket.send(Message::text(said)).await.ok()?;
                    }
                    Service::Refuses => {}
                }
            }
            Ok(text) = told.recv() => socket.send(Message::text(text)).await.ok()?,
        }
    }
}
