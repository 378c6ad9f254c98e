//! Tests of the room core, with an output that records its calls and a scripted service.
mod answers;
mod durable;
mod last_client;
mod members;
mod phases;
mod snapshots;
mod timers;

use std::time::Duration;

use super::*;
use crate::{
    MessageRecipient,
    http::Response,
    messages::{EffectKind, EventKind},
};

const MS: Duration = Duration::from_millis(1);
const ANN: ClientId = ClientId(1);
const BOB: ClientId = ClientId(2);

/// A call of [`RoomOutput`]. Clients and connections are their numbers; closes are their codes.
#[derive(Debug, PartialEq)]
enum Output {
    Added(u32, u64),
    Removed(u32, u64, Option<u16>),
    EgressClosed(u32, &'static str, u16),
    Delivered(MessageRecipient, MessagePayload),
    Answered(&'static str, Option<MessagePayload>),
    Responded(&'static str, Option<u16>),
    Handled(u32, u64, usize),
    Limit(RoomLimit),
    Ignored(EffectKind),
    CloseCodeReplaced(u32, u16),
}

/// Records the calls of a room.
#[derive(Debug, Default)]
struct RecordingOutput {
    now: Timestamp,
    calls: Vec<Output>,
    applied: Vec<EventKind>,
}

impl RoomOutput for RecordingOutput {
    type Egress = &'static str;
    type Close = CloseReason;
    type CallReply = &'static str;
    type RequestReply = &'static str;

    fn now(&self) -> Timestamp {
        self.now
    }

    fn add_member(&mut self, client: ClientId, connection: ConnectionId, _: &'static str) {
        self.calls.push(Output::Added(client.0, connection.0));
    }

    fn remove_member(&mut self, client: ClientId, connection: ConnectionId, reason: Option<CloseReason>) {
        self.calls.push(Output::Removed(client.0, connection.0, reason.map(|reason| reason.code())));
    }

    fn close_egress(&mut self, client: ClientId, egress: &'static str, reason: CloseReason) {
        self.calls.push(Output::EgressClosed(client.0, egress, reason.code()));
    }

    fn deliver(&mut self, recipient: MessageRecipient, message: MessagePayload) {
        self.calls.push(Output::Delivered(recipient, message));
    }

    fn message_handled(&mut self, client: ClientId, connection: ConnectionId, bytes: usize) {
        self.calls.push(Output::Handled(client.0, connection.0, bytes));
    }

    fn answer(&mut self, reply: &'static str, message: Option<MessagePayload>) {
        self.calls.push(Output::Answered(reply, message));
    }

    fn respond(&mut self, reply: &'static str, response: Option<Response>) {
        self.calls.push(Output::Responded(reply, response.map(|response| response.status)));
    }

    fn event_applied(&mut self, kind: EventKind) {
        self.applied.push(kind);
    }

    fn limit_reached(&mut self, limit: RoomLimit) {
        self.calls.push(Output::Limit(limit));
    }

    fn close_code_replaced(&mut self, client: ClientId, code: u16) {
        self.calls.push(Output::CloseCodeReplaced(client.0, code));
    }

    fn effect_ignored(&mut self, effect: &Effect) {
        self.calls.push(Output::Ignored(effect.kind()));
    }
}

/// A room core with its recording output.
struct TestRoom {
    core: RoomCore<RecordingOutput>,
    output: RecordingOutput,
}

impl TestRoom {
    /// Creates a room whose service has handled `init`.
    fn new(config: RoomConfig) -> Self {
        let mut room = TestRoom { core: RoomCore::new(config), output: RecordingOutput::default() };
        room.core.begin();
        assert_eq!(room.run(), ["init"]);
        room
    }

    /// Creates a room with two members: Ann by connection 1, Bob by connection 2.
    fn with_two_members(config: RoomConfig) -> Self {
        let mut room = Self::new(config);
        assert_eq!(room.join(1, None), Ok(ANN));
        assert_eq!(room.join(2, None), Ok(BOB));
        room.run();
        room.take_calls();
        room
    }

    fn join(&mut self, connection: u64, token: Option<&str>) -> Result<ClientId, CloseReason> {
        let token = token.map(str::to_owned);
        let request = JoinRequest { connection: ConnectionId(connection), token, details: None, egress: "egress" };
        self.core.join(request, &mut self.output).map_err(|rejected| rejected.reason)
    }

    fn leave(&mut self, connection: u64) {
        self.core.leave(ConnectionId(connection), None);
    }

    /// Handles all pending events without effects. Returns them.
    fn run(&mut self) -> Vec<String> {
        self.run_with(|_| Vec::new())
    }

    /// Handles all pending events with the effects that `service` returns. Returns the events.
    fn run_with(&mut self, service: impl Fn(&Event) -> Vec<Effect>) -> Vec<String> {
        let mut events = Vec::new();
        let batch = self.core.pending().clone();
        while let Some(event) = batch.next_event() {
            events.push(describe(&event));
            batch.finish_event(&mut service(&event));
            self.core.apply_finished(&mut self.output);
        }
        events
    }

    fn take_calls(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.output.calls)
    }

    fn advance(&mut self, time: Duration) {
        self.output.now = self.output.now.saturating_add(time);
    }

    fn fire_due_timer(&mut self) -> bool {
        self.core.fire_due_timer(&self.output)
    }

    fn apply(&mut self, effect: Effect) {
        self.core.apply(effect, &mut self.output);
    }
}

fn describe(event: &Event) -> String {
    let label = event.kind().label();
    match event {
        Event::Connect { client } | Event::Disconnect { client } => format!("{label} {}", client.0),
        Event::Message { sender, message } => {
            format!("{label} {} {}", sender.0, message.text().unwrap_or_default())
        }
        _ => label.to_owned(),
    }
}

fn ends_with_last_client() -> RoomConfig {
    RoomConfig { ends_with_last_client: true, ..RoomConfig::default() }
}

fn broadcast(text: &str) -> Effect {
    Effect::Message { recipient: MessageRecipient::Broadcast, message: text.into() }
}

fn delivered(text: &str) -> Output {
    Output::Delivered(MessageRecipient::Broadcast, text.into())
}

fn set_timer(ms_delay: u32) -> Effect {
    Effect::SetTimer { ms_delay }
}

fn close_client(client: ClientId, code: u16) -> Effect {
    Effect::CloseClient { client, code, reason: String::new() }
}

fn room_closed() -> CloseReason {
    CloseReason::room_closed(4000, "maintenance".to_owned())
}
