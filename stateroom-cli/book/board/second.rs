//! A shared whiteboard.
use stateroom_wasm::*;

/// Maximum number of lines on a board. A full board accepts no more until it is cleared.
const MAX_LINES: usize = 5000;

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
    }
}
