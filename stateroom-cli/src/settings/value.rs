//! The types of settings, parsed the same way from flags, environment variables and `stateroom.toml`.
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    str::FromStr,
    time::Duration,
};

use stateroom_quantity::{Bytes, ParseDurationError, parse_duration};
use stateroom_server::{OnSwap, ShutdownPolicy};

/// A setting with a placeholder for its value in the help.
pub(super) trait ValueName {
    /// The placeholder.
    const VALUE_NAME: &str;
}

/// A setting that configures a `Target` of the libraries.
pub(super) trait Configures<Target>: Sized {
    /// Returns the current value of the target, or `None` if it has none.
    fn read(target: &Target) -> Option<Self>;
    /// Writes this value to the target.
    fn apply(self, target: &mut Target);
}

macro_rules! impl_for_numbers {
    ($($number:ty)+) => {$(
        impl ValueName for $number {
            const VALUE_NAME: &str = "NUMBER";
        }

        impl Configures<$number> for $number {
            fn read(target: &$number) -> Option<Self> {
                Some(*target)
            }

            fn apply(self, target: &mut $number) {
                *target = self;
            }
        }

        impl Configures<Option<$number>> for $number {
            fn read(target: &Option<$number>) -> Option<Self> {
                *target
            }

            fn apply(self, target: &mut Option<$number>) {
                *target = Some(self);
            }
        }
    )+};
}

impl_for_numbers! { usize u32 }

/// A value greater than zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Positive<T>(T);

impl<T: ValueName> ValueName for Positive<T> {
    const VALUE_NAME: &str = T::VALUE_NAME;
}

impl<Target, T: Configures<Target>> Configures<Target> for Positive<T> {
    fn read(target: &Target) -> Option<Self> {
        T::read(target).map(Positive)
    }

    fn apply(self, target: &mut Target) {
        self.0.apply(target);
    }
}

impl<T: FromStr<Err: fmt::Display> + Default + PartialEq> FromStr for Positive<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(value) if value == T::default() => Err("must be greater than 0".to_owned()),
            Ok(value) => Ok(Positive(value)),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl<T: fmt::Display> fmt::Display for Positive<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl ValueName for Bytes {
    const VALUE_NAME: &str = "SIZE";
}

impl Configures<usize> for Bytes {
    fn read(target: &usize) -> Option<Self> {
        Some(Bytes(*target as u64))
    }

    fn apply(self, target: &mut usize) {
        *target = usize::try_from(self.0).unwrap_or(usize::MAX);
    }
}

impl Configures<Option<usize>> for Bytes {
    fn read(target: &Option<usize>) -> Option<Self> {
        target.map(|bytes| Bytes(bytes as u64))
    }

    fn apply(self, target: &mut Option<usize>) {
        *target = Some(usize::try_from(self.0).unwrap_or(usize::MAX));
    }
}

impl Configures<u64> for Bytes {
    fn read(target: &u64) -> Option<Self> {
        Some(Bytes(*target))
    }

    fn apply(self, target: &mut u64) {
        *target = self.0;
    }
}

/// A duration. Written as a bare number of seconds, which earlier releases read as well.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seconds(Duration);

impl ValueName for Seconds {
    const VALUE_NAME: &str = "DURATION";
}

impl Configures<Duration> for Seconds {
    fn read(target: &Duration) -> Option<Self> {
        Some(Seconds(*target))
    }

    fn apply(self, target: &mut Duration) {
        *target = self.0;
    }
}

impl Configures<Option<Duration>> for Seconds {
    fn read(target: &Option<Duration>) -> Option<Self> {
        target.map(Seconds)
    }

    fn apply(self, target: &mut Option<Duration>) {
        *target = Some(self.0);
    }
}

impl FromStr for Seconds {
    type Err = ParseDurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_duration(text).map(Seconds)
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0.as_secs_f64())
    }
}

/// Wraps types of the standard library to give their parse errors an example.
macro_rules! with_example {
    ($($(#[$attribute:meta])+ $name:ident($inner:ty), $expected:literal;)+) => {$(
        $(#[$attribute])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) struct $name(pub(super) $inner);

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map($name).map_err(|_| format!(concat!("`{}` is not ", $expected), text))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }
    )+};
}

/// An IP address to listen on, or `localhost` for those of both families.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ip(pub(super) String);

impl Ip {
    /// Both loopback addresses.
    pub(super) const LOCALHOST: &str = "localhost";
}

impl FromStr for Ip {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.eq_ignore_ascii_case(Ip::LOCALHOST) {
            return Ok(Ip(Ip::LOCALHOST.to_owned()));
        }
        let address = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text).parse::<IpAddr>();
        address.map(|address| Ip(address.to_string())).map_err(|_| {
            format!("`{text}` is not an IP address: use for example `127.0.0.1` or `::1`, or `localhost` for both")
        })
    }
}

