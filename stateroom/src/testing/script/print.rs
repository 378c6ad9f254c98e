//! Prints a script as the source code of a test.
//!
//! *Invariant:* the printed test compiles with `use stateroom::{testing::*, *}`, or the same of `stateroom_wasm`, and
//! is equivalent to [`Script::run`].
use std::{collections::BTreeSet, fmt::Write, time::Duration};

use super::{Script, Step};
use crate::{
    ClientId, MessagePayload,
    details::ClientDetails,
    http::{Request, Response},
    testing::mismatch::literal,
};

/// The variable names of the first clients. Further ones are named by their ID.
const NAMES: [&str; 8] = ["ann", "bob", "cleo", "dan", "eve", "finn", "gwen", "hugo"];

impl Script {
    /// Returns the source code of a test with this name, ready to paste. `room` is the expression that creates the
    /// room, such as `Room::of(Counter::default)`.
    ///
    /// The module of the test needs `use stateroom::{testing::*, *};`, or the same of `stateroom_wasm`.
    #[must_use]
    pub fn to_test(&self, name: &str, room: &str) -> String {
        let mut body = TestBody::default();
        for (index, step) in self.steps.iter().enumerate() {
            let later = self.steps.get(index + 1..).unwrap_or_default();
            body.step(step, later);
        }
        if self.expects_messages() {
            body.line("room.expect_nothing_more();");
        }
        format!("#[test]\nfn {name}() {{\n    let mut room = {room};\n{}}}\n", body.text)
    }
}

/// The statements of a test.
#[derive(Default)]
struct TestBody {
    text: String,
    /// The clients that have connected.
    connected: BTreeSet<ClientId>,
}

impl TestBody {
    fn line(&mut self, line: impl AsRef<str>) {
        self.text.push_str("    ");
        self.text.push_str(line.as_ref());
        self.text.push('\n');
    }

    fn step(&mut self, step: &Step, later: &[Step]) {
        match step {
            // `Script::run` skips these, too.
            step if step.client().is_some_and(|client| !self.connected.contains(&client)) => {}
            Step::Connect { client, token, details } => {
                let call = match (token, details) {
                    (None, None) => "room.connect()".to_owned(),
                    (Some(token), None) => format!("room.connect_with_token({token:?})"),
                    (token, Some(details)) => {
                        self.details(details);
                        format!("room.connect_as({}, details)", optional(token.as_ref()))
                    }
                };
                self.connected.insert(*client);
                let binding = if is_used(*client, later) { format!("let {} = ", name(*client)) } else { String::new() };
                self.line(format!("{binding}{call};"));
            }
            Step::Send { client, message } => {
                self.line(format!("room.send({}, {});", name(*client), literal(message)));
            }
            Step::Disconnect { client } => self.line(format!("room.disconnect({});", name(*client))),
            Step::Advance { time } => self.line(format!("room.advance({});", duration(*time))),
            Step::FireTimer => self.line("room.fire_timer();"),
            Step::Call { message, answer } => {
                let call = format!("room.call({})", literal(message));
                let answer = answer.as_ref().map(|answer| format!("Some({}.into())", literal(answer)));
                self.assert_answer(&call, answer);
            }
            Step::Request { request, response } => {
                let request = self.request(request);
                self.assert_answer(&format!("room.request({request})"), response.as_deref().map(expected_response));
            }
            Step::Shutdown => self.line("room.shutdown();"),
            Step::Expect { client, messages } if messages.is_empty() => {
                self.line(format!("room.expect_nothing({});", name(*client)));
            }
            Step::Expect { client, messages } => {
                self.line(format!("room.expect({}, [{}]);", name(*client), list(messages)));
            }
            Step::ExpectClosed { client, code } => self.line(format!("room.expect_closed({}, {code});", name(*client))),
        }
    }

