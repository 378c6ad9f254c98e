//! Rooms and entries of their records as JSON, for the page.
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value, json};
use stateroom::{
    MessagePayload, MessageRecipient,
    details::ClientDetails,
    fault::Fault,
    http::Request,
    messages::{Effect, Event},
};

use stateroom_record::{Entry, RecordKind, RoomRecord};

/// Number of bytes of a payload that the page gets.
const MAX_PAYLOAD_BYTES: usize = 64 << 10;

/// Encodes the state of a room.
pub(crate) fn room(room: &RoomRecord) -> Value {
    let summary = room.summary();
    json!({
        "id": &**room.id(),
        "clients": summary.clients.iter().map(|client| client.0).collect::<Vec<_>>(),
        "events": summary.events,
        "age_seconds": summary.started.map(|started| started.elapsed().as_secs_f64().floor()),
        "cpu_seconds": summary.event_time.as_secs_f64(),
        "memory_bytes": summary.memory_bytes,
        "faults": summary.faults,
        "ended": !summary.is_running,
    })
}

/// Encodes an entry of a record.
pub(crate) fn entry(entry: &Entry) -> Value {
    let mut object = Map::new();
    object.insert("seq".to_owned(), entry.seq.into());
    object.insert("unix_ms".to_owned(), entry.unix_ms.into());
    object.insert("generation".to_owned(), entry.generation.into());
    let more = match &entry.kind {
        RecordKind::Start => json!({ "kind": "start" }),
        RecordKind::Restore { text } => json!({ "kind": "restore", "text": text }),
        RecordKind::Log { text } => json!({ "kind": "log", "text": text }),
        RecordKind::Event { event: handled, effects, duration, memory_bytes } => {
            let mut object = event(handled);
            object.insert("took_us".to_owned(), (duration.as_secs_f64() * 1e6).into());
            object.insert("memory_bytes".to_owned(), (*memory_bytes).into());
            object.insert("effects".to_owned(), effects.iter().map(effect).collect());
            Value::Object(object)
        }
        RecordKind::Fault { event: failed, fault: cause } => {
            let mut object = failed.as_ref().map(event).unwrap_or_default();
            object.insert("kind".to_owned(), "fault".into());
            object.insert("fault".to_owned(), fault(cause));
            Value::Object(object)
        }
        _ => json!({ "kind": "unknown" }),
    };
    if let Value::Object(more) = more {
        object.extend(more);
    }
    Value::Object(object)
}

fn event(event: &Event) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("kind".to_owned(), event.kind().label().into());
    match event {
        Event::Connect { client } | Event::Disconnect { client } => {
            object.insert("client".to_owned(), client.0.into());
        }
        Event::ConnectWith { client, details: client_details } => {
            object.insert("client".to_owned(), client.0.into());
            object.insert("details".to_owned(), details(client_details));
        }
        Event::Message { sender, message } => {
            object.insert("client".to_owned(), sender.0.into());
            object.insert("payload".to_owned(), payload(message));
        }
        Event::Call { message } => {
            object.insert("payload".to_owned(), payload(message));
        }
        Event::Request { request: http_request } => {
            object.insert("request".to_owned(), request(http_request));
        }
        _ => {}
    }
    object
}

fn details(details: &ClientDetails) -> Value {
    json!({
        "subject": details.subject,
        "claims": details.claims.as_deref().map(|claims| serde_json::from_str(claims).unwrap_or(Value::Null)),
        "query": details.query,
        "headers": details.headers,
        "subprotocol": details.subprotocol,
    })
}

fn request(request: &Request) -> Value {
    json!({
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "body": bytes(&request.body),
    })
}

fn effect(effect: &Effect) -> Value {
    match effect {
        Effect::Message { recipient, message } => {
            let to = match recipient {
                MessageRecipient::Broadcast => json!("all"),
                MessageRecipient::Client(client) => json!({ "client": client.0 }),
                MessageRecipient::EveryoneExcept(client) => json!({ "except": client.0 }),
            };
            json!({ "kind": "send", "to": to, "payload": payload(message) })
        }
        Effect::SetTimer { ms_delay } => json!({ "kind": "timer", "ms": ms_delay }),
        Effect::CloseClient { client, code, reason } => {
            json!({ "kind": "close", "client": client.0, "code": code, "reason": reason })
        }
        Effect::EndRoom => json!({ "kind": "end" }),
        Effect::Answer { message } => json!({ "kind": "answer", "payload": payload(message) }),
        Effect::Respond { response } => {
            json!({ "kind": "respond", "status": response.status, "payload": bytes(&response.body) })
        }
        _ => json!({ "kind": "unknown" }),
    }
}

fn fault(fault: &Fault) -> Value {
    json!({
        "reason": fault.kind().label(),
        "event": fault.event(),
        "message": fault.message(),
        "backtrace": fault.backtrace(),
    })
}

fn payload(message: &MessagePayload) -> Value {
    match message {
        MessagePayload::Text(text) => {
            let shown = text.floor_char_boundary(MAX_PAYLOAD_BYTES);
            json!({ "text": text.get(..shown), "bytes": text.len(), "cut": shown < text.len() })
        }
        MessagePayload::Bytes(bytes) => binary(bytes),
    }
}

/// Encodes bytes as text if they are UTF-8.
fn bytes(bytes: &[u8]) -> Value {
    match str::from_utf8(bytes) {
        Ok(text) => payload(&MessagePayload::Text(text.to_owned())),
        Err(_) => binary(bytes),
    }
}

fn binary(bytes: &[u8]) -> Value {
    let shown = bytes.get(..MAX_PAYLOAD_BYTES).unwrap_or(bytes);
    json!({ "binary": BASE64_STANDARD.encode(shown), "bytes": bytes.len(), "cut": shown.len() < bytes.len() })
}
