//! The line that says how the connection stands, as `assets/room.js` writes it for the pages in JavaScript.
use stateroom_client::{Event, JoinError};
use web_sys::{Document, Element};

/// The close code of the service for those who would be one too many.
pub(crate) const ROOM_IS_FULL: u16 = 4429;

/// The line, and what the page's style goes by.
pub(crate) struct Status {
    document: Document,
    line: Element,
    /// Whether the room was joined before.
    joined: bool,
}

impl Status {
    /// Before anything has happened.
    pub(crate) fn new(document: &Document, line: Element) -> Status {
        let status = Status { document: document.clone(), line, joined: false };
        status.show("waiting", "Connecting …");
        status
    }

    /// What has happened, unless that is a message.
    pub(crate) fn tell<T>(&mut self, event: &Event<T>) {
        match event {
            Event::Opened => {
                self.joined = true;
                self.show("open", "Connected");
            }
            Event::Message(_) => {}
            Event::Lost { reason, .. } => {
                let what = if self.joined { "Connection lost" } else { "Cannot connect" };
                let colon = if reason.is_empty() { "" } else { ": " };
                self.show("waiting", &format!("{what}{colon}{reason}. Trying again …"));
            }
            Event::Over { code, .. } => self.show("over", why_over(*code)),
        }
    }

    /// That there is no room to join.
    pub(crate) fn refuse(&self, error: &JoinError) {
        let text = match error {
            JoinError::Name(_) => "This cannot be the name of a room.",
            _ => "This browser does not connect to the room.",
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

/// What to tell, by the close code after which not to come back.
fn why_over(code: u16) -> &'static str {
    match code {
        1002 => "The server does not understand what this page sends.",
        1007 => "The server cannot read a text that this page sent.",
        1009 => "This page sent a message that is too big.",
        4000 => "You have joined again somewhere else. Reload to be here.",
        ROOM_IS_FULL => "This room is full. Reload to try again.",
        _ => "The server does not allow this.",
    }
}
