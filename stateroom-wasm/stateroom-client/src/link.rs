//! The state shared by a room's handle and the task that connects.
//!
//! *Invariant:* dropping it closes the connection.
use std::cell::RefCell;

use stateroom::MessagePayload;
use web_sys::WebSocket;

use crate::{close, pending::PendingMessages};

/// The current socket, and messages that wait for one.
pub(crate) struct Link {
    pub(crate) socket: RefCell<Option<WebSocket>>,
    pub(crate) pending: RefCell<PendingMessages>,
}

impl Link {
    /// Sends a message, or keeps it for the next connection. Returns whether either was possible.
    pub(crate) fn send(&self, message: MessagePayload) -> bool {
        match &*self.socket.borrow() {
            Some(socket) if socket.ready_state() == WebSocket::OPEN => send(socket, &message),
            _ => self.pending.borrow_mut().push(message),
        }
    }

    /// Sends the messages that waited for a connection.
    pub(crate) fn send_pending(&self) {
        let pending = self.pending.borrow_mut().take();
        for message in pending {
            self.send(message);
        }
    }
}

fn send(socket: &WebSocket, message: &MessagePayload) -> bool {
    // gloo-net would make a Blob of bytes. Copying them out of this module's memory supports shared memory as well.
    let sent = match message {
        MessagePayload::Text(text) => socket.send_with_str(text),
        MessagePayload::Bytes(bytes) => socket.send_with_js_u8_array(&bytes.as_slice().into()),
    };
    sent.is_ok()
}

impl Drop for Link {
    fn drop(&mut self) {
        if let Some(socket) = self.socket.get_mut() {
            let _ = socket.close_with_code(close::LEAVING);
        }
    }
}
