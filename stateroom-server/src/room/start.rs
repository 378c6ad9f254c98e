//! How a room gets its service: a fresh one, or one that continues the room as it was kept.
//!
//! *Invariant:* for rooms that are not kept, nothing is around the service.
use std::{future::Future, sync::Arc};

use stateroom::{
    StateroomService, StateroomServiceFactory,
    fault::{Fault, FaultKind},
    room::{RoomContext, RosterSnapshot},
};

use super::inbox::Inbox;
use crate::durable::{Durable, DurableSource, Keep, StallReport};

/// Creates the services of rooms.
pub(crate) trait ServiceSource: Send + Sync + 'static {
    /// The type of the services.
    type Service: StateroomService;

    /// Creates the service of a room. `keep` is where the room is kept, if it is. Returns its clients, tokens and timer if it
    /// continues. Reports to `stall` if it has to wait for the disk, then and later.
    fn create(
        &self,
        room_id: &Arc<str>,
        context: &Arc<RoomContext<Inbox>>,
        keep: Option<&Keep>,
        stall: &Arc<StallReport>,
    ) -> impl Future<Output = Result<(Self::Service, Option<RosterSnapshot>), Fault>> + Send;
}

/// The rooms of a factory, which end with their process.
pub(crate) struct Ephemeral<F>(pub(crate) Arc<F>);

impl<F: StateroomServiceFactory> ServiceSource for Ephemeral<F> {
    type Service = F::Service;

    async fn create(
        &self,
        room_id: &Arc<str>,
        context: &Arc<RoomContext<Inbox>>,
        _: Option<&Keep>,
        _: &Arc<StallReport>,
    ) -> Result<(F::Service, Option<RosterSnapshot>), Fault> {
        Ok((self.0.create(room_id, context.clone()).await?, None))
    }
}

impl<F: StateroomServiceFactory> ServiceSource for DurableSource<F> {
    type Service = Durable<F>;

    async fn create(
        &self,
        room_id: &Arc<str>,
        context: &Arc<RoomContext<Inbox>>,
        keep: Option<&Keep>,
        stall: &Arc<StallReport>,
    ) -> Result<(Durable<F>, Option<RosterSnapshot>), Fault> {
        let keep = keep.ok_or_else(|| Fault::new(FaultKind::Storage, "the room is kept nowhere"))?;
        self.open(room_id, &**context, keep, stall).await
    }
}
