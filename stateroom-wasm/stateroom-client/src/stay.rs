//! The task that connects for a room, again and again.
//!
//! *Invariant:* it does not keep the room. When that is dropped, the task says nothing any more, and ends with what it
//! waits for.
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
    Event, Protocol, RoomOptions,
    backoff::Backoff,
    close,
    page::{self, Listener},
    room::Link,
};

/// The task, and what it needs.
pub(crate) struct Stay<P, F> {
    link: Weak<Link>,
    address: String,
    options: RoomOptions,
    backoff: Backoff,
    on_event: F,
    protocol: PhantomData<P>,
}

impl<P: Protocol, F: FnMut(Event<P::In>)> Stay<P, F> {
    pub(crate) fn new(link: &Rc<Link>, address: String, options: RoomOptions, on_event: F) -> Self {
        let backoff = Backoff::up_to(options.longest_wait);
        Stay { link: Rc::downgrade(link), address, options, backoff, on_event, protocol: PhantomData }
    }

    /// Begins to connect, if the browser takes the address and the subprotocols.
    pub(crate) fn connect(&self, link: &Link) -> Option<WebSocket> {
        let subprotocols: Array = self.options.offered().map(JsValue::from_str).collect();
        let socket = web_sys::WebSocket::new_with_str_sequence(&self.address, &subprotocols).ok()?;
        link.socket.replace(Some(socket.clone()));
        WebSocket::try_from(socket).ok()
    }

    /// Stays in the room until it is dropped, or over.
    pub(crate) async fn run(mut self, first: WebSocket) {
        let mut socket = Some(first);
        loop {
            let (held, CloseEvent { code, reason, .. }) = match socket {
                Some(socket) => self.connection(socket).await,
                None => (0.0, broken("the browser does not connect")),
            };
            let Some(link) = self.link.upgrade() else { return };
            link.socket.take();
            if self.options.final_codes.contains(&code) {
                link.kept.borrow_mut().give_up();
                drop(link);
                return self.tell(Event::Over { code, reason });
            }
            drop(link);
            let retry_in = self.backoff.after(held, Math::random());
            self.tell(Event::Lost { code, reason, retry_in });
            wait(retry_in).await;
            let Some(link) = self.link.upgrade() else { return };
            socket = self.connect(&link);
        }
    }

    /// One connection: how long it was open, in milliseconds, and how it ended.
    async fn connection(&mut self, mut socket: WebSocket) -> (f64, CloseEvent) {
        let decided = poll_fn(|context| socket.poll_ready_unpin(context));
        if let Either::Right(_) = select(decided, sleep(self.options.connect_time)).await {
            return (0.0, broken("no answer in time"));
        }
        let since = matches!(socket.state(), State::Open).then(Date::now);
        if since.is_some() {
            if let Some(link) = self.link.upgrade() {
                link.send_kept();
            }
            self.tell(Event::Opened);
        }
        loop {
            match socket.next().await {
                Some(Ok(message)) => self.hear(message),
                Some(Err(WebSocketError::ConnectionClose(close))) => {
                    return (since.map_or(0.0, |since| Date::now() - since), close);
                }
                // The close follows.
                Some(Err(_)) => {}
                None => return (0.0, broken("")),
            }
        }
    }

    fn hear(&mut self, message: Message) {
        let message = match message {
            Message::Text(text) => MessagePayload::Text(text),
            Message::Bytes(bytes) => MessagePayload::Bytes(bytes),
        };
        if let Some(message) = P::decode(message) {
            self.tell(Event::Message(message));
        }
    }

    fn tell(&mut self, event: Event<P::In>) {
        // The last event may have been why the room was dropped.
        if self.link.strong_count() > 0 {
            (self.on_event)(event);
        }
    }
}

fn broken(reason: &str) -> CloseEvent {
    CloseEvent { code: close::BROKEN, reason: reason.to_owned(), was_clean: false }
}

/// Waits for so long, or until the browser finds the network again.
async fn wait(time: Duration) {
    let (found, online) = oneshot::channel();
    let mut found = Some(found);
    let _listener = page::window().map(|window| {
        Listener::new(&window, "online", move || {
            let _ = found.take().map(|found| found.send(()));
        })
    });
    select(sleep(time), online).await;
}

/// Sleeps for so long, or for as long as browsers can, which is 24 days.
fn sleep(time: Duration) -> TimeoutFuture {
    TimeoutFuture::new(i32::try_from(time.as_millis()).unwrap_or(i32::MAX).unsigned_abs())
}
