//! The inputs of a simulated room.
//!
//! *Invariant:* each input that reaches the room is recorded, and fully handled when its method returns.
use std::time::Duration;

use super::Room;
use crate::{
    ClientId, MessagePayload, StateroomService,
    details::ClientDetails,
    http::{Request, Response},
    room::{CloseReason, JoinRequest, Rejected, Timestamp},
    testing::Step,
};

impl<S: StateroomService> Room<S> {
    /// Connects a client and returns its ID. Starts a fresh room if this one has ended.
    pub fn connect(&mut self) -> ClientId {
        self.connect_as(None, ClientDetails::default())
    }

    /// Connects a client with a token. The same token returns the same ID, and replaces the connection that has it.
    pub fn connect_with_token(&mut self, token: &str) -> ClientId {
        self.connect_as(Some(token), ClientDetails::default())
    }

    /// Connects a client with these details.
    pub fn connect_with(&mut self, details: ClientDetails) -> ClientId {
        self.connect_as(None, details)
    }

    /// Connects a client with an optional token and these details.
    pub fn connect_as(&mut self, token: Option<&str>, details: ClientDetails) -> ClientId {
        self.settle();
        if self.live.is_none() {
            self.begin();
        }
        let details = (!details.is_empty()).then(|| Box::new(details));
        let client = self.join(token, details.clone());
        self.settle();
        self.record(Step::Connect { client, token: token.map(str::to_owned), details });
        client
    }

    fn join(&mut self, token: Option<&str>, details: Option<Box<ClientDetails>>) -> ClientId {
        let connection = self.next_connection();
        let Some(live) = &mut self.live else {
            // The service failed to start. The client would have been the first of its room.
            let client = ClientId(1);
            if let Some(fault) = &self.fault {
                self.output.close(client, &CloseReason::from(fault));
            }
            return client;
        };
        let request = JoinRequest { connection, token: token.map(str::to_owned), details, egress: () };
        live.core.join(request, &mut self.output).unwrap_or_else(|Rejected { reason, .. }| {
            // After 4,294,967,295 clients.
            let client = ClientId(u32::MAX);
            self.output.close(client, &reason);
            client
        })
    }

    /// Sends a message from a client: text or bytes. Does nothing if the client is not in the room.
    pub fn send(&mut self, client: ClientId, message: impl Into<MessagePayload>) {
        self.settle();
        let Some(live) = &mut self.live else { return };
        let Some(connection) = live.core.connection(client) else { return };
        let message = message.into();
        live.core.message(connection, message.clone());
        self.settle();
        self.record(Step::Send { client, message });
    }

    /// Disconnects a client, if it is in the room.
    pub fn disconnect(&mut self, client: ClientId) {
        self.settle();
        let Some(live) = &mut self.live else { return };
        let Some(connection) = live.core.connection(client) else { return };
        live.core.leave(connection, None);
        self.settle();
        self.record(Step::Disconnect { client });
    }

    /// Advances the clock. Timers that become due fire, each at its time.
    pub fn advance(&mut self, time: Duration) {
        self.settle();
        let end = self.output.clock.timestamp().saturating_add(time);
        while let Some(due) = self.timer_due().filter(|due| *due <= end) {
            self.output.clock.advance_to(due);
            self.settle();
        }
        self.output.clock.advance_to(end);
        self.record(Step::Advance { time });
    }

    pub(super) fn timer_due(&self) -> Option<Timestamp> {
        self.live.as_ref()?.core.timer_due()
    }

    /// Fires the timer now, even if it is not set, and clears it.
    pub fn fire_timer(&mut self) {
        self.settle();
        let Some(live) = &mut self.live else { return };
        live.core.fire_timer();
        self.settle();
        self.record(Step::FireTimer);
    }

    /// Calls the service, as the program that embeds the server does. A room that has ended returns no answer.
    pub fn call(&mut self, message: impl Into<MessagePayload>) -> Option<MessagePayload> {
        self.settle();
        let message = message.into();
        self.live.as_mut()?.core.call(message.clone(), ());
        self.settle();
        let answer = self.output.answer.take();
        self.record(Step::Call { message, answer: answer.clone() });
        answer
    }

    /// Sends an HTTP request to the service. If the room has ended, a request with a method that is not safe (RFC 9110)
    /// starts a fresh room; any other has no response.
    pub fn request(&mut self, request: Request) -> Option<Response> {
        self.settle();
        let is_safe = matches!(request.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "TRACE");
        if self.live.is_none() && !is_safe {
            self.begin();
        }
        let request = Box::new(request);
        self.live.as_mut()?.core.request(request.clone(), ());
        self.settle();
        let response = self.output.response.take();
        self.record(Step::Request { request, response: response.clone().map(Box::new) });
        response
    }

    /// Stops the server: the service receives `shutdown`, then `disconnect` for each client, and the clients are closed
    /// with 1012. The room then has ended.
    pub fn shutdown(&mut self) {
        self.settle();
        let Some(live) = &mut self.live else { return };
        live.core.stop(CloseReason::Stopping);
        match self.run_batch() {
            Ok(()) => self.end(&CloseReason::Stopping),
            Err(fault) => self.fail(fault),
        }
        self.record(Step::Shutdown);
    }
}
