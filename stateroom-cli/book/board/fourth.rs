//! A shared whiteboard.
use stateroom_wasm::*;

/// Maximum number of lines on a board. A full board accepts no more until it is cleared.
const MAX_LINES: usize = 5000;
/// Idle time after which the board is cleared, in milliseconds.
const IDLE_TIMEOUT: u32 = 10 * 60 * 1000;

/// A line, and the ID of the client that drew it.
#[derive(Debug)]
struct Line {
    client: u32,
    numbers: [u16; 4],
}

impl Line {
    /// Parses a line of four numbers, such as `10 10 20 35`. Returns `None` for anything else.
    fn read(client: ClientId, text: &str) -> Option<Line> {
        let numbers: Vec<u16> = text.split(' ').map(str::parse).collect::<Result<_, _>>().ok()?;
        Some(Line { client: client.0, numbers: numbers.try_into().ok()? })
    }

    fn write(&self) -> String {
        let [from_x, from_y, to_x, to_y] = self.numbers;
        format!("{} {from_x} {from_y} {to_x} {to_y}", self.client)
    }
}

/// The board of one room.
#[stateroom_wasm]
#[derive(Default)]
pub struct Board {
    lines: Vec<Line>,
}

impl StateroomService for Board {
    fn connect(&mut self, client: ClientId, context: &impl StateroomContext) {
        // Starts with `clear`, because the page may still show the board of an earlier room.
        let mut picture = vec!["clear".to_owned()];
        picture.extend(self.lines.iter().map(Line::write));
        context.send_message(client, picture.join("\n"));
    }

    fn message(&mut self, client: ClientId, message: MessagePayload, context: &impl StateroomContext) {
        match message.text() {
            Some("clear") => self.clear(context),
            Some(text) => self.draw(Line::read(client, text), context),
            None => {}
        }
    }

    fn timer(&mut self, context: &impl StateroomContext) {
        self.clear(context);
    }
}

impl Board {
    fn clear(&mut self, context: &impl StateroomContext) {
        self.lines.clear();
        context.send_message(MessageRecipient::Broadcast, "clear");
    }

    fn draw(&mut self, line: Option<Line>, context: &impl StateroomContext) {
        let Some(line) = line.filter(|_| self.lines.len() < MAX_LINES) else { return };
        context.send_message(MessageRecipient::Broadcast, line.write());
        self.lines.push(line);
        context.set_timer(IDLE_TIMEOUT);
    }
}

#[cfg(test)]
mod tests {
    use testing::{Interleavings, Room, Time};

    use super::*;

    #[test]
    fn newcomers_receive_the_whole_board() {
        let mut room = Room::of(Board::default);
        let ann = room.connect();
        room.send(ann, "0 0 10 10");
        room.expect(ann, ["clear", "1 0 0 10 10"]);
        let bob = room.connect();
        room.expect(bob, ["clear\n1 0 0 10 10"]);
        room.send(bob, "clear");
        room.expect(ann, ["clear"]);
        room.expect(bob, ["clear"]);
    }

    #[test]
    fn all_clients_see_the_same_board() {
        let messages = ["0 0 10 10", "clear", "not a line"];
        Interleavings::of(Board::default).messages(messages).check(|room| {
            let lines: Vec<String> = room.service().lines.iter().map(Line::write).collect();
            for client in room.clients() {
                assert_eq!(shown(room.messages(client)), lines);
            }
        });
    }

    #[test]
    fn clears_an_idle_board() {
        let mut room = Room::of(Board::default);
        let ann = room.connect();
        room.send(ann, "0 0 10 10");
        room.advance(9.minutes());
        room.send(ann, "10 10 20 35");
        room.advance(9.minutes());
        room.expect(ann, ["clear", "1 0 0 10 10", "1 10 10 20 35"]);
        room.advance(1.minute());
        room.expect(ann, ["clear"]);
    }

    /// Returns the lines that a page shows after it has received these messages.
    fn shown(received: &[MessagePayload]) -> Vec<&str> {
        let mut lines = Vec::new();
        for line in received.iter().filter_map(MessagePayload::text).flat_map(str::lines) {
            match line {
                "clear" => lines.clear(),
                line => lines.push(line),
            }
        }
        lines
    }
}
