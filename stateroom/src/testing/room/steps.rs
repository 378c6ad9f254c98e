//! What can be done to a simulated room.
//!
//! *Invariant:* each step that reaches the room is recorded, and has happened altogether when its method returns.
use std::time::Duration;

use super::{Change, Room};
use crate::{
    ClientId, MessagePayload, StateroomService,
    details::ClientDetails,
    http::{Request, Response},
    messages::Event,
    testing::{Closed, Step, seats::Joined},
};

impl<S: StateroomService> Room<S> {
    /// Somebody joins; in a room that has ended, a fresh one. The result is its number, as a server gives them.
    pub fn connect(&mut self) -> ClientId {
        self.connect_as(None, ClientDetails::default())
    }

    /// The same, with a token: who comes with it again gets the same number, and takes the place of whoever is there with it.
    pub fn connect_with_token(&mut self, token: &str) -> ClientId {
        self.connect_as(Some(token), ClientDetails::default())
    }

    /// The same, and this is known of it.
    pub fn connect_with(&mut self, details: ClientDetails) -> ClientId {
        self.connect_as(None, details)
    }

    /// The same, perhaps with a token, and this is known of it.
    pub fn connect_as(&mut self, token: Option<&str>, details: ClientDetails) -> ClientId {
        self.settle();
        if self.life.is_none() {
            self.begin();
        }
        let details = (!details.is_empty()).then(|| Box::new(details));
        let client = self.join(token, details.clone());
        self.settle();
        self.record(Step::Connect { client, token: token.map(str::to_owned), details });
        client
    }

    fn join(&mut self, token: Option<&str>, details: Option<Box<ClientDetails>>) -> ClientId {
        let Some(life) = &mut self.life else {
            // It could not even begin; who was about to join is closed, as the first of that room.
            let client = ClientId(1);
            if let Some(fault) = &self.fault {
                self.outside.heard_by(client).close(Closed::failed(fault));
            }
            return client;
        };
        let Joined { client, connection, replaces } = life.seats.join(token);
        if let Some(connection) = replaces {
            let closed = Some(Closed::replaced());
            life.push(Event::Disconnect { client }, Change::Leave { client, connection, closed });
        }
        let event = match details {
            Some(details) => Event::ConnectWith { client, details },
            None => Event::Connect { client },
        };
        life.push(event, Change::Join { client, connection });
        client
    }

    /// A client says something: a text or bytes. Of one that is not in the room, the room hears nothing.
    pub fn send(&mut self, client: ClientId, message: impl Into<MessagePayload>) {
        self.settle();
        let Some(life) = self.life.as_mut().filter(|life| life.seats.seat(client).is_some()) else { return };
        let message = message.into();
        life.push(Event::Message { sender: client, message: message.clone() }, Change::Nothing);
        self.settle();
        self.record(Step::Send { client, message });
    }

    /// A client leaves, if it is in the room.
    pub fn disconnect(&mut self, client: ClientId) {
        self.settle();
        let Some(life) = &mut self.life else { return };
        let Some(connection) = life.seats.seat(client) else { return };
        life.seats.leave(client, connection);
        life.push(Event::Disconnect { client }, Change::Leave { client, connection, closed: None });
        self.settle();
        self.record(Step::Disconnect { client });
    }

    /// Time passes; the timers on the way fire, each at its time.
    pub fn advance(&mut self, time: Duration) {
        self.settle();
        let end = self.outside.clock.now().saturating_add(time);
        while self.outside.clock.go_to_timer(end) {
            if let Some(life) = &mut self.life {
                life.push(Event::Timer, Change::Nothing);
            }
            self.settle();
        }
        self.record(Step::Advance { time });
    }

    /// The timer fires now, whether it is set or not; if it is, it is so no more.
    pub fn fire_timer(&mut self) {
        self.settle();
        let Some(life) = &mut self.life else { return };
        self.outside.clock.fire_timer();
        life.push(Event::Timer, Change::Nothing);
        self.settle();
        self.record(Step::FireTimer);
    }

    /// The program around the rooms asks something. A room that has ended has no answer.
    pub fn call(&mut self, message: impl Into<MessagePayload>) -> Option<MessagePayload> {
        self.settle();
        let message = message.into();
        self.life.as_mut()?.push(Event::Call { message: message.clone() }, Change::Answer);
        self.settle();
        let answer = self.outside.answer.take();
        self.record(Step::Call { message, answer: answer.clone() });
        answer
    }

    /// Somebody asks something over HTTP. In a room that has ended, a request that may change something finds a fresh one,
    /// and any other no answer.
    pub fn request(&mut self, request: Request) -> Option<Response> {
        self.settle();
        let only_looks = matches!(request.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "TRACE");
        if self.life.is_none() && !only_looks {
            self.begin();
        }
        let request = Box::new(request);
        self.life.as_mut()?.push(Event::Request { request: request.clone() }, Change::Respond);
        self.settle();
        let response = self.outside.response.take();
        self.record(Step::Request { request, response: response.clone().map(Box::new) });
        response
    }

    /// The server stops: the service hears of it, then of each client that it leaves, closed with 1012. The room has ended.
    pub fn shutdown(&mut self) {
        self.settle();
        let Some(life) = &mut self.life else { return };
        life.push(Event::Shutdown, Change::Nothing);
        for (client, connection) in life.seats.leave_all() {
            let closed = Some(Closed::stopping());
            life.push(Event::Disconnect { client }, Change::Leave { client, connection, closed });
        }
        match self.run_turn() {
            Ok(()) => self.life.take().into_iter().for_each(|life| life.end(&mut self.outside)),
            Err(fault) => self.fail(fault),
        }
        self.record(Step::Shutdown);
    }
}
