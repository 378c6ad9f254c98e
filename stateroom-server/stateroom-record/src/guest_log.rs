//! The output of guests, as entries of their rooms' records.
//!
//! *Invariant:* the layer keeps no recorder alive, as it lives as long as the process.
use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::layer::{Context, Layer};

use crate::{RecordKind, Recorder, recorder::WeakRecorder};

/// The target under which the wasm host logs what guests print.
const GUEST_TARGET: &str = "stateroom::guest";

/// A `tracing` layer that records what WebAssembly guests print, in the record of their room.
///
/// Logging usually starts before there is a recorder: clones of a layer share the recorder that is
/// [attached](Self::attach) to any of them.
///
/// ```
/// use stateroom_record::{GuestLogLayer, RecordLimits, Recorder};
/// use tracing_subscriber::layer::SubscriberExt;
///
/// let layer = GuestLogLayer::new();
/// let subscriber = tracing_subscriber::registry().with(layer.clone());
/// # let _ = subscriber;
///
/// let recorder = Recorder::new(RecordLimits::default());
/// layer.attach(&recorder);
/// ```
#[derive(Clone, Default)]
pub struct GuestLogLayer {
    recorder: Arc<OnceLock<WeakRecorder>>,
}

impl GuestLogLayer {
    /// Creates a layer that records nothing yet.
    #[must_use]
    pub fn new() -> Self {
        GuestLogLayer::default()
    }

    /// Records into `recorder` from now on. Has no effect on a layer that has a recorder already.
    pub fn attach(&self, recorder: &Recorder) {
        let _ = self.recorder.set(recorder.downgrade());
    }
}

impl fmt::Debug for GuestLogLayer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("GuestLogLayer").finish_non_exhaustive()
    }
}

impl<S: Subscriber> Layer<S> for GuestLogLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() != GUEST_TARGET {
            return;
        }
        let Some(recorder) = self.recorder.get().and_then(WeakRecorder::upgrade) else { return };
        let mut line = Line::default();
        event.record(&mut line);
        if let Some(room) = recorder.room(&line.room) {
            recorder.record(&room, RecordKind::Log { text: line.text });
        }
    }
}

#[derive(Default)]
struct Line {
    room: String,
    text: String,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "room" {
            value.clone_into(&mut self.room);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.text = format!("{value:?}");
        }
    }
}
