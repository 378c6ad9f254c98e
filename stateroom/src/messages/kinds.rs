//! The kinds of events and effects: their numbers on the wire and their labels.
//!
//! *Invariant:* a number is never reused, and a new kind takes the next one.
use super::{Effect, Event};

/// Defines an enum of kinds from one list of numbers, names and labels.
macro_rules! kinds {
    (
        $(#[$attribute:meta])*
        $name:ident of $value:ident { $($number:literal $variant:ident $label:literal,)+ }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(u32)]
        pub enum $name {
            $(
                #[doc = concat!("[`", stringify!($value), "::", stringify!($variant), "`]")]
                $variant = $number,
            )+
        }

        impl $name {
            /// All kinds, in the order of their numbers.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The numbers of all kinds.
            pub const NUMBERS: &'static [u32] = &[$($number),+];

            /// Returns the number of the kind in the wire encoding.
            #[must_use]
            pub const fn number(self) -> u32 {
                self as u32
            }

            /// Returns the kind with this number.
            #[must_use]
            pub const fn from_number(number: u32) -> Option<Self> {
                match number {
                    $($number => Some($name::$variant),)+
                    _ => None,
                }
            }

            /// Returns a short name, for logs and metrics.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self {
                    $($name::$variant => $label,)+
                }
            }
        }

        impl $value {
            /// Returns the kind of this value.
            #[must_use]
            pub const fn kind(&self) -> $name {
                match self {
                    $($value::$variant { .. } => $name::$variant,)+
                }
            }
        }
    };
}

kinds! {
    /// A kind of [`Event`]. Its label is the name of the service's method.
    EventKind of Event {
        0 Init "init",
        1 Connect "connect",
        2 Disconnect "disconnect",
        3 Message "message",
        4 Timer "timer",
        5 Call "call",
        6 ConnectWith "connect",
        7 Shutdown "shutdown",
        8 Request "request",
    }
}

kinds! {
    /// A kind of [`Effect`].
    EffectKind of Effect {
        0 Message "message",
        1 SetTimer "set_timer",
        2 CloseClient "close_client",
        3 Answer "answer",
        4 Respond "respond",
        5 EndRoom "end_room",
    }
}

impl EventKind {
    /// Returns whether the kind is part of protocol 0.
    #[must_use]
    pub const fn is_protocol_0(self) -> bool {
        self.number() <= EventKind::Timer.number()
    }
}

impl EffectKind {
    /// Returns whether the kind is part of protocol 0.
    #[must_use]
    pub const fn is_protocol_0(self) -> bool {
        self.number() <= EffectKind::SetTimer.number()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_found_by_number() {
        for (position, kind) in EventKind::ALL.iter().enumerate() {
            assert_eq!(kind.number() as usize, position, "the numbers have no gaps");
            assert_eq!(EventKind::from_number(kind.number()), Some(*kind));
        }
        for (position, kind) in EffectKind::ALL.iter().enumerate() {
            assert_eq!(kind.number() as usize, position, "the numbers have no gaps");
            assert_eq!(EffectKind::from_number(kind.number()), Some(*kind));
        }
        assert_eq!(EventKind::from_number(9), None);
        assert_eq!(EffectKind::from_number(6), None);
    }

    #[test]
    fn protocol_0_has_five_events_and_two_effects() {
        assert_eq!(EventKind::ALL.iter().filter(|kind| kind.is_protocol_0()).count(), 5);
        assert_eq!(EffectKind::ALL.iter().filter(|kind| kind.is_protocol_0()).count(), 2);
    }
}
