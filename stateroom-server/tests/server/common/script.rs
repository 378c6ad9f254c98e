//! A service that executes commands from its messages, broadcasts joins and leaves, and records its events.
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Condvar, Mutex},
};

use stateroom::{
    ClientId, MessagePayload, MessageRecipient, StateroomContext, StateroomService, StateroomServiceFactory,
    durable::{CodeHash, NotDurable, Origin},
    fault::Fault,
};
use tokio::sync::watch;

use super::within_timeout;

/// An effect applied outside of events.
#[derive(Debug, Clone)]
pub(crate) enum Effect {
    Broadcast(String),
    Timer(u32),
    Close(u32, u16, &'static str),
}

type ApplyEffect = Arc<dyn Fn(Effect) + Send + Sync>;

fn apply_by(context: impl StateroomContext) -> ApplyEffect {
    Arc::new(move |effect| match effect {
        Effect::Broadcast(text) => context.send_message(MessageRecipient::Broadcast, text),
        Effect::Timer(delay) => context.set_timer(delay),
        Effect::Close(client, code, reason) => context.close_client(client.into(), code, reason),
    })
}

/// Creates [`Script`] services. Clones share the recorded events and the configured failures.
#[derive(Clone, Default)]
pub(crate) struct ScriptFactory {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Pairs of room and event, in order.
    events: watch::Sender<Vec<(String, String)>>,
    /// The callbacks that fail: `build`, `build error`, `init`, `connect`, `disconnect`, `timer`, `call`, `drop`.
    failures: Mutex<HashSet<&'static str>>,
    /// The context of the latest service of each room.
    contexts: Mutex<HashMap<String, ApplyEffect>>,
    /// Whether blocked services may continue.
    is_unblocked: Mutex<bool>,
    unblocked: Condvar,
}

impl Shared {
    fn record(&self, room: &str, event: String) {
        self.events.send_modify(|events| events.push((room.to_owned(), event)));
    }

    fn fail_if_configured(&self, at: &str) {
        let fails = self.failures.lock().unwrap().contains(at);
        assert!(!fails, "scripted failure in {at}");
    }
}

impl ScriptFactory {
    /// Returns the events recorded in a room, in order.
    pub(crate) fn events(&self, room: &str) -> Vec<String> {
        let events = self.shared.events.borrow();
        events.iter().filter(|(of, _)| of == room).map(|(_, event)| event.clone()).collect()
    }

    /// Waits until an event was recorded in a room the given number of times.
    pub(crate) async fn wait_for_event(&self, room: &str, event: &str, times: usize) {
        let mut events = self.shared.events.subscribe();
        let is_reached = |events: &Vec<(String, String)>| {
            events.iter().filter(|(of, recorded)| of == room && recorded == event).count() >= times
        };
        within_timeout(format!("`{event}` in `{room}`"), events.wait_for(is_reached)).await.unwrap();
    }

    /// Makes services fail in the given callbacks, and in no others.
    pub(crate) fn fail_at(&self, at: &[&'static str]) {
        *self.shared.failures.lock().unwrap() = at.iter().copied().collect();
    }

    /// Applies an effect through the context of the room's latest service.
    pub(crate) fn apply(&self, room: &str, effect: Effect) {
        let context = self.shared.contexts.lock().unwrap().get(room).cloned().unwrap();
        context(effect);
    }

    /// Unblocks services.
    pub(crate) fn unblock(&self) {
        *self.shared.is_unblocked.lock().unwrap() = true;
        self.shared.unblocked.notify_all();
    }
}

impl StateroomServiceFactory for ScriptFactory {
    type Service = Script;
    type Error = &'static str;

    fn build(&self, room_id: &str, context: Arc<impl StateroomContext>) -> Result<Script, &'static str> {
        assert_eq!(context.room_id(), room_id);
        self.shared.fail_if_configured("build");
        if self.shared.failures.lock().unwrap().contains("build error") {
            return Err("scripted build error");
        }
        self.shared.contexts.lock().unwrap().insert(room_id.to_owned(), apply_by((*context).clone()));
        Ok(self.script(room_id, [None, None]))
    }

    fn durable_code(&self) -> Result<CodeHash, NotDurable> {
        Ok(CodeHash([2; 32]))
    }

    async fn create_durable(&self, room_id: &str, origin: Origin<'_>) -> Result<Script, Fault> {
        let timers = match origin {
            Origin::New { .. } => [None, None],
            Origin::Image(image) => {
                let mut delays = std::str::from_utf8(image).unwrap().split(' ').map(|delay| delay.parse().ok());
                [delays.next().flatten(), delays.next().flatten()]
            }
        };
        Ok(self.script(room_id, timers))
    }
}

impl ScriptFactory {
    fn script(&self, room_id: &str, [disconnect_timer, metronome]: [Option<u32>; 2]) -> Script {
        Script { room: room_id.to_owned(), shared: self.shared.clone(), kept: None, disconnect_timer, metronome }
    }
}

/// A service controlled by the messages of its clients:
///
/// | message | action |
/// |-|-|
/// | `all X`, `others X`, `to N X` | sends X to all, to all other clients, or to client N |
/// | `close N CODE REASON` | closes a client |
/// | `timer MS` | sets the timer |
/// | `metronome MS` | sets the timer, and sets it again whenever it fires |
/// | `disconnect-timer MS` | sets the timer on each `disconnect` |
/// | `panic X` | broadcasts X, sets the timer to 0, and panics |
/// | `spam N SIZE` | broadcasts N messages of SIZE bytes |
/// | `burst N TIMES SIZE` | sends TIMES messages of SIZE bytes to client N |
/// | `overrun N TIMES` | sets the timer to 0 and sends TIMES messages to client N |
/// | `keep`, `kept X` | stores a copy of the context; broadcasts X through it |
/// | `thread X`, `task X` | broadcasts X from a new thread or task |
/// | `room` | replies with the room ID |
/// | `block` | blocks until [`ScriptFactory::unblock`] |
/// | other text, or bytes | echoes the message |
///
/// Broadcasts `joined N`, `left N`, `timer` and `called X`. Responds to the call `echo X` with X, and to no other call.
pub(crate) struct Script {
    room: String,
    shared: Arc<Shared>,
    kept: Option<ApplyEffect>,
    disconnect_timer: Option<u32>,
    metronome: Option<u32>,
}

impl Script {
    fn record(&self, event: impl Into<String>) {
        self.shared.record(&self.room, event.into());
    }
}

impl StateroomService for Script {
    fn image(&mut self) -> Result<Vec<u8>, Fault> {
        let delay = |delay: Option<u32>| delay.map_or("none".to_owned(), |delay| delay.to_string());
        Ok(format!("{} {}", delay(self.disconnect_timer), delay(self.metronome)).into_bytes())
    }

