//! Rooms and what happens in them, as the page gets to read it.
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value, json};
use stateroom::{
    MessagePayload, MessageRecipient,
    details::ClientDetails,
    fault::Fault,
    http::Request,
    messages::{Effect, Event},
};

use stateroom_record::{Entry, Happened, RoomRecord};

/// Of a longer payload, this much is shown.
const SHOWN_BYTES: usize = 64 << 10;

/// A room at a glance.
pub(super) fn room(room: &RoomRecord) -> Value {
    let seen = room.seen();
    json!({
        "id": &**room.id(),
        "clients": seen.clients,
        "events": seen.events,
        "age_seconds": seen.began.map(|began| began.elapsed().as_secs_f64().floor()),
        "cpu_seconds": seen.computed.as_secs_f64(),
        "memory_bytes": seen.memory_bytes,
        "faults": seen.faults,
        "ended": !seen.lives,
    })
}

/// One thing that happened.
pub(super) fn entry(entry: &Entry) -> Value {
    let mut shown = Map::new();
    shown.insert("seq".to_owned(), entry.seq.into());
    shown.insert("unix_ms".to_owned(), entry.unix_ms.into());
    shown.insert("generation".to_owned(), entry.generation.into());
    let more = match &entry.happened {
        Happened::Begin { .. } => json!({ "kind": "begin" }),
        Happened::Restore { text } => json!({ "kind": "restore", "text": text }),
        Happened::Log { text } => json!({ "kind": "log", "text": text }),
        Happened::Event { event: of, effects, took, memory_bytes } => {
            let mut shown = event(of);
            shown.insert("took_us".to_owned(), (took.as_secs_f64() * 1e6).into());
            shown.insert("memory_bytes".to_owned(), (*memory_bytes).into());
            shown.insert("effects".to_owned(), effects.iter().map(effect).collect());
            Value::Object(shown)
        }
        Happened::Fault { event: of, fault: why } => {
            let mut shown = of.as_ref().map(event).unwrap_or_default();
            shown.insert("kind".to_owned(), "fault".into());
            shown.insert("fault".to_owned(), fault(why));
            Value::Object(shown)
        }
    };
    if let Value::Object(more) = more {
        shown.extend(more);
    }
    Value::Object(shown)
}

fn event(event: &Event) -> Map<String, Value> {
    let mut shown = Map::new();
    shown.insert("kind".to_owned(), event.label().into());
    match event {
        Event::Connect { client } | Event::Disconnect { client } => {
            shown.insert("client".to_owned(), client.0.into());
        }
        Event::ConnectWith { client, details: known } => {
            shown.insert("client".to_owned(), client.0.into());
            shown.insert("details".to_owned(), details(known));
        }
        Event::Message { sender, message } => {
            shown.insert("client".to_owned(), sender.0.into());
            shown.insert("payload".to_owned(), payload(message));
        }
        Event::Call { message } => {
            shown.insert("payload".to_owned(), payload(message));
        }
        Event::Request { request: asked } => {
            shown.insert("request".to_owned(), request(asked));
        }
        _ => {}
    }
    shown
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
            let shown = text.floor_char_boundary(SHOWN_BYTES);
            json!({ "text": text.get(..shown), "bytes": text.len(), "cut": shown < text.len() })
        }
        MessagePayload::Bytes(bytes) => binary(bytes),
    }
}

/// What may be a text.
fn bytes(bytes: &[u8]) -> Value {
    match str::from_utf8(bytes) {
        Ok(text) => payload(&MessagePayload::Text(text.to_owned())),
        Err(_) => binary(bytes),
    }
}

fn binary(bytes: &[u8]) -> Value {
    let shown = bytes.get(..SHOWN_BYTES).unwrap_or(bytes);
    json!({ "binary": BASE64_STANDARD.encode(shown), "bytes": bytes.len(), "cut": shown.len() < bytes.len() })
}
