//! HTTP requests to a room, and its responses.

/// Maximum number of headers in a request or a response.
pub const MAX_HEADERS: usize = 100;

/// An HTTP request to a room, passed to [`request`](crate::StateroomService::request).
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Request {
    /// The method in upper case, such as `GET`.
    pub method: String,
    /// The part of the path that follows the room ID, percent-encoded as it was sent. Begins with `/`, and is `/` if
    /// nothing follows.
    pub path: String,
    /// The query without its `?`, encoded as it was sent, without secrets.
    pub query: String,
    /// The headers that the server passes on. Their names are in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The authenticated subject: with JSON Web Tokens, the claim `sub`.
    pub subject: Option<String>,
    /// The claims of the token, as a JSON object.
    pub claims: Option<String>,
}

impl Request {
    /// Creates a request with this method and path. The part of `path` that follows a `?` is the query.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        Request { method: method.to_owned(), path: path.to_owned(), query: query.to_owned(), ..Request::default() }
    }

    /// Adds a header. The name must be in lower case.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Returns the first header with this name, in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// Returns the body as a string if it is valid UTF-8.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.body).ok()
    }

    /// Returns the approximate memory use in bytes, by which rooms bound what they queue.
    #[must_use]
    pub fn size(&self) -> usize {
        let optional = [&self.subject, &self.claims].into_iter().flatten().map(String::len).sum::<usize>();
        let texts = self.method.len() + self.path.len() + self.query.len() + optional;
        size_of::<Self>() + texts + size_of_pairs(&self.headers) + self.body.len()
    }
}

/// A room's response to a [`Request`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Response {
    /// The status code, from 200 to 599. Any other is replaced with 500, with a warning in the log.
    pub status: u16,
    /// The headers. Those about the content pass, such as `content-type`, `cache-control`, `etag` and `location`. Others pass
    /// if the server's `response_headers` lists them, and those of the connection never.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// Creates a response with this status and body.
    #[must_use]
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Response { status, headers: Vec::new(), body: body.into() }
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Returns the approximate memory use in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        size_of::<Self>() + size_of_pairs(&self.headers) + self.body.len()
    }
}

impl From<&str> for Response {
    /// Creates a response with status 200 and a plain-text body.
    fn from(text: &str) -> Self {
        Response::new(200, text).with_header("content-type", "text/plain; charset=utf-8")
    }
}

impl From<String> for Response {
    /// Creates a response with status 200 and a plain-text body.
    fn from(text: String) -> Self {
        Response::new(200, text).with_header("content-type", "text/plain; charset=utf-8")
    }
}

fn size_of_pairs(pairs: &[(String, String)]) -> usize {
    pairs.iter().map(|(name, value)| 2 * size_of::<String>() + name.len() + value.len()).sum()
}