    fn assert_answer(&mut self, call: &str, answer: Option<String>) {
        match answer {
            Some(answer) => self.line(format!("assert_eq!({call}, {answer});")),
            None => self.line(format!("{call};")),
        }
    }

    fn details(&mut self, details: &ClientDetails) {
        self.line("let mut details = details::ClientDetails::default();");
        self.field("details.subject", details.subject.as_ref());
        self.field("details.claims", details.claims.as_ref());
        for (field, pairs) in [("query", &details.query), ("headers", &details.headers)] {
            for (name, value) in pairs {
                self.line(format!("details.{field}.push(({name:?}.into(), {value:?}.into()));"));
            }
        }
        self.field("details.subprotocol", details.subprotocol.as_ref());
    }

    /// Returns the expression for a request, after the statements it needs.
    fn request(&mut self, request: &Request) -> String {
        let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
        let mut text = format!("http::Request::new({:?}, {:?})", request.method, format!("{}{query}", request.path));
        add_headers_and_body(&mut text, &request.headers, &request.body);
        if request.subject.is_none() && request.claims.is_none() {
            return text;
        }
        self.line(format!("let mut request = {text};"));
        self.field("request.subject", request.subject.as_ref());
        self.field("request.claims", request.claims.as_ref());
        "request".to_owned()
    }

    fn field(&mut self, field: &str, value: Option<&String>) {
        if let Some(value) = value {
            self.line(format!("{field} = Some({value:?}.into());"));
        }
    }
}

fn expected_response(response: &Response) -> String {
    let mut text = format!("Some(http::Response::new({}, {})", response.status, bytes(&response.body));
    add_headers_and_body(&mut text, &response.headers, &[]);
    text.push(')');
    text
}

fn add_headers_and_body(text: &mut String, headers: &[(String, String)], body: &[u8]) {
    for (name, value) in headers {
        let _ = write!(text, ".with_header({name:?}, {value:?})");
    }
    if !body.is_empty() {
        let _ = write!(text, ".with_body({})", bytes(body));
    }
}

fn bytes(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| literal(&bytes.into()), |text| literal(&text.into()))
}

fn optional(text: Option<&String>) -> String {
    text.map_or("None".to_owned(), |text| format!("Some({text:?})"))
}

/// Formats the items of one array. If some are binary, all are converted to the same type.
fn list(messages: &[MessagePayload]) -> String {
    let are_texts = messages.iter().all(|message| message.text().is_some());
    let item = |message| {
        let literal = literal(message);
        if are_texts { literal } else { format!("MessagePayload::from({literal})") }
    };
    messages.iter().map(item).collect::<Vec<_>>().join(", ")
}

fn duration(time: Duration) -> String {
    let units = [(3_600_000, "hour"), (60_000, "minute"), (1000, "second"), (1, "millisecond")];
    let milliseconds = time.as_millis();
    let whole = Duration::from_millis(u64::try_from(milliseconds).unwrap_or(u64::MAX)) == time && milliseconds > 0;
    match units.into_iter().find(|(unit, _)| whole && milliseconds % unit == 0) {
        Some((unit, name)) if milliseconds == unit => format!("1.{name}()"),
        Some((unit, name)) => format!("{}.{name}s()", milliseconds / unit),
        None => format!("std::time::Duration::new({}, {})", time.as_secs(), time.subsec_nanos()),
    }
}

fn name(client: ClientId) -> String {
    let index = client.0.checked_sub(1).and_then(|index| usize::try_from(index).ok());
    index.and_then(|index| NAMES.get(index)).map_or_else(|| format!("client_{}", client.0), |name| (*name).to_owned())
}

/// Returns whether a later step refers to the client before it reconnects.
fn is_used(client: ClientId, later: &[Step]) -> bool {
    let is_reconnect = |step: &&Step| matches!(step, Step::Connect { client: other, .. } if *other == client);
    later.iter().take_while(|step| !is_reconnect(step)).any(|step| step.client() == Some(client))
}
