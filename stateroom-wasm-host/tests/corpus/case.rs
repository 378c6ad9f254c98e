//! What a file of the corpus says.
use libtest_mimic::Failed;
use stateroom::{ClientId, messages::Event};

use crate::guest;

/// A guest, and what is to become of it.
pub(crate) struct Case {
    /// The whole module, as text.
    pub(crate) guest: String,
    pub(crate) outcome: Outcome,
    /// With which code its client is closed behind a server, if it is.
    pub(crate) closed: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Refused { message: String },
    NoRoom { kind: String, message: String },
    Dies { event: String, kind: String, message: String },
    Lives { effects: usize },
}

/// More than a kilobyte.
pub(crate) const LONG_MESSAGE: &str = match str::from_utf8(&[b'x'; 3000]) {
    Ok(text) => text,
    Err(_) => "",
};

/// What every guest of the corpus lives through, by the names that outcomes have for it.
pub(crate) fn script() -> Vec<(&'static str, Event)> {
    let client = ClientId(1);
    vec![
        ("init", Event::Init),
        ("connect", Event::Connect { client }),
        ("message", Event::Message { sender: client, message: "a message".into() }),
        // Does not fit into the memory that the first event was written to.
        ("long message", Event::Message { sender: client, message: LONG_MESSAGE.into() }),
        ("timer", Event::Timer),
        ("call", Event::Call { message: "a question".into() }),
        ("disconnect", Event::Disconnect { client }),
    ]
}

impl Case {
    pub(crate) fn parse(text: &str) -> Result<Self, Failed> {
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(&format!(";; {name}: ")));
        let outcome = Outcome::parse(field("outcome").ok_or("the file has no `;; outcome: `")?)?;
        let closed = match field("served") {
            Some(code) => Some(code.parse()?),
            None => outcome.is_seen_by_the_client().then_some(1011),
        };
        Ok(Case { guest: guest::whole(text), outcome, closed })
    }
}

impl Outcome {
    fn parse(text: &str) -> Result<Self, Failed> {
        let (what, rest) = text.split_once(": ").ok_or("an outcome has a colon")?;
        let parts = |rest: &str| {
            let (kind, message) = rest.split_once(": ").ok_or("a fault has a kind and a message")?;
            Ok::<_, Failed>((kind.to_owned(), message.to_owned()))
        };
        match what {
            "refused" => Ok(Outcome::Refused { message: rest.to_owned() }),
            "lives" => {
                let effects = rest.strip_suffix(" effects").ok_or("it lives with a number of effects")?;
                Ok(Outcome::Lives { effects: effects.parse()? })
            }
            "no room" => parts(rest).map(|(kind, message)| Outcome::NoRoom { kind, message }),
            event if script().iter().any(|(name, _)| *name == event) => {
                parts(rest).map(|(kind, message)| Outcome::Dies { event: event.to_owned(), kind, message })
            }
            other => Err(format!("`{other}` is no outcome").into()),
        }
    }

    /// Whether a client that joins and says something, in a room that is then called, is closed by it.
    fn is_seen_by_the_client(&self) -> bool {
        match self {
            Outcome::Dies { event, .. } => {
                ["init", "connect", "message", "long message", "call"].contains(&event.as_str())
            }
            Outcome::NoRoom { .. } => true,
            Outcome::Refused { .. } | Outcome::Lives { .. } => false,
        }
    }
}
