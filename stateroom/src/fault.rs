//! How a room's service can fail.
use std::{any::Any, error::Error, fmt};

/// What kind of failure ended a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FaultKind {
    /// The factory could not build the service.
    Build,
    /// There was no space for a further service. That is no failure of the room's.
    NoSpace,
    /// A native service panicked.
    Panic,
    /// A guest trapped: a panic, `unreachable`, an access out of bounds, a stack overflow.
    Trap,
    /// An event used more processor time than it may.
    CpuBudget,
    /// An event took longer than it may, asleep or not.
    TimeBudget,
    /// A guest wanted more memory than it may have, and did not survive the refusal.
    Memory,
    /// A guest named memory that it does not have.
    BadPointer,
    /// A guest sent bytes that are no message.
    BadMessage,
}

impl FaultKind {
    /// A short name, for logs.
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
            FaultKind::BadPointer => "bad_pointer",
            FaultKind::BadMessage => "bad_message",
        }
    }
}

/// Why a room's service failed. The room ends with it: its clients are closed with 1011.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    kind: FaultKind,
    message: String,
    event: Option<&'static str>,
    backtrace: Option<String>,
}

impl Fault {
    /// A failure of the given kind. The message is for the service's author, in the log.
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Fault { kind, message: message.into(), event: None, backtrace: None }
    }

    /// The same failure, with where it happened: one line a frame.
    #[must_use]
    pub fn with_backtrace(mut self, backtrace: impl Into<String>) -> Self {
        self.backtrace = Some(backtrace.into());
        self
    }

    /// The same failure, with the label of the event in which it happened.
    #[must_use]
    pub fn in_event(mut self, event: Option<&'static str>) -> Self {
        self.event = event;
        self
    }

    /// What `catch_unwind` caught, with the panic's message where it is a text.
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

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        self.kind
    }

    /// What happened, for the log.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The event in which it happened, by the name of the service's method; none if it happened before the first one.
    #[must_use]
    pub fn event(&self) -> Option<&'static str> {
        self.event
    }

    /// Where it happened, if that is known: one line a frame.
    #[must_use]
    pub fn backtrace(&self) -> Option<&str> {
        self.backtrace.as_deref()
    }

    /// What clients may be told. Limits are named with their number; what a panic or a trap said stays in the log, as
    /// it may hold what is not theirs.
    #[must_use]
    pub fn public_reason(&self) -> String {
        match self.kind {
            FaultKind::CpuBudget | FaultKind::TimeBudget | FaultKind::Memory => self.message.clone(),
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
