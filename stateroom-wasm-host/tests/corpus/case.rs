//! A file of the corpus.
use libtest_mimic::Failed;
use stateroom::{ClientId, messages::Event};

use crate::guest;

/// A guest and its expected outcome.
pub(crate) struct Case {
    /// The complete module, as text.
    pub(crate) guest: String,
    pub(crate) outcome: Outcome,
    /// The code with which its client is closed behind a server, if it is closed.
    pub(crate) closed: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Refused { message: String },
    FailsToStart { kind: String, message: String },
    Fails { event: String, kind: String, message: String },
    Survives { effects: usize },
}

/// Longer than the guest's first buffer of one kilobyte.
pub(crate) const LONG_MESSAGE: &str = match str::from_utf8(&[b'x'; 3000]) {
    Ok(text) => text,
    Err(_) => "",
};

/// Returns the events delivered to every guest, by their names in outcomes.
pub(crate) fn script() -> Vec<(&'static str, Event)> {
    let client = ClientId(1);
    vec![
        ("init", Event::Init),
        ("connect", Event::Connect { client }),
        ("message", Event::Message { sender: client, message: "a message".into() }),
        // Requires a larger buffer than the first event.
        ("long message", Event::Message { sender: client, message: LONG_MESSAGE.into() }),
        ("timer", Event::Timer),
        ("call", Event::Call { message: "a question".into() }),
        ("disconnect", Event::Disconnect { client }),
    ]
}

impl Case {
    pub(crate) fn parse(text: &str) -> Result<Self, Failed> {
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(&format!(";; {name}: ")));
        let outcome = Outcome::parse(field("outcome").ok_or("the file lacks an `;; outcome: ` line")?)?;
        let closed = match field("served") {
            Some(code) => Some(code.parse()?),
            None => outcome.closes_client().then_some(1011),
        };
        Ok(Case { guest: guest::complete(text), outcome, closed })
    }
}

impl Outcome {
    fn parse(text: &str) -> Result<Self, Failed> {
        let (what, rest) = text.split_once(": ").ok_or("the outcome lacks a colon")?;
        let parts = |rest: &str| {
            let (kind, message) = rest.split_once(": ").ok_or("the fault lacks a kind or a message")?;
            Ok::<_, Failed>((kind.to_owned(), message.to_owned()))
        };
        match what {
            "refused" => Ok(Outcome::Refused { message: rest.to_owned() }),
            "lives" => {
                let effects = rest.strip_suffix(" effects").ok_or("the number of effects is missing")?;
                Ok(Outcome::Survives { effects: effects.parse()? })
            }
            "no room" => parts(rest).map(|(kind, message)| Outcome::FailsToStart { kind, message }),
            event if script().iter().any(|(name, _)| *name == event) => {
                parts(rest).map(|(kind, message)| Outcome::Fails { event: event.to_owned(), kind, message })
            }
            other => Err(format!("`{other}` is not an outcome").into()),
        }
    }

    /// Returns whether a client is closed that joins, sends messages, and stays while the room is called.
    fn closes_client(&self) -> bool {
        match self {
            Outcome::Fails { event, .. } => {
                ["init", "connect", "message", "long message", "call"].contains(&event.as_str())
            }
            Outcome::FailsToStart { .. } => true,
            Outcome::Refused { .. } | Outcome::Survives { .. } => false,
        }
    }
}
