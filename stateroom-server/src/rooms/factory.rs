//! The factory that creates the services of rooms, without its type: it can be replaced while the server runs.
use std::{future::Future, pin::Pin, sync::Arc};

use stateroom::StateroomServiceFactory;

use crate::{
    durable::DurableSource,
    room::{
        actor::{self, Ending, Room},
        start::{Ephemeral, ServiceSource},
    },
    shared::Shared,
};

/// A service factory without its type.
pub(super) struct ErasedFactory {
    run: Box<RunRoom>,
    has_space: Box<dyn Fn(usize) -> bool + Send + Sync>,
}

/// Called when a room has ended, before its clients are closed.
pub(super) type OnEnd = Box<dyn FnOnce(&Ending) + Send>;

type RunRoom = dyn Fn(Box<Room>, OnEnd) -> Pin<Box<dyn Future<Output = Option<Box<Room>>> + Send>> + Send + Sync;

impl ErasedFactory {
    /// Returns the factory of rooms that are kept while they have no service, if the server keeps them, or else of those that are not.
    pub(super) fn new(factory: impl StateroomServiceFactory, shared: &Arc<Shared>) -> Self {
        let factory = Arc::new(factory);
        let has_space = {
            let factory = factory.clone();
            Box::new(move |rooms| factory.has_space(rooms))
        };
        let run = if shared.settings().keeps_rooms() {
            run_with(DurableSource::new(factory, shared.clone()))
        } else {
            run_with(Ephemeral(factory))
        };
        ErasedFactory { run, has_space }
    }

    /// Runs a room with a service of this factory, to the room's end. Returns the room if it continues with the service of
    /// another factory.
    pub(super) fn run(
        &self,
        room: Box<Room>,
        on_end: OnEnd,
    ) -> Pin<Box<dyn Future<Output = Option<Box<Room>>> + Send>> {
        (self.run)(room, on_end)
    }

    /// Returns whether the factory has space for one more service beside those of `rooms` rooms.
    pub(super) fn has_space(&self, rooms: usize) -> bool {
        (self.has_space)(rooms)
    }
}

fn run_with(source: impl ServiceSource) -> Box<RunRoom> {
    let source = Arc::new(source);
    Box::new(move |room, on_end| {
        let source = source.clone();
        Box::pin(async move { actor::run(&*source, room, on_end).await })
    })
}

/// The treatment of existing rooms when the [factory is replaced](crate::ServerHandle::swap).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnSwap {
    /// They keep their service until they end.
    Drain,
    /// They restart with a new service, and their clients stay connected.
    #[default]
    Restart,
}
