//! Strategies for arbitrary events and effects.
use proptest::prelude::*;
use stateroom::{
    ClientId, MessagePayload, MessageRecipient,
    details::ClientDetails,
    http::{Request, Response},
    messages::{Effect, Event},
};

pub(crate) fn client() -> impl Strategy<Value = ClientId> {
    any::<u32>().prop_map(ClientId)
}

pub(crate) fn payload() -> impl Strategy<Value = MessagePayload> {
    prop_oneof![any::<Vec<u8>>().prop_map(MessagePayload::Bytes), any::<String>().prop_map(MessagePayload::Text)]
}

pub(crate) fn recipient() -> impl Strategy<Value = MessageRecipient> {
    prop_oneof![
        Just(MessageRecipient::Broadcast),
        client().prop_map(MessageRecipient::Client),
        client().prop_map(MessageRecipient::EveryoneExcept),
    ]
}

/// Events that are not part of protocol 0.
pub(crate) fn newer_event() -> impl Strategy<Value = Event> {
    prop_oneof![payload().prop_map(|message| Event::Call { message }), connect_with(), Just(Event::Shutdown), request(),]
}

pub(crate) fn response() -> impl Strategy<Value = Effect> {
    (any::<u16>(), headers(), any::<Vec<u8>>()).prop_map(|(status, headers, body)| {
        let mut response = Response::new(status, body);
        response.headers = headers;
        Effect::Respond { response: Box::new(response) }
    })
}

fn connect_with() -> impl Strategy<Value = Event> {
    (client(), details()).prop_map(|(client, details)| Event::ConnectWith { client, details: Box::new(details) })
}

fn details() -> impl Strategy<Value = ClientDetails> {
    let pairs = || prop::collection::vec(any::<(String, String)>(), 0..3);
    let text = any::<Option<String>>;
    (text(), text(), pairs(), pairs(), text()).prop_map(|(subject, claims, query, headers, subprotocol)| {
        let mut details = ClientDetails::default();
        (details.subject, details.claims, details.subprotocol) = (subject, claims, subprotocol);
        (details.query, details.headers) = (query, headers);
        details
    })
}

fn headers() -> impl Strategy<Value = Vec<(String, String)>> {
    prop::collection::vec(any::<(String, String)>(), 0..3)
}

fn request() -> impl Strategy<Value = Event> {
    (any::<[String; 3]>(), headers(), any::<Vec<u8>>(), prop::option::of(".+"), prop::option::of(".+")).prop_map(
        |(texts, headers, body, subject, claims)| {
            let mut request = Request::default();
            [request.method, request.path, request.query] = texts;
            (request.headers, request.body) = (headers, body);
            (request.subject, request.claims) = (subject, claims);
            Event::Request { request: Box::new(request) }
        },
    )
}
