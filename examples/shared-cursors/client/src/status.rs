//! The status line of the connection, with the same text as in `assets/room.js`.
use stateroom_client::{Event, JoinError};
use web_sys::{Document, Element};

/// Close code of the service when the room is full.
pub(crate) const ROOM_IS_FULL: u16 = 4429;

/// The status line, and the state of the connection on `body` for CSS.
pub(crate) struct Status {
    document: Document,
    line: Element,
    /// Whether the room has been joined before.
    joined: bool,
}

impl Status {
    /// Creates the status line, in the state `waiting`.
    pub(crate) fn new(document: &Document, line: Element) -> Status {
        let status = Status { document: document.clone(), line, joined: false };
        status.show("waiting", "Connecting…");
        status
    }

    /// Shows the state of the connection after an event.
    pub(crate) fn update<T>(&mut self, event: &Event<T>) {
        match event {
            Event::Opened => {
                self.joined = true;
                self.show("open", "Connected");
            }
            Event::Message(_) => {}
            Event::Lost { reason, .. } => {
                let what = if self.joined { "Connection lost" } else { "Connection failed" };
                let separator = if reason.is_empty() { "" } else { ": " };
                self.show("waiting", &format!("{what}{separator}{reason}. Reconnecting…"));
            }
            Event::Over { code, .. } => self.show("over", final_text(*code)),
        }
    }

    /// Shows why the room cannot be joined.
    pub(crate) fn show_error(&self, error: &JoinError) {
        let text = match error {
            JoinError::Name(_) => "Invalid room name.",
            _ => "This browser cannot connect to the room.",
        };
        self.show("over", text);
    }

    fn show(&self, connection: &str, text: &str) {
        if let Some(body) = self.document.body() {
            let _ = body.set_attribute("data-connection", connection);
        }
        self.line.set_text_content(Some(text));
    }
}

/// Returns the text for a close code after which the client does not reconnect.
fn final_text(code: u16) -> &'static str {
    match code {
        1002 => "Protocol error: the server rejected a message of this page.",
        1007 => "Protocol error: this page sent invalid text.",
        1009 => "This page sent a message that is too large.",
        4000 => "You have joined from another window. Reload to rejoin here.",
        ROOM_IS_FULL => "This room is full. Reload to try again.",
        _ => "The server rejected this connection.",
    }
}
