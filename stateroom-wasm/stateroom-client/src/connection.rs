//! The task that connects to a room, and reconnects.
//!
//! *Invariant:* it does not keep the room alive. Once the room is dropped, the task emits no event, and it ends at its next
//! wake-up.
use std::{
    marker::PhantomData,
    rc::{Rc, Weak},
    time::Duration,
};

use futures_channel::oneshot;
use futures_util::{
    SinkExt, StreamExt,
    future::{Either, poll_fn, select},
};
use gloo_net::websocket::{Message, State, WebSocketError, events::CloseEvent, futures::WebSocket};
use gloo_timers::future::TimeoutFuture;
use js_sys::{Array, Date, Math};
use stateroom::MessagePayload;
use wasm_bindgen::JsValue;

use crate::{
    backoff::Backoff,
    close,
    event::Event,
    link::Link,
    options::{RoomOptions, Target},
    page::{self, Listener},
    protocol::Protocol,
};

/// The task, and its settings.
pub(crate) struct ConnectionTask<P, F> {
    link: Weak<Link>,
    target: Target,
    options: RoomOptions,
    backoff: Backoff,
    on_event: F,
    protocol: PhantomData<P>,
}

impl<P: Protocol, F: FnMut(Event<P::In>)> ConnectionTask<P, F> {
    pub(crate) fn new(link: &Rc<Link>, target: Target, options: RoomOptions, on_event: F) -> Self {
        let backoff = Backoff::up_to(options.longest_wait);
        ConnectionTask { link: Rc::downgrade(link), target, options, backoff, on_event, protocol: PhantomData }
    }

    /// Sets the tab's token for all later attempts.
    pub(crate) fn set_tab_token(&mut self, address: &str, token: &str) {
        self.target = self.options.target(address, Some(token));
    }

    /// Starts to connect. Returns `None` if the browser rejects the address or a subprotocol.
    pub(crate) fn connect(&self, link: &Link) -> Option<WebSocket> {
        let Target { address, subprotocols } = &self.target;
        let subprotocols: Array = subprotocols.iter().map(|name| JsValue::from_str(name)).collect();
        let socket = web_sys::WebSocket::new_with_str_sequence(address, &subprotocols).ok()?;
        link.socket.replace(Some(socket.clone()));
        WebSocket::try_from(socket).ok()
    }

    /// Keeps the room connected until it is dropped, or closed with a final code, from the first attempt if that was started.
    pub(crate) async fn run(mut self, first: Option<WebSocket>) {
        let mut socket = first.or_else(|| self.link.upgrade().and_then(|link| self.connect(&link)));
        loop {
            let (open_time, CloseEvent { code, reason, .. }) = match socket {
                Some(socket) => self.handle_connection(socket).await,
                None => (0.0, broken("the browser does not connect")),
            };
            let Some(link) = self.link.upgrade() else { return };
            link.socket.take();
            if self.options.final_codes.contains(&code) {
                link.pending.borrow_mut().disable();
                drop(link);
                return self.emit(Event::Over { code, reason });
            }
            drop(link);
            let retry_in = self.backoff.after(open_time, Math::random());
            self.emit(Event::Lost { code, reason, retry_in });
            wait(retry_in).await;
            let Some(link) = self.link.upgrade() else { return };
            socket = self.connect(&link);
        }
    }

    /// Handles one connection. Returns how long it was open, in milliseconds, and how it ended.
    async fn handle_connection(&mut self, mut socket: WebSocket) -> (f64, CloseEvent) {
        let decided = poll_fn(|context| socket.poll_ready_unpin(context));
        if let Either::Right(_) = select(decided, sleep(self.options.connect_time)).await {
            return (0.0, broken("timed out"));
        }
        let opened_at = matches!(socket.state(), State::Open).then(Date::now);
        if opened_at.is_some() {
            if let Some(link) = self.link.upgrade() {
                link.send_pending();
            }
            self.emit(Event::Opened);
        }
        loop {
            match socket.next().await {
                Some(Ok(message)) => self.receive(message),
                Some(Err(WebSocketError::ConnectionClose(close))) => {
                    return (opened_at.map_or(0.0, |opened_at| Date::now() - opened_at), close);
                }
                // The close follows.
                Some(Err(_)) => {}
                None => return (0.0, broken("")),
            }
        }
    }

    fn receive(&mut self, message: Message) {
        let message = match message {
            Message::Text(text) => MessagePayload::Text(text),
            Message::Bytes(bytes) => MessagePayload::Bytes(bytes),
        };
        if let Some(message) = P::decode(message) {
            self.emit(Event::Message(message));
        }
    }

    fn emit(&mut self, event: Event<P::In>) {
        // The callback of an earlier event may have dropped the room.
        if self.link.strong_count() > 0 {
            (self.on_event)(event);
        }
    }
}

fn broken(reason: &str) -> CloseEvent {
    CloseEvent { code: close::BROKEN, reason: reason.to_owned(), was_clean: false }
}

/// Waits for a duration, or until the browser comes online.
async fn wait(time: Duration) {
    let (sender, online) = oneshot::channel();
    let mut sender = Some(sender);
    let _listener = page::window().map(|window| {
        Listener::new(&window, "online", move || {
            let _ = sender.take().map(|sender| sender.send(()));
        })
    });
    select(sleep(time), online).await;
}

/// Sleeps for a duration, at most the 24 days that browsers support.
fn sleep(time: Duration) -> TimeoutFuture {
    TimeoutFuture::new(i32::try_from(time.as_millis()).unwrap_or(i32::MAX).unsigned_abs())
}
