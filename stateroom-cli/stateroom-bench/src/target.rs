//! Where the rooms are: what the URL says, and what it leaves to us.
use tokio_tungstenite::tungstenite::http::Uri;

/// Stands in the URL for the room's number.
const ROOM: &str = "{room}";

/// Rooms of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The URL of a room, with `{room}` in it if there is more than one.
    url: String,
    /// Whether TLS is spoken.
    pub(crate) secure: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Target {
    /// Reads a URL.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and how to write it.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        let wrong = |what: &str| format!("`{url}` {what}");
        let (scheme, rest) = url.split_once("://").ok_or_else(|| {
            wrong("has no scheme: write such as `ws://127.0.0.1:8080/ws/a` or `http://127.0.0.1:8080`")
        })?;
        let secure = match scheme {
            "ws" | "http" => false,
            "wss" | "https" => true,
            _ => return Err(wrong("has an unknown scheme: rooms are at `ws`, `wss`, `http` or `https`")),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let (place, query) = match rest.split_once('?') {
            Some((place, query)) => (place, format!("?{query}")),
            None => (rest, String::new()),
        };
        let (authority, path) = place.split_once('/').unwrap_or((place, ""));
        if authority.contains('@') {
            return Err(wrong("names a user, which rooms are not told"));
        }
        let path = match path {
            "" => format!("ws/bench-{ROOM}"),
            path if path.ends_with('/') && !rest.contains(ROOM) => format!("{path}{ROOM}"),
            path => path.to_owned(),
        };
        let url = format!("{}://{authority}/{path}{query}", if secure { "wss" } else { "ws" });
        let uri: Uri = url.replace(ROOM, "1").parse().map_err(|error| wrong(&format!("is no URL: {error}")))?;
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(|| wrong("names no host"))?;
        if authority.contains(ROOM) {
            return Err(wrong("names more than one host"));
        }
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        Ok(Target { url, secure, host, port })
    }

    /// Whether it is more than one room.
    pub(crate) fn is_many(&self) -> bool {
        self.url.contains(ROOM)
    }

    /// The URL of a room.
    pub(crate) fn room(&self, number: u32) -> String {
        self.url.replace(ROOM, &number.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_are_where_the_url_says() {
        for (url, room) in [
            ("http://127.0.0.1:8080", "ws://127.0.0.1:8080/ws/bench-7"),
            ("http://127.0.0.1:8080/?token=a", "ws://127.0.0.1:8080/ws/bench-7?token=a"),
            ("https://example.com/", "wss://example.com/ws/bench-7"),
            ("ws://[::1]:80/ws/", "ws://[::1]:80/ws/7"),
            ("ws://h/ws/a-{room}/x?n={room}", "ws://h/ws/a-7/x?n=7"),
            ("ws://h/ws/?n={room}", "ws://h/ws/?n=7"),
        ] {
            let target = Target::parse(url).unwrap();
            assert_eq!((target.room(7).as_str(), target.is_many()), (room, true), "{url}");
        }
        let one = Target::parse("ws://h/ws/a#top").unwrap();
        assert_eq!((one.room(7).as_str(), one.is_many(), one.port), ("ws://h/ws/a", false, 80));
        let secure = Target::parse("https://[::1]/ws/a").unwrap();
        assert_eq!((secure.host.as_str(), secure.port, secure.secure), ("::1", 443, true));
    }

    #[test]
    fn what_is_no_url_is_refused_with_what_to_write() {
        for (url, says) in [
            ("127.0.0.1:8080", "no scheme"),
            ("ftp://h/", "unknown scheme"),
            ("ws://", "URL"),
            ("ws://h{room}/ws/", "more than one host"),
            ("ws://me:secret@h/", "names a user"),
            ("ws://a b/", "is no URL"),
        ] {
            let error = Target::parse(url).unwrap_err();
            assert!(error.contains(says), "{url}: {error}");
        }
    }
}