impl fmt::Display for Ip {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// An address and a port to listen on. `localhost` is that of IPv4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Address(pub(super) SocketAddr);

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let of_localhost = text
            .rsplit_once(':')
            .filter(|(host, _)| host.eq_ignore_ascii_case(Ip::LOCALHOST))
            .and_then(|(_, port)| Some(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port.parse().ok()?)));
        of_localhost.or_else(|| text.parse().ok()).map(Address).ok_or_else(|| {
            format!("`{text}` is not an address with a port: use for example `127.0.0.1:9090` or `localhost:9090`")
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

with_example! {
    /// A port to listen on.
    Port(u16), "a port: use a number from 0 to 65535";
}

/// A shutdown policy for empty rooms: as the library parses it, or any duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Policy(pub(super) ShutdownPolicy);

impl FromStr for Policy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let policy = text.parse().or_else(|_| parse_duration(text).map(ShutdownPolicy::After));
        policy.map(Policy).map_err(|_| {
            format!("`{text}` is not a shutdown policy: use `never`, `immediate`, or a duration such as `300` or `5m`")
        })
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The handling of running rooms when their service is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Swap(pub(super) OnSwap);

impl FromStr for Swap {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "restart" => Ok(Swap(OnSwap::Restart)),
            "drain" => Ok(Swap(OnSwap::Drain)),
            _ => Err(format!("`{text}` is not a swap mode: use `restart` or `drain`")),
        }
    }
}

impl fmt::Display for Swap {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.0 == OnSwap::Drain { "drain" } else { "restart" })
    }
}

/// A serde adapter that reads numbers and strings with [`FromStr`], and writes a number if the text is one.
pub(super) mod as_text {
    use std::{fmt, marker::PhantomData, str::FromStr};

    use serde::{Deserializer, Serializer, de};

    pub(crate) fn serialize<T: fmt::Display, S: Serializer>(value: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
        let Some(value) = value else { return to.serialize_none() };
        let text = value.to_string();
        match (text.parse(), text.parse()) {
            (Ok(whole), _) => to.serialize_i64(whole),
            // Whole numbers beyond an `i64` would lose digits.
            (_, Ok(number)) if text.contains('.') => to.serialize_f64(number),
            _ => to.serialize_str(&text),
        }
    }

    pub(crate) fn deserialize<'a, T, D>(from: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr<Err: fmt::Display>,
        D: Deserializer<'a>,
    {
        from.deserialize_any(TextOrNumber(PhantomData)).map(Some)
    }

    struct TextOrNumber<T>(PhantomData<T>);

    impl<T: FromStr<Err: fmt::Display>> de::Visitor<'_> for TextOrNumber<T> {
        type Value = T;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a number or a string")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }

        fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
            self.visit_str(&number.to_string())
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
            self.visit_str(&number.to_string())
        }

        fn visit_f64<E: de::Error>(self, number: f64) -> Result<T, E> {
            self.visit_str(&number.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_seconds() {
        for (text, seconds) in [("0.5", "0.5"), ("500ms", "0.5"), ("30", "30"), ("5m", "300")] {
            assert_eq!(text.parse::<Seconds>().unwrap().to_string(), seconds);
        }
    }

    #[test]
    fn a_policy_accepts_every_duration() {
        for text in ["300", "300sec", "300s", "5m"] {
            assert_eq!(text.parse::<Policy>().unwrap().to_string(), "300sec");
        }
        for text in ["", "5 ", "-1", "sometimes"] {
            let error = text.parse::<Policy>().unwrap_err();
            assert!(error.starts_with(&format!("`{text}` is not a shutdown policy")), "{error}");
        }
    }

    #[test]
    fn a_positive_value_rejects_zero() {
        assert_eq!("1".parse(), Ok(Positive(1_usize)));
        for text in ["0", "0KiB"] {
            assert_eq!(text.parse::<Positive<Bytes>>(), Err("must be greater than 0".to_owned()));
        }
        assert!("0s".parse::<Positive<Seconds>>().is_err());
    }
}
