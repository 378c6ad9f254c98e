//! The failures of a room's service.
use std::{any::Any, error::Error, fmt};

/// Maximum length of a message, in bytes: it may contain what a client sent.
const MAX_MESSAGE_BYTES: usize = 8 << 10;

/// The kind of failure that ended a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FaultKind {
    /// The factory could not build the service.
    Build,
    /// The host has no free slot for another service. Not caused by the service itself.
    NoSpace,
    /// A native service panicked.
    Panic,
    /// A guest trapped: a panic, `unreachable`, an access out of bounds, a stack overflow.
    Trap,
    /// An event exceeded its budget of CPU time.
    CpuBudget,
    /// An event exceeded its budget of wall-clock time.
    TimeBudget,
    /// A guest requested more memory than its limit, and failed when the request was denied.
    Memory,
    /// An event requested too many effects, or too large ones.
    Effects,
    /// A guest passed a pointer outside of its memory.
    BadPointer,
    /// A guest sent bytes that are not a valid message.
    BadMessage,
    /// The events of a durable room cannot be stored, or its stored state cannot be read now.
    Storage,
    /// The disk has no space for another durable room.
    DiskFull,
    /// The stored state of a durable room cannot be restored: it is damaged, or a replay differs.
    Broken,
}

impl FaultKind {
    /// Returns a short name, for logs.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            FaultKind::Build => "build",
            FaultKind::NoSpace => "no_space",
            FaultKind::Panic => "panic",
            FaultKind::Trap => "trap",
            FaultKind::CpuBudget => "cpu_budget",
            FaultKind::TimeBudget => "time_budget",
            FaultKind::Memory => "memory",
            FaultKind::Effects => "effects",
            FaultKind::BadPointer => "bad_pointer",
            FaultKind::BadMessage => "bad_message",
            FaultKind::Storage => "storage",
            FaultKind::DiskFull => "disk_full",
            FaultKind::Broken => "broken",
        }
    }
}

/// The failure of a room's service. It ends the room: all clients are closed with 1011.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    kind: FaultKind,
    message: String,
    /// Length of the hint at the end of the message.
    hint_bytes: usize,
    event: Option<&'static str>,
    backtrace: Option<String>,
}

impl Fault {
    /// Creates a fault of this kind. The message is logged, for the author of the service; of a long one, the first 8 KiB.
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if message.len() > MAX_MESSAGE_BYTES {
            let mark = format!("... (cut: {} bytes in all)", message.len());
            let end = (0..=MAX_MESSAGE_BYTES).rev().find(|at| message.is_char_boundary(*at));
            message.truncate(end.unwrap_or(0));
            message.shrink_to_fit();
            message.push_str(&mark);
        }
        Fault { kind, message, hint_bytes: 0, event: None, backtrace: None }
    }

    /// Sets the backtrace, one line per frame.
    #[must_use]
    pub fn with_backtrace(mut self, backtrace: impl Into<String>) -> Self {
        self.backtrace = Some(backtrace.into());
        self
    }

    /// Appends a hint for the author of the service to the message, in parentheses: how to avoid the failure.
    #[must_use]
    pub fn with_hint(mut self, hint: &str) -> Self {
        let before = self.message.len() - self.hint_bytes;
        self.message.truncate(before);
        self.message.push_str(&format!(" ({hint})"));
        self.hint_bytes = self.message.len() - before;
        self
    }

    /// Sets the label of the event that failed.
    #[must_use]
    pub fn in_event(mut self, event: Option<&'static str>) -> Self {
        self.event = event;
        self
    }

    /// Creates a fault from the payload that `catch_unwind` returns, with the panic's message if it is a string.
    #[doc(hidden)]
    #[must_use]
    pub fn from_panic(kind: FaultKind, panic: &(dyn Any + Send)) -> Self {
        let message = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "the panic has no message".to_owned());
        Fault::new(kind, message)
    }

    /// Returns the kind of failure.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        self.kind
    }

    /// Returns the message, for the log, with the hint if there is one.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the name of the service's method that failed, or `None` if the service failed before its first event.
    #[must_use]
    pub fn event(&self) -> Option<&'static str> {
        self.event
    }

    /// Returns the backtrace, one line per frame, if there is one.
    #[must_use]
    pub fn backtrace(&self) -> Option<&str> {
        self.backtrace.as_deref()
    }

    /// Returns the reason that clients may see. It includes the value of an exceeded limit, but not the message of a
    /// panic or a trap, which may contain confidential data.
    #[must_use]
    pub fn public_reason(&self) -> String {
        match self.kind {
            FaultKind::CpuBudget | FaultKind::TimeBudget | FaultKind::Memory | FaultKind::Effects => {
                let length = self.message.len() - self.hint_bytes;
                self.message.get(..length).unwrap_or_default().to_owned()
            }
            FaultKind::Broken => "the room's state cannot be restored".to_owned(),
            kind => format!("the room's service failed ({})", kind.label()),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.kind.label(), self.message)
    }
}

impl Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_cut() {
        let fault = Fault::from_panic(FaultKind::Panic, &format!("x{}", "\u{e9}".repeat(50_000))).with_hint("a hint");
        let message = fault.message();
        assert!(message.starts_with("x\u{e9}") && message.len() < MAX_MESSAGE_BYTES + 100, "{message}");
        assert!(message.ends_with("... (cut: 100001 bytes in all) (a hint)"), "{message}");
    }
}
