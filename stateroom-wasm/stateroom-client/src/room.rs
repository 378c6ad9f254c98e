//! What a page has hold of a room by.
//!
//! *Invariant:* whoever has dropped a [`Room`] is not in it, and hears nothing of it.
use std::{cell::RefCell, marker::PhantomData, rc::Rc, time::Duration};

use stateroom::MessagePayload;
use wasm_bindgen_futures::spawn_local;
use web_sys::WebSocket;

use crate::{Protocol, RoomOptions, close, kept::Kept, page::TabToken, stay::Stay};

/// A room that this page has joined, and joins again whenever the connection is lost. Dropping it leaves the room.
#[must_use = "dropping it leaves the room"]
pub struct Room<P: Protocol> {
    link: Rc<Link>,
    _token: Option<TabToken>,
    protocol: PhantomData<fn(P)>,
}

/// What happens to a [`Room`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<T> {
    /// The room is joined, or joined again. Forget what is known of it: it may have begun afresh.
    Opened,
    /// The room says something.
    Message(T),
    /// The connection is lost, or could not be made.
    Lost {
        /// The close code; 1006 where there was no close.
        code: u16,
        /// What the server said about it; mostly nothing.
        reason: String,
        /// When it is tried again, unless the browser finds the network before.
        retry_in: Duration,
    },
    /// The connection was closed with a code after which not to come back. Nothing follows.
    Over {
        /// The close code.
        code: u16,
        /// What the server said about it.
        reason: String,
    },
}

/// Why a room cannot be joined, not even tried.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// The program does not run in the page of a browser, or in a worker.
    #[error("there is no page")]
    NoPage,
    /// The name has no address beside the page: it is empty, `.` or `..`, or the page does not come over HTTP.
    #[error("`{0}` cannot be the name of a room")]
    Name(String),
    /// The browser does not take the address, or a subprotocol.
    #[error("the browser does not take the address of the room, or a subprotocol")]
    Address,
}

impl<P: Protocol> Room<P> {
    /// Joins a room, and calls `on_event` from then on whenever something happens: never before this has returned, nor
    /// from within [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// Where it cannot be tried. That nobody answers is [`Event::Lost`].
    pub fn join(options: RoomOptions, on_event: impl FnMut(Event<P::In>) + 'static) -> Result<Self, JoinError> {
        let (address, token) = options.address()?;
        let link = Rc::new(Link { socket: RefCell::default(), kept: Kept::up_to(options.kept_messages).into() });
        let stay = Stay::<P, _>::new(&link, address, options, on_event);
        let first = stay.connect(&link).ok_or(JoinError::Address)?;
        spawn_local(stay.run(first));
        Ok(Room { link, _token: token, protocol: PhantomData })
    }

    /// Says something; gives whether it is on its way. Without a connection it is dropped, or kept, as
    /// [`kept_messages`](RoomOptions::kept_messages) has it.
    pub fn send(&self, message: &P::Out) -> bool {
        P::encode(message).is_some_and(|message| self.link.send(message))
    }
}

/// What the room and the task that connects share.
pub(crate) struct Link {
    pub(crate) socket: RefCell<Option<WebSocket>>,
    pub(crate) kept: RefCell<Kept>,
}

impl Link {
    fn send(&self, message: MessagePayload) -> bool {
        match &*self.socket.borrow() {
            Some(socket) if socket.ready_state() == WebSocket::OPEN => say(socket, &message),
            _ => self.kept.borrow_mut().keep(message),
        }
    }

    /// Says what has waited for a connection.
    pub(crate) fn send_kept(&self) {
        let waiting = self.kept.borrow_mut().take();
        for message in waiting {
            self.send(message);
        }
    }
}

fn say(socket: &WebSocket, message: &MessagePayload) -> bool {
    // gloo-net would make a Blob of bytes. A copy outside of this module's memory works with shared memory, too.
    let said = match message {
        MessagePayload::Text(text) => socket.send_with_str(text),
        MessagePayload::Bytes(bytes) => socket.send_with_js_u8_array(&bytes.as_slice().into()),
    };
    said.is_ok()
}

impl Drop for Link {
    fn drop(&mut self) {
        if let Some(socket) = self.socket.get_mut() {
            let _ = socket.close_with_code(close::LEAVING);
        }
    }
}
