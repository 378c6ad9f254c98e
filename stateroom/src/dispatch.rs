//! Dispatches events to the methods of a service, on the host and in a guest.
use crate::{
    StateroomContext, StateroomService,
    details::ClientDetails,
    messages::{Effect, Event},
};

/// Calls the service's method for an event. Returns the effect that answers the event, if it has an answer.
pub fn dispatch<S: StateroomService + ?Sized>(
    service: &mut S,
    event: Event,
    context: &impl StateroomContext,
) -> Option<Effect> {
    match event {
        Event::Init => service.init(context),
        Event::Connect { client } => service.connect_with(client, &ClientDetails::default(), context),
        Event::ConnectWith { client, details } => service.connect_with(client, &details, context),
        Event::Disconnect { client } => service.disconnect(client, context),
        Event::Message { sender, message } => service.message(sender, message, context),
        Event::Timer => service.timer(context),
        Event::Call { message } => {
            return service.call(message, context).map(|message| Effect::Answer { message });
        }
        Event::Shutdown => service.shutdown(context),
        Event::Request { request } => {
            let response = service.request(*request, context)?;
            return Some(Effect::Respond { response: Box::new(response) });
        }
    }
    None
}
