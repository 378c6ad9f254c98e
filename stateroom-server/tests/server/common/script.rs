//! A service that is scripted by messages, announces joins and leaves, and records its events.
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Condvar, Mutex},
};

use stateroom::{
    ClientId, MessagePayload, MessageRecipient, StateroomContext, StateroomService, StateroomServiceFactory,
};
use tokio::sync::watch;

use super::within_timeout;

/// An effect requested outside of events.
#[derive(Debug, Clone)]
pub(crate) enum Effect {
    Broadcast(String),
    Timer(u32),
    Close(u32, u16, &'static str),
}

type Asking = Arc<dyn Fn(Effect) + Send + Sync>;

fn asking(context: impl StateroomContext) -> Asking {
    Arc::new(move |ask| match ask {
        Effect::Broadcast(text) => context.send_message(MessageRecipient::Broadcast, text),
        Effect::Timer(delay) => context.set_timer(delay),
        Effect::Close(client, code, reason) => context.close_client(client.into(), code, reason),
    })
}

/// Creates [`Script`]s. Clones share the record and the failures.
#[derive(Clone, Default)]
pub(crate) struct ScriptFactory {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Room and event, in order.
    record: watch::Sender<Vec<(String, String)>>,
    /// What fails, by name: `build`, `build error`, `init`, `connect`, `disconnect`, `timer`, `call`, `drop`.
    failing: Mutex<HashSet<&'static str>>,
    /// The context of the latest service of each room.
    contexts: Mutex<HashMap<String, Asking>>,
    /// Whether blocked services may continue.
    open: Mutex<bool>,
    opened: Condvar,
}

impl Shared {
    fn happens(&self, room: &str, event: String) {
        self.record.send_modify(|record| record.push((room.to_owned(), event)));
    }

    fn may_fail(&self, at: &str) {
        let fails = self.failing.lock().unwrap().contains(at);
        assert!(!fails, "told to fail at {at}");
    }
}

impl ScriptFactory {
    /// Returns the events of a room, in order.
    pub(crate) fn events(&self, room: &str) -> Vec<String> {
        let record = self.shared.record.borrow();
        record.iter().filter(|(of, _)| of == room).map(|(_, event)| event.clone()).collect()
    }

    /// Waits until an event has happened this number of times in a room.
    pub(crate) async fn wait_for_event(&self, room: &str, event: &str, times: usize) {
        let mut record = self.shared.record.subscribe();
        let enough = |record: &Vec<(String, String)>| {
            record.iter().filter(|(of, what)| of == room && what == event).count() >= times
        };
        within_timeout(format!("`{event}` in `{room}`"), record.wait_for(enough)).await.unwrap();
    }

    /// Makes services fail at these events.
    pub(crate) fn fail_at(&self, at: &[&'static str]) {
        *self.shared.failing.lock().unwrap() = at.iter().copied().collect();
    }

    /// Requests an effect by the context of the room's latest service.
    pub(crate) fn apply(&self, room: &str, ask: Effect) {
        let context = self.shared.contexts.lock().unwrap().get(room).cloned().unwrap();
        context(ask);
    }

    /// Unblocks services.
    pub(crate) fn unblock(&self) {
        *self.shared.open.lock().unwrap() = true;
        self.shared.opened.notify_all();
    }
}

impl StateroomServiceFactory for ScriptFactory {
    type Service = Script;
    type Error = &'static str;

