//! The units that settings are given in, and how they are read and written: the same way on the command line, in the
//! environment and in `stateroom.toml`.
use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
    time::Duration,
};

use stateroom_server::{OnSwap, ParseShutdownPolicyError, ShutdownPolicy};

/// What a setting is measured in.
pub(crate) trait Quantity {
    /// How the help calls it.
    const UNIT: &str;
}

/// A setting, and the `Target` of the libraries that it sets.
pub(crate) trait Sets<Target>: Sized {
    /// What the target is set to, if that is settled at all.
    fn get(target: &Target) -> Option<Self>;
    /// Sets the target.
    fn set(self, target: &mut Target);
}

/// Numbers set numbers, and such as may be left to the libraries.
macro_rules! numbers {
    ($($number:ty)+) => {$(
        impl Quantity for $number {
            const UNIT: &str = "NUMBER";
        }

        impl Sets<$number> for $number {
            fn get(target: &$number) -> Option<Self> {
                Some(*target)
            }

            fn set(self, target: &mut $number) {
                *target = self;
            }
        }

        impl Sets<Option<$number>> for $number {
            fn get(target: &Option<$number>) -> Option<Self> {
                *target
            }

            fn set(self, target: &mut Option<$number>) {
                *target = Some(self);
            }
        }
    )+};
}

numbers! { usize u32 }

/// What there must be some of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Positive<T>(T);

impl<T: Quantity> Quantity for Positive<T> {
    const UNIT: &str = T::UNIT;
}

impl<Target, T: Sets<Target>> Sets<Target> for Positive<T> {
    fn get(target: &Target) -> Option<Self> {
        T::get(target).map(Positive)
    }

    fn set(self, target: &mut Target) {
        self.0.set(target);
    }
}

impl<T: FromStr<Err: fmt::Display> + Default + PartialEq> FromStr for Positive<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(none) if none == T::default() => {
                Err("it has to be more than 0: nothing can be served otherwise".to_owned())
            }
            Ok(some) => Ok(Positive(some)),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl<T: fmt::Display> fmt::Display for Positive<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// An amount of memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Bytes(usize);

impl Quantity for Bytes {
    const UNIT: &str = "BYTES";
}

impl Bytes {
    const UNITS: [(&str, u32); 3] = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
}

impl Sets<usize> for Bytes {
    fn get(target: &usize) -> Option<Self> {
        Some(Bytes(*target))
    }

    fn set(self, target: &mut usize) {
        *target = self.0;
    }
}

impl Sets<u64> for Bytes {
    fn get(target: &u64) -> Option<Self> {
        usize::try_from(*target).ok().map(Bytes)
    }

    fn set(self, target: &mut u64) {
        *target = self.0 as u64;
    }
}

impl FromStr for Bytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unit = Self::UNITS.iter().find_map(|(unit, bits)| Some((text.strip_suffix(unit)?, *bits)));
        let (number, bits) = unit.unwrap_or((text, 0));
        number
            .trim_end()
            .parse::<usize>()
            .ok()
            .and_then(|number| number.checked_mul(1 << bits))
            .map(Bytes)
            .ok_or_else(|| format!("`{text}` is no number of bytes: write it as `65536`, `64KiB` or `16MiB`"))
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = |(_, bits): &&(&str, u32)| self.0 != 0 && self.0.trailing_zeros() >= *bits;
        match Self::UNITS.iter().find(whole) {
            Some((unit, bits)) => write!(formatter, "{}{unit}", self.0 >> bits),
            None => write!(formatter, "{}", self.0),
        }
    }
}

/// A time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Seconds(Duration);

impl Quantity for Seconds {
    const UNIT: &str = "SECONDS";
}

impl Sets<Duration> for Seconds {
    fn get(target: &Duration) -> Option<Self> {
        Some(Seconds(*target))
    }

    fn set(self, target: &mut Duration) {
        *target = self.0;
    }
}

impl FromStr for Seconds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse()
            .ok()
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .map(Seconds)
            .ok_or_else(|| format!("`{text}` is no number of seconds: write it as `30` or `0.5`"))
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0.as_secs_f64())
    }
}

