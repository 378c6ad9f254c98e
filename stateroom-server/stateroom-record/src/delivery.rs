//! Delivery of single events to a service, and what an event says about who is in the room.
use std::collections::BTreeSet;

use stateroom::{
    ClientId, StateroomContext, StateroomService,
    event_batch::{EventBatch, FinishedEvents},
    fault::Fault,
    messages::{Effect, Event},
};

/// Has a service handle one event and returns its effects.
pub(crate) async fn deliver_event<S: StateroomService>(
    service: &mut S,
    event: Event,
    context: &impl StateroomContext,
) -> Result<Vec<Effect>, Fault> {
    let batch = EventBatch::new([event]);
    while !batch.is_empty() {
        service.deliver(&batch, context).await?;
    }
    let mut finished = FinishedEvents::default();
    batch.take_finished(&mut finished);
    Ok(finished.effects.into())
}

/// Updates the clients in the room by an event that the service has handled.
pub(crate) fn update_clients(clients: &mut BTreeSet<ClientId>, event: &Event) {
    match event {
        Event::Disconnect { client } => drop(clients.remove(client)),
        event => clients.extend(joining_client(event)),
    }
}

/// Returns the client that joins the room by this event, if one does.
pub(crate) fn joining_client(event: &Event) -> Option<ClientId> {
    match event {
        Event::Connect { client } | Event::ConnectWith { client, .. } => Some(*client),
        _ => None,
    }
}