    fn build(&self, room_id: &str, context: Arc<impl StateroomContext>) -> Result<Script, &'static str> {
        assert_eq!(context.room_id(), room_id);
        self.shared.may_fail("build");
        if self.shared.failing.lock().unwrap().contains("build error") {
            return Err("told not to build");
        }
        self.shared.contexts.lock().unwrap().insert(room_id.to_owned(), asking((*context).clone()));
        Ok(Script {
            room: room_id.to_owned(),
            shared: self.shared.clone(),
            kept: None,
            disconnect_timer: None,
            metronome: None,
        })
    }
}

/// A service scripted by messages:
///
/// | message | what it does |
/// |-|-|
/// | `all X`, `others X`, `to N X` | sends X |
/// | `close N CODE REASON` | closes a client |
/// | `timer MS` | sets the timer |
/// | `disconnect-timer MS` | sets the timer when somebody leaves |
/// | `panic X` | sends X to everybody, and panics |
/// | `spam N SIZE` | sends everybody so many messages of that size |
/// | `overrun N TIMES` | sets the timer to 0, and sends client N so many messages |
/// | `keep`, `kept X` | keeps the context, sends X by the one kept |
/// | `thread X`, `task X` | sends X from a thread, or a task, of its own |
/// | `room` | replies the room's id |
/// | `block` | blocks until it may go on |
/// | any other, or bytes | replies the same |
///
/// Tells everybody `joined N`, `left N`, `timer` and `called X`; answers a call `echo X` with X, and others not.
pub(crate) struct Script {
    room: String,
    shared: Arc<Shared>,
    kept: Option<Asking>,
    disconnect_timer: Option<u32>,
    metronome: Option<u32>,
}

impl Script {
    fn happens(&self, event: impl Into<String>) {
        self.shared.happens(&self.room, event.into());
    }
}

impl StateroomService for Script {
    fn init(&mut self, _: &impl StateroomContext) {
        self.happens("init");
        self.shared.may_fail("init");
    }

    fn connect(&mut self, client: ClientId, context: &impl StateroomContext) {
        self.happens(format!("connect {}", client.0));
        context.send_message(MessageRecipient::Broadcast, format!("joined {}", client.0));
        self.shared.may_fail("connect");
    }

    fn disconnect(&mut self, client: ClientId, context: &impl StateroomContext) {
        self.happens(format!("disconnect {}", client.0));
        context.send_message(MessageRecipient::Broadcast, format!("left {}", client.0));
        if let Some(delay) = self.disconnect_timer {
            context.set_timer(delay);
        }
        self.shared.may_fail("disconnect");
    }

    fn message(&mut self, client: ClientId, message: MessagePayload, context: &impl StateroomContext) {
        let Some(text) = message.text() else {
            self.happens(format!("bytes {}", client.0));
            context.send_message(client, message);
            return;
        };
        self.happens(format!("message {} {}", client.0, text.chars().take(40).collect::<String>()));
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
            "timer" => context.set_timer(first.parse().unwrap()),
            // A timer that is set again whenever it fires.
            "metronome" => {
                self.metronome = Some(first.parse().unwrap());
                context.set_timer(first.parse().unwrap());
            }
            "disconnect-timer" => self.disconnect_timer = Some(first.parse().unwrap()),
            "panic" => {
                context.send_message(MessageRecipient::Broadcast, rest);
                context.set_timer(0);
                panic!("told to");
            }
            "spam" => {
                for _ in 0..first.parse().unwrap() {
                    context.send_message(MessageRecipient::Broadcast, "x".repeat(second.parse().unwrap()));
                }
            }
            "overrun" => {
                context.set_timer(0);
                for _ in 0..second.parse().unwrap() {
                    context.send_message(ClientId(first.parse().unwrap()), "x");
                }
            }
            "keep" => self.kept = Some(asking(context.clone())),
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
                let open = self.shared.open.lock().unwrap();
                drop(self.shared.opened.wait_while(open, |open| !*open).unwrap());
            }
            _ => context.send_message(client, text),
        }
    }

    fn call(&mut self, message: MessagePayload, context: &impl StateroomContext) -> Option<MessagePayload> {
        let text = message.text().unwrap();
        self.happens(format!("call {text}"));
        context.send_message(MessageRecipient::Broadcast, format!("called {text}"));
        self.shared.may_fail("call");
        text.strip_prefix("echo ").map(MessagePayload::from)
    }

    fn timer(&mut self, context: &impl StateroomContext) {
        self.happens("timer");
        context.send_message(MessageRecipient::Broadcast, "timer");
        if let Some(delay) = self.metronome {
            context.set_timer(delay);
        }
        self.shared.may_fail("timer");
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.happens("drop");
        self.shared.may_fail("drop");
    }
}
