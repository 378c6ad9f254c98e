//! What guests print, into the records too.
use std::sync::{Arc, OnceLock, Weak};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::layer::{Context, Layer};

use super::{Happened, Records};

/// Where the lines go. Logging begins before anybody knows whether there will be records.
static RECORDS: OnceLock<Weak<Records>> = OnceLock::new();

/// Has what guests print written down here.
pub fn take_lines(records: &Arc<Records>) {
    // There is one server in a process.
    let _ = RECORDS.set(Arc::downgrade(records));
}

/// A layer of the log that passes on the lines of guests.
pub struct GuestLines;

impl<S: Subscriber> Layer<S> for GuestLines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() != "stateroom::guest" {
            return;
        }
        let Some(records) = RECORDS.get().and_then(Weak::upgrade) else { return };
        let mut line = Line::default();
        event.record(&mut line);
        if let Some(room) = records.room(&line.room) {
            records.write(&room, Happened::Log { text: line.text });
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

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.text = format!("{value:?}");
        }
    }
}
