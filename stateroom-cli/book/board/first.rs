//! A shared whiteboard.
use stateroom_wasm::*;

/// The board of one room.
#[stateroom_wasm]
#[derive(Default)]
pub struct Board;

impl StateroomService for Board {
    fn message(&mut self, client: ClientId, message: MessagePayload, context: &impl StateroomContext) {
        if let Some(text) = message.text() {
            context.send_message(MessageRecipient::Broadcast, format!("{} {text}", client.0));
        }
    }
}
