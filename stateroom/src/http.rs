//! HTTP requests to a room, and what it answers.

/// How many headers a request or an answer may have.
pub const MOST_HEADERS: usize = 100;

/// An HTTP request to a room: see [`request`](crate::StateroomService::request).
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Request {
    /// `GET`, `POST` and their like, in upper case.
    pub method: String,
    /// What follows the room in the address, from its `/` on and without the query, as it was sent: percent-encoded. `/`
    /// where nothing follows.
    pub path: String,
    /// The query, without its `?`, as it was sent; without secrets.
    pub query: String,
    /// The headers that the room may see, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Who asks, as whoever let it in says: the claim `sub` of its JSON Web Token, for one.
    pub subject: Option<String>,
    /// What its token claims, as the text of a JSON object.
    pub claims: Option<String>,
}

impl Request {
    /// A request with this method, to this path below the room; what follows a `?` is its query.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        Request { method: method.to_owned(), path: path.to_owned(), query: query.to_owned(), ..Request::default() }
    }

    /// The same, with a header. The name is in lower case.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The same, with a body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The first value of that header. The name is in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    /// The body, if it is a text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.body).ok()
    }

    /// How many bytes it holds, as rooms count them to bound what waits.
    #[must_use]
    pub fn size(&self) -> usize {
        let optional = [&self.subject, &self.claims].into_iter().flatten().map(String::len).sum::<usize>();
        let texts = self.method.len() + self.path.len() + self.query.len() + optional;
        size_of::<Self>() + texts + size_of_pairs(&self.headers) + self.body.len()
    }
}

/// What a room answers to a [`Request`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Response {
    /// The status, from 200 to 599; any other is sent as 500, with a warning in the log.
    pub status: u16,
    /// The headers. Those that are about the connection rather than the answer are left out.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// An answer with this status and this body.
    #[must_use]
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Response { status, headers: Vec::new(), body: body.into() }
    }

    /// The same, with a header.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// How many bytes it holds.
    #[must_use]
    pub fn size(&self) -> usize {
        size_of::<Self>() + size_of_pairs(&self.headers) + self.body.len()
    }
}

impl From<&str> for Response {
    /// 200, and a text.
    fn from(text: &str) -> Self {
        Response::new(200, text).with_header("content-type", "text/plain; charset=utf-8")
    }
}

impl From<String> for Response {
    /// 200, and a text.
    fn from(text: String) -> Self {
        Response::new(200, text).with_header("content-type", "text/plain; charset=utf-8")
    }
}

fn size_of_pairs(pairs: &[(String, String)]) -> usize {
    pairs.iter().map(|(name, value)| 2 * size_of::<String>() + name.len() + value.len()).sum()
}