    fn init(&mut self, _: &impl StateroomContext) {
        self.record("init");
        self.shared.fail_if_configured("init");
    }

    fn connect(&mut self, client: ClientId, context: &impl StateroomContext) {
        self.record(format!("connect {}", client.0));
        context.send_message(MessageRecipient::Broadcast, format!("joined {}", client.0));
        self.shared.fail_if_configured("connect");
    }

    fn disconnect(&mut self, client: ClientId, context: &impl StateroomContext) {
        self.record(format!("disconnect {}", client.0));
        context.send_message(MessageRecipient::Broadcast, format!("left {}", client.0));
        if let Some(delay) = self.disconnect_timer {
            context.set_timer(delay);
        }
        self.shared.fail_if_configured("disconnect");
    }

    fn message(&mut self, client: ClientId, message: MessagePayload, context: &impl StateroomContext) {
        let Some(text) = message.text() else {
            self.record(format!("bytes {}", client.0));
            context.send_message(client, message);
            return;
        };
        self.record(format!("message {} {}", client.0, text.chars().take(40).collect::<String>()));
        let (command, rest) = text.split_once(' ').unwrap_or((text, ""));
        let (first, second) = rest.split_once(' ').unwrap_or((rest, ""));
        match command {
            "all" => context.send_message(MessageRecipient::Broadcast, rest),
            "others" => context.send_message(MessageRecipient::EveryoneExcept(client), rest),
            "to" => context.send_message(ClientId(first.parse().unwrap()), second),
            "close" => {
                let (code, reason) = second.split_once(' ').unwrap_or((second, ""));
                context.close_client(ClientId(first.parse().unwrap()), code.parse().unwrap(), reason);
            }
            "end-room" => {
                context.send_message(MessageRecipient::Broadcast, rest);
                context.end_room();
            }
            "timer" => context.set_timer(first.parse().unwrap()),
            "metronome" => {
                self.metronome = Some(first.parse().unwrap());
                context.set_timer(first.parse().unwrap());
            }
            "disconnect-timer" => self.disconnect_timer = Some(first.parse().unwrap()),
            "panic" => {
                context.send_message(MessageRecipient::Broadcast, rest);
                context.set_timer(0);
                panic!("scripted panic");
            }
            "spam" => {
                for _ in 0..first.parse().unwrap() {
                    context.send_message(MessageRecipient::Broadcast, "x".repeat(second.parse().unwrap()));
                }
            }
            "burst" => {
                let (count, size) = second.split_once(' ').unwrap();
                for _ in 0..count.parse().unwrap() {
                    context.send_message(ClientId(first.parse().unwrap()), "x".repeat(size.parse().unwrap()));
                }
            }
            "overrun" => {
                context.set_timer(0);
                for _ in 0..second.parse().unwrap() {
                    context.send_message(ClientId(first.parse().unwrap()), "x");
                }
            }
            "keep" => self.kept = Some(apply_by(context.clone())),
            "kept" => self.kept.as_ref().unwrap()(Effect::Broadcast(rest.to_owned())),
            "thread" => {
                let (context, text) = (context.clone(), rest.to_owned());
                std::thread::spawn(move || context.send_message(MessageRecipient::Broadcast, text));
            }
            "task" => {
                let (context, text) = (context.clone(), rest.to_owned());
                tokio::spawn(async move { context.send_message(MessageRecipient::Broadcast, text) });
            }
            "room" => context.send_message(client, context.room_id()),
            "block" => {
                let is_unblocked = self.shared.is_unblocked.lock().unwrap();
                drop(self.shared.unblocked.wait_while(is_unblocked, |is_unblocked| !*is_unblocked).unwrap());
            }
            _ => context.send_message(client, text),
        }
    }

    fn call(&mut self, message: MessagePayload, context: &impl StateroomContext) -> Option<MessagePayload> {
        let text = message.text().unwrap();
        self.record(format!("call {text}"));
        context.send_message(MessageRecipient::Broadcast, format!("called {text}"));
        self.shared.fail_if_configured("call");
        text.strip_prefix("echo ").map(MessagePayload::from)
    }

    fn timer(&mut self, context: &impl StateroomContext) {
        self.record("timer");
        context.send_message(MessageRecipient::Broadcast, "timer");
        if let Some(delay) = self.metronome {
            context.set_timer(delay);
        }
        self.shared.fail_if_configured("timer");
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.record("drop");
        self.shared.fail_if_configured("drop");
    }
}