/// What the libraries take, with our own words where it is not understood.
macro_rules! worded {
    ($($(#[$attribute:meta])+ $name:ident($inner:ty), $words:literal;)+) => {$(
        $(#[$attribute])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) struct $name(pub(crate) $inner);

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map($name).map_err(|_| format!(concat!("`{}` is no ", $words), text))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }
    )+};
}

worded! {
    /// An address to listen on.
    Ip(IpAddr), "IP address: write such as `127.0.0.1` or `::1`";
    /// An address and a port to listen on.
    Address(SocketAddr), "address with a port: write such as `127.0.0.1:9090`";
    /// A port to listen on.
    Port(u16), "port: write a number from 0 to 65535";
}

/// When an empty room ends: as the library reads it, or a mere number of seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Policy(pub(crate) ShutdownPolicy);

impl FromStr for Policy {
    type Err = ParseShutdownPolicyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().or_else(|error| format!("{text}sec").parse().map_err(|_| error)).map(Policy)
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// What becomes of rooms when their service is swapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Swap(pub(crate) OnSwap);

impl FromStr for Swap {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "restart" => Ok(Swap(OnSwap::Restart)),
            "drain" => Ok(Swap(OnSwap::Drain)),
            _ => Err(format!("`{text}` is nothing that could become of rooms: write `restart` or `drain`")),
        }
    }
}

impl fmt::Display for Swap {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.0 == OnSwap::Drain { "drain" } else { "restart" })
    }
}

/// For serde: a number or a text, read as the command line reads it.
pub(crate) mod as_text {
    use std::{fmt, marker::PhantomData, str::FromStr};

    use serde::{Deserializer, Serializer, de};

    pub(crate) fn serialize<T: fmt::Display, S: Serializer>(value: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
        let Some(value) = value else { return to.serialize_none() };
        let text = value.to_string();
        match (text.parse(), text.parse()) {
            (Ok(whole), _) => to.serialize_i64(whole),
            (_, Ok(number)) => to.serialize_f64(number),
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
            formatter.write_str("a number or a text")
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
    fn bytes_are_read_with_and_without_a_unit_and_written_in_the_largest() {
        for (text, bytes) in [("0", 0), ("1000", 1000), ("64KiB", 65_536), ("16 MiB", 16 << 20), ("2GiB", 2 << 30)] {
            assert_eq!(text.parse(), Ok(Bytes(bytes)));
        }
        for (bytes, text) in [(0, "0"), (1000, "1000"), (65_536, "64KiB"), (16 << 20, "16MiB")] {
            assert_eq!(Bytes(bytes).to_string(), text);
        }
    }

    #[test]
    fn seconds_may_be_fractions() {
        assert_eq!("0.5".parse(), Ok(Seconds(Duration::from_millis(500))));
        assert_eq!("30".parse::<Seconds>().unwrap().to_string(), "30");
    }

    #[test]
    fn a_policy_may_be_a_mere_number_of_seconds() {
        for text in ["300", "300sec"] {
            assert_eq!(text.parse::<Policy>().unwrap().to_string(), "300sec");
        }
        assert!("5 ".parse::<Policy>().unwrap_err().to_string().starts_with("invalid shutdown policy `5 `"));
    }

    #[test]
    fn what_there_must_be_some_of_is_not_none() {
        assert_eq!("1".parse(), Ok(Positive(1_usize)));
        for text in ["0", "0KiB"] {
            assert!(text.parse::<Positive<Bytes>>().unwrap_err().starts_with("it has to be more than 0"));
        }
        assert!("0.0".parse::<Positive<Seconds>>().is_err());
    }

    #[test]
    fn what_is_no_quantity_is_refused_with_what_to_write() {
        for text in ["", "-1", "1MB", "x", "1.5", "99999999999GiB"] {
            assert!(text.parse::<Bytes>().unwrap_err().contains("16MiB"), "{text}");
        }
        for text in ["", "-1", "30s", "inf", "nan", "1e30"] {
            assert!(text.parse::<Seconds>().unwrap_err().contains("0.5"), "{text}");
        }
    }
}
