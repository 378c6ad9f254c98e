//! A native service that can be stored: it notes what happens, and tells each client.
use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};

use stateroom::{
    ClientId, MessagePayload, MessageRecipient, StateroomContext, StateroomService, StateroomServiceFactory,
    details::ClientDetails,
    durable::{CodeHash, NotDurable, Origin},
    fault::{Fault, FaultKind},
    http::{Request, Response},
};

/// How often a timer fails.
pub(super) static FAILURES: AtomicU32 = AtomicU32::new(0);

/// The number of answers to `?differs`, each of which is another one.
static ANSWERS: AtomicU32 = AtomicU32::new(0);

/// The answer to `?large`.
pub(super) fn large() -> String {
    "x".repeat(400_000)
}

#[derive(Clone, Default)]
pub(super) struct NotesFactory {
    /// What each client is sent in addition.
    greeting: Arc<str>,
    /// The bytes that stand for its code, and are stored as its module.
    module: Arc<str>,
    /// Set for a module that is not stored.
    is_lost: bool,
    /// The number of modules that were loaded for stored rooms.
    loads: Arc<AtomicU32>,
    /// The number of services.
    services: Arc<AtomicU32>,
    created: Arc<AtomicU32>,
    /// How many there may be at a time, if that is limited.
    places: Option<Arc<AtomicUsize>>,
    has_fired: Arc<AtomicBool>,
    large_images: Arc<AtomicU32>,
}

impl NotesFactory {
    pub(super) fn greeting(greeting: &'static str) -> Self {
        NotesFactory { greeting: greeting.into(), ..NotesFactory::default() }
    }

    /// Returns the factory of a module, which greets with its name. One that is `bad` cannot be loaded again.
    pub(super) fn of_module(name: &str) -> Self {
        NotesFactory { greeting: format!("{name} ").into(), module: name.into(), ..NotesFactory::default() }
    }

    /// Returns the same factory, whose module is not stored.
    pub(super) fn lost(self) -> Self {
        NotesFactory { is_lost: true, ..self }
    }

    /// Returns the number of modules that were loaded for stored rooms.
    pub(super) fn loads(&self) -> u32 {
        self.loads.load(Ordering::Relaxed)
    }

    pub(super) fn with_places(places: usize) -> Self {
        NotesFactory { places: Some(Arc::new(places.into())), ..NotesFactory::default() }
    }

    /// Changes how many services there may be at a time, if that is limited.
    pub(super) fn set_places(&self, places: usize) {
        self.places.iter().for_each(|limit| limit.store(places, Ordering::Relaxed));
    }

    fn has_place(&self) -> bool {
        self.places.as_ref().is_none_or(|places| self.services() < places.load(Ordering::Relaxed))
    }

    /// Returns the number of services.
    pub(super) fn services(&self) -> usize {
        self.services.load(Ordering::Relaxed) as usize
    }

    /// Returns the number of images of large services while which other tasks ran.
    pub(super) fn large_images(&self) -> u32 {
        self.large_images.load(Ordering::Relaxed)
    }

    /// Returns whether the timer of a room has fired.
    pub(super) fn has_fired(&self) -> bool {
        self.has_fired.load(Ordering::Relaxed)
    }

    /// Returns the number of services that were created so far.
    pub(super) fn created(&self) -> u32 {
        self.created.load(Ordering::Relaxed)
    }

    fn service(&self, notes: Vec<String>) -> Notes {
        self.created.fetch_add(1, Ordering::Relaxed);
        self.services.fetch_add(1, Ordering::Relaxed);
        let (greeting, services) = (self.greeting.clone(), self.services.clone());
        let (has_fired, large_images) = (self.has_fired.clone(), self.large_images.clone());
        Notes { notes, greeting, has_fired, large_images, services }
    }
}

pub(super) struct Notes {
    notes: Vec<String>,
    greeting: Arc<str>,
    has_fired: Arc<AtomicBool>,
    large_images: Arc<AtomicU32>,
    services: Arc<AtomicU32>,
}

