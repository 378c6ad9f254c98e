//! What makes the services of rooms, whatever it is: it may be another one after a while.
use std::{future::Future, pin::Pin, sync::Arc};

use stateroom::StateroomServiceFactory;

use super::Rooms;
use crate::room::actor::{self, Room};

/// A factory, without its type.
pub(super) struct ErasedFactory {
    /// Lives a room's life with a service of this factory. The room comes back where another one is to take over.
    pub(super) live: Box<Live>,
    /// Says whether the factory has space for a service besides those of so many rooms.
    pub(super) has_space: Box<dyn Fn(usize) -> bool + Send + Sync>,
}

type Live = dyn Fn(Arc<Rooms>, Room) -> Pin<Box<dyn Future<Output = Option<Room>> + Send>> + Send + Sync;

impl ErasedFactory {
    pub(super) fn of(factory: impl StateroomServiceFactory) -> Arc<Self> {
        let factory = Arc::new(factory);
        let has_space = {
            let factory = factory.clone();
            move |rooms| factory.has_space(rooms)
        };
        let live = move |rooms: Arc<Rooms>, room: Room| -> Pin<Box<dyn Future<Output = Option<Room>> + Send>> {
            let factory = factory.clone();
            Box::pin(async move {
                let (room_id, inbox) = (room.id().clone(), room.inbox().clone());
                actor::run(&*factory, room, |ending| rooms.ended(&room_id, &inbox, ending)).await
            })
        };
        Arc::new(ErasedFactory { live: Box::new(live), has_space: Box::new(has_space) })
    }
}
