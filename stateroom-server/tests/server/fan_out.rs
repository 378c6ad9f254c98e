//! Events that send many messages to many clients: other tasks run meanwhile, and nobody sees a difference.
use std::sync::atomic::{AtomicUsize, Ordering};

use stateroom::{
    ClientId, DefaultStateroomFactory, MessagePayload, MessageRecipient, StateroomContext, StateroomService,
    event_batch::EventBatch, fault::Fault, messages::Event,
};
use stateroom_server::Server;
use tokio::task::yield_now;

use crate::common::TestServer;

const MEMBERS: usize = 100;
const MESSAGES: usize = 20_000;

/// How often another task has run: in all, at the end of the large event, and at the beginning of the next one.
static TURNS: AtomicUsize = AtomicUsize::new(0);
static TURNS_AT_COUNT: AtomicUsize = AtomicUsize::new(0);
static TURNS_AT_LATER: AtomicUsize = AtomicUsize::new(0);

fn record_turns(at: &AtomicUsize) {
    at.store(TURNS.load(Ordering::Relaxed), Ordering::Relaxed);
}

/// Counts for all clients, and in between for the one that asks.
#[derive(Default)]
struct Counter;

impl StateroomService for Counter {
    fn connect(&mut self, client: ClientId, context: &impl StateroomContext) {
        context.send_message(client, format!("you are {}", client.0));
    }

    fn message(&mut self, client: ClientId, message: MessagePayload, context: &impl StateroomContext) {
        if message.text() == Some("count") {
            for number in 0..MESSAGES {
                context.send_message(MessageRecipient::Broadcast, number.to_string());
                context.send_message(client, "yours");
            }
            record_turns(&TURNS_AT_COUNT);
        } else {
            record_turns(&TURNS_AT_LATER);
        }
        context.send_message(MessageRecipient::Broadcast, "done");
    }
}

#[tokio::test]
async fn others_run_while_the_messages_of_one_event_are_passed_on() {
    let server = TestServer::pipe_with_factory(Server::new(), DefaultStateroomFactory::<Counter>::default());
    let mut clients = Vec::new();
    for _ in 0..MEMBERS {
        let mut client = server.connect("/ws/a").await;
        client.receive_text().await;
        clients.push(client);
    }
    let others = tokio::spawn(async {
        loop {
            TURNS.fetch_add(1, Ordering::Relaxed);
            yield_now().await;
        }
    });
    clients[0].send_text("count").await;
    clients[1].send_text("later").await;
    clients[0].expect_text("0").await;
    for number in 1..MESSAGES {
        clients[0].expect_text("yours").await;
        clients[0].expect_text(&number.to_string()).await;
    }
    clients[0].expect_text("yours").await;
    for client in &mut clients[1..] {
        for number in 0..MESSAGES {
            client.expect_text(&number.to_string()).await;
        }
    }
    for client in &mut clients {
        client.expect_text("done").await;
        client.expect_text("done").await;
    }
    others.abort();
    let turns = TURNS_AT_LATER.load(Ordering::Relaxed) - TURNS_AT_COUNT.load(Ordering::Relaxed);
    assert!(turns >= 20, "others had {turns} turns between the events");
    let room = server.handle.rooms().await.remove(0);
    assert!(room.cpu_time.as_millis() >= 20, "the time counts: {room:?}");
}

static TURNS_BESIDE: AtomicUsize = AtomicUsize::new(0);
static TURNS_IN_PAUSE: AtomicUsize = AtomicUsize::new(0);

/// Pauses after each message, as an event does that waits for a permit of the slow lane and then holds it.
#[derive(Default)]
struct Pausing;

impl StateroomService for Pausing {
    async fn deliver(&mut self, batch: &EventBatch, context: &impl StateroomContext) -> Result<(), Fault> {
        while let Some(event) = batch.next_event() {
            let is_message = matches!(event, Event::Message { .. });
            let mut effects = Vec::new();
            if is_message {
                context.collect_effects(&mut effects, || {
                    for number in 0..MESSAGES {
                        context.send_message(MessageRecipient::Broadcast, number.to_string());
                    }
                });
            }
            batch.finish_event(&mut effects);
            if is_message {
                let before = TURNS_BESIDE.load(Ordering::Relaxed);
                yield_now().await;
                TURNS_IN_PAUSE.store(TURNS_BESIDE.load(Ordering::Relaxed) - before, Ordering::Relaxed);
            }
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_service_continues_while_the_messages_of_its_last_event_are_passed_on() {
    let server = TestServer::pipe_with_factory(Server::new(), DefaultStateroomFactory::<Pausing>::default());
    let mut clients = Vec::new();
    for _ in 0..MEMBERS {
        clients.push(server.connect("/ws/a").await);
    }
    let others = tokio::spawn(async {
        loop {
            TURNS_BESIDE.fetch_add(1, Ordering::Relaxed);
            yield_now().await;
        }
    });
    clients[0].send_text("count").await;
    for client in &mut clients {
        for number in 0..MESSAGES {
            client.expect_text(&number.to_string()).await;
        }
    }
    others.abort();
    let turns = TURNS_IN_PAUSE.load(Ordering::Relaxed);
    assert!((1..10).contains(&turns), "others had {turns} turns while the service paused");
}