impl Drop for Notes {
    fn drop(&mut self) {
        self.services.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Notes {
    fn is_large(&self) -> bool {
        self.notes.iter().any(|note| note == "large")
    }
}

impl StateroomServiceFactory for NotesFactory {
    type Service = Notes;
    type Error = Infallible;

    fn build(&self, _: &str, _: Arc<impl StateroomContext>) -> Result<Notes, Infallible> {
        Ok(self.service(Vec::new()))
    }

    fn has_space(&self, rooms: usize) -> bool {
        self.has_place() && self.places.as_ref().is_none_or(|places| rooms < places.load(Ordering::Relaxed))
    }

    fn durable_code(&self) -> Result<CodeHash, NotDurable> {
        Ok(CodeHash(*blake3::hash(self.module.as_bytes()).as_bytes()))
    }

    fn durable_module(&self) -> Option<Arc<[u8]>> {
        (!self.is_lost).then(|| self.module.as_bytes().into())
    }

    fn with_module(&self, module: &[u8]) -> Result<Self, Fault> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        match std::str::from_utf8(module).unwrap() {
            "bad" => Err(Fault::new(FaultKind::Build, "it is bad")),
            name => Ok(NotesFactory { greeting: format!("{name} ").into(), module: name.into(), ..self.clone() }),
        }
    }

    async fn create_durable(&self, _: &str, origin: Origin<'_>) -> Result<Notes, Fault> {
        if !self.has_place() {
            return Err(Fault::new(FaultKind::NoSpace, "all places are taken"));
        }
        let notes = match origin {
            Origin::New { .. } => Vec::new(),
            Origin::Image(image) => std::str::from_utf8(image).unwrap().lines().map(str::to_owned).collect(),
        };
        Ok(self.service(notes))
    }
}

impl StateroomService for Notes {
    fn init(&mut self, _: &impl StateroomContext) {
        self.notes.push("init".to_owned());
    }

    fn connect_with(&mut self, client: ClientId, details: &ClientDetails, context: &impl StateroomContext) {
        assert!(details.query("fail").is_none());
        self.notes.push(format!("joined {}", client.0));
        context.send_message(client, format!("{}{}: {}", self.greeting, client.0, self.notes.join(", ")));
    }

    fn disconnect(&mut self, client: ClientId, _: &impl StateroomContext) {
        self.notes.push(format!("left {}", client.0));
    }

    fn message(&mut self, _: ClientId, message: MessagePayload, context: &impl StateroomContext) {
        let text = message.text().unwrap_or_default();
        assert_ne!(text, "fail");
        if text == "end" {
            context.set_timer(20);
            context.end_room();
        }
        if text == "alarm" {
            context.set_timer(60_000);
        }
        if text.starts_with("timer") {
            context.set_timer(20);
        }
        // What is only asked is not noted.
        if !text.starts_with('?') {
            self.notes.push(text.to_owned());
        }
        let answer = match text {
            "?large" => large(),
            "?differs" => ANSWERS.fetch_add(1, Ordering::Relaxed).to_string(),
            text => text.to_owned(),
        };
        context.send_message(MessageRecipient::Broadcast, answer);
    }

    fn timer(&mut self, context: &impl StateroomContext) {
        if self.notes.iter().any(|note| note == "timer that fails") {
            let failures = FAILURES.load(Ordering::Relaxed);
            FAILURES.store(failures.saturating_sub(1), Ordering::Relaxed);
            assert_eq!(failures, 0);
            context.send_message(MessageRecipient::Broadcast, "fired at last");
            return;
        }
        self.notes.push("fired".to_owned());
        self.has_fired.store(true, Ordering::Relaxed);
    }

    fn call(&mut self, message: MessagePayload, _: &impl StateroomContext) -> Option<MessagePayload> {
        assert_ne!(message, "fail".into());
        Some(message)
    }

    fn request(&mut self, request: Request, _: &impl StateroomContext) -> Option<Response> {
        assert_ne!(request.path, "/fail");
        Some(Response::new(200, request.path))
    }

    fn memory_bytes(&mut self) -> Option<usize> {
        self.is_large().then_some(64 << 20)
    }

    fn image(&mut self) -> Result<Vec<u8>, Fault> {
        if self.is_large() {
            let (ran, has_run) = mpsc::channel();
            tokio::spawn(async move { ran.send(()) });
            if has_run.recv_timeout(Duration::from_secs(5)).is_ok() {
                self.large_images.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(self.notes.join("\n").into_bytes())
    }
}
