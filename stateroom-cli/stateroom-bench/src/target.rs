//! The URL of the rooms to test.
use url::{Host, ParseError, Url};

/// Placeholder for the room number.
const ROOM_PLACEHOLDER: &str = "{room}";
/// The placeholder in a path, where the URL standard encodes braces.
const ENCODED_PLACEHOLDER: &str = "%7Broom%7D";

/// The rooms of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// URL with the placeholder, unless it names a single room.
    template: String,
    /// Whether to use TLS.
    pub(crate) is_secure: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// A URL that cannot be used as a target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// The URL does not parse.
    #[error("`{url}` is not a valid URL")]
    Invalid {
        /// The URL.
        url: String,
        /// Error of the parser.
        source: ParseError,
    },
    /// The scheme is missing or unknown.
    #[error("`{url}` does not begin with `ws`, `wss`, `http` or `https`: use a URL such as `http://127.0.0.1:8080`")]
    Scheme {
        /// The URL.
        url: String,
    },
    /// The URL, which is not repeated here, contains a user name or password.
    #[error("the URL contains credentials, which are not supported: use `?access_token=` for a token")]
    Credentials,
    /// The placeholder is in the host.
    #[error("`{url}` contains `{{room}}` in the host: all rooms must be on the same server")]
    PlaceholderInHost {
        /// The URL.
        url: String,
    },
    /// Several rooms are requested, but the URL names a single one.
    #[error("`{url}` names a single room, but --rooms is {rooms}\n  hint: replace the room in the URL with `{{room}}`")]
    SingleRoom {
        /// The URL.
        url: String,
        /// Number of rooms requested.
        rooms: u32,
    },
}

impl Target {
    /// Parses a URL and fills in what it leaves out.
    ///
    /// # Errors
    ///
    /// Fails if the URL is invalid, or is not one of a WebSocket server.
    pub(crate) fn parse(text: &str) -> Result<Self, TargetError> {
        let input = || text.to_owned();
        let mut url = Url::parse(text).map_err(|source| match source {
            ParseError::RelativeUrlWithoutBase => TargetError::Scheme { url: input() },
            source => TargetError::Invalid { url: input(), source },
        })?;
        let is_secure = match url.scheme() {
            "ws" | "http" => false,
            "wss" | "https" => true,
            _ => return Err(TargetError::Scheme { url: input() }),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(TargetError::Credentials);
        }
        let (host, port) = match (url.host(), url.port_or_known_default()) {
            (Some(Host::Ipv6(address)), Some(port)) => (address.to_string(), port),
            (Some(host), Some(port)) => (host.to_string(), port),
            _ => return Err(TargetError::Invalid { url: input(), source: ParseError::EmptyHost }),
        };
        if host.contains(ROOM_PLACEHOLDER) {
            return Err(TargetError::PlaceholderInHost { url: input() });
        }
        url.set_fragment(None);
        if url.path() == "/" {
            url.set_path(&format!("ws/bench-{ROOM_PLACEHOLDER}"));
        } else if url.path().ends_with('/') && !has_placeholder(url.as_str()) {
            url.set_path(&format!("{}{ROOM_PLACEHOLDER}", url.path()));
        }
        // Cannot fail: both schemes are special ones in the sense of the URL standard.
        let _ = url.set_scheme(if is_secure { "wss" } else { "ws" });
        let template = url.as_str().replace(ENCODED_PLACEHOLDER, ROOM_PLACEHOLDER);
        Ok(Target { template, is_secure, host, port })
    }

    /// Returns whether the URL has a placeholder for the room number.
    pub(crate) fn has_placeholder(&self) -> bool {
        has_placeholder(&self.template)
    }

    /// Returns the URL of a room.
    pub(crate) fn room_url(&self, number: u32) -> String {
        self.template.replace(ROOM_PLACEHOLDER, &number.to_string())
    }
}

fn has_placeholder(url: &str) -> bool {
    url.contains(ROOM_PLACEHOLDER) || url.contains(ENCODED_PLACEHOLDER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_in_path_and_room_number() {
        for (url, room) in [
            ("http://127.0.0.1:8080", "ws://127.0.0.1:8080/ws/bench-7"),
            ("http://127.0.0.1:8080/?token=a", "ws://127.0.0.1:8080/ws/bench-7?token=a"),
            ("https://example.com/", "wss://example.com/ws/bench-7"),
            ("ws://[::1]:8080/ws/", "ws://[::1]:8080/ws/7"),
            ("ws://h/ws/a-{room}/x?n={room}", "ws://h/ws/a-7/x?n=7"),
            ("ws://h/ws/?n={room}", "ws://h/ws/?n=7"),
        ] {
            let target = Target::parse(url).unwrap();
            assert_eq!((target.room_url(7).as_str(), target.has_placeholder()), (room, true), "{url}");
        }
        let one = Target::parse("ws://h/ws/a#top").unwrap();
        assert_eq!((one.room_url(7).as_str(), one.has_placeholder(), one.port), ("ws://h/ws/a", false, 80));
        let secure = Target::parse("https://[::1]/ws/a").unwrap();
        assert_eq!((secure.host.as_str(), secure.port, secure.is_secure), ("::1", 443, true));
    }

    #[test]
    fn rejects_unusable_urls() {
        for (url, expected) in [
            ("127.0.0.1:8080", "does not begin with"),
            ("localhost:8080", "does not begin with"),
            ("ftp://h/", "does not begin with"),
            ("ws://", "not a valid URL"),
            ("ws://a b/", "not a valid URL"),
            ("ws://h{room}/ws/", "`{room}` in the host"),
            ("ws://me:secret@h/", "credentials"),
        ] {
            let error = Target::parse(url).unwrap_err().to_string();
            assert!(error.contains(expected) && !error.contains("secret"), "{url}: {error}");
        }
    }
}
