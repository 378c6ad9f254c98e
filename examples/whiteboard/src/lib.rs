//! A board to draw on together. Strokes come and go as bytes, late joiners get the picture, and a timer lets strokes fade.
//!
//! *Invariant:* every page that has heard the same shows the same: the room says which strokes there are, in which order
//! and how old. What it keeps is bounded; the oldest strokes make way.
mod stroke;

use std::collections::VecDeque;

use stateroom_wasm::*;
use stroke::{FromClient, Stroke, kind};

/// How long a tick takes, in milliseconds.
const TICK: u32 = 1000;
/// With so many ticks, a stroke is gone. The page lets it fade before.
const LIFE: u8 = 60;
/// How many points a stroke may have.
const STROKE_POINTS: usize = 2000;
/// How many points there may be in all: 160 KB, so that the whole picture fits into what may wait for a newcomer.
const BOARD_POINTS: usize = 40_000;
/// How many strokes there may be: a stroke of one point is worth more than its point.
const STROKES: usize = 2000;

/// The board of one room.
#[stateroom_wasm]
#[derive(Default)]
pub struct Whiteboard {
    strokes: VecDeque<Stroke>,
    points: usize,
    /// Whether the timer is set. While the board is empty it is not, and the room costs nothing.
    ticking: bool,
}

impl StateroomService for Whiteboard {
    fn connect(&mut self, client: ClientId, context: &impl StateroomContext) {
        context.send_message(client, [&[kind::WELCOME][..], &client.0.to_le_bytes()].concat());
        for stroke in &self.strokes {
            context.send_message(client, stroke.part(&stroke.points));
        }
    }

    fn message(&mut self, ClientId(client): ClientId, message: MessagePayload, context: &impl StateroomContext) {
        match message.bytes().and_then(FromClient::decode) {
            Some(FromClient::Part { number, colour, points }) => self.draw(client, number, colour, &points, context),
            Some(FromClient::Clear) => {
                self.strokes.clear();
                self.points = 0;
                context.send_message(MessageRecipient::Broadcast, vec![kind::CLEAR]);
            }
            None => {}
        }
    }

    fn timer(&mut self, context: &impl StateroomContext) {
        for stroke in &mut self.strokes {
            stroke.age += 1;
        }
        self.strokes.retain(|stroke| stroke.age < LIFE);
        self.points = self.strokes.iter().map(|stroke| stroke.points.len()).sum();
        context.send_message(MessageRecipient::Broadcast, vec![kind::TICK]);
        self.ticking = !self.strokes.is_empty();
        if self.ticking {
            context.set_timer(TICK);
        }
    }
}

impl Whiteboard {
    fn draw(&mut self, client: u32, number: u32, colour: u8, points: &[[u16; 2]], context: &impl StateroomContext) {
        let known = self.strokes.iter().rposition(|stroke| (stroke.client, stroke.number) == (client, number));
        if known.is_none() {
            self.strokes.push_back(Stroke { client, number, colour, age: 0, points: Vec::new() });
        }
        let stroke = match known {
            Some(at) => self.strokes.get_mut(at),
            None => self.strokes.back_mut(),
        };
        let Some(stroke) = stroke.filter(|stroke| stroke.points.len() + points.len() <= STROKE_POINTS) else { return };
        // A stroke that is still drawn at does not fade at its beginning.
        stroke.age = 0;
        stroke.points.extend(points);
        self.points += points.len();
        // To its author, too: strokes lie above each other in the same order for all.
        context.send_message(MessageRecipient::Broadcast, stroke.part(points));
        self.make_room(context);
        if !self.ticking {
            self.ticking = true;
            context.set_timer(TICK);
        }
    }

    fn make_room(&mut self, context: &impl StateroomContext) {
        let mut gone = vec![kind::GONE];
        while self.points > BOARD_POINTS || self.strokes.len() > STROKES {
            let Some(oldest) = self.strokes.pop_front() else { break };
            self.points -= oldest.points.len();
            gone.extend(oldest.key());
        }
        if gone.len() > 1 {
            context.send_message(MessageRecipient::Broadcast, gone);
        }
    }
}

#[cfg(test)]
mod tests {
    use stateroom::{messages::Effect, testing::TestContext};

    use super::*;

    fn part(number: u32, points: usize) -> MessagePayload {
        [&[kind::PART][..], &number.to_le_bytes(), &[3], &[9, 0, 9, 0].repeat(points)].concat().into()
    }

    /// The bytes that client 1 hears.
    fn heard(context: &TestContext) -> Vec<Vec<u8>> {
        let bytes = |effect| match effect {
            Effect::Message { recipient: MessageRecipient::Broadcast, message } => message.bytes().map(<[u8]>::to_vec),
            Effect::Message { recipient: MessageRecipient::Client(ClientId(1)), message } => {
                message.bytes().map(<[u8]>::to_vec)
            }
            _ => None,
        };
        context.take().into_iter().filter_map(bytes).collect()
    }

    #[test]
    fn everybody_hears_of_each_part_and_a_newcomer_of_the_whole() {
        let (mut board, context) = (Whiteboard::default(), TestContext::new("a room"));
        let told = |age: u8, points: usize| {
            [&[kind::PART, 2, 0, 0, 0, 7, 0, 0, 0, 3, age][..], &[9, 0, 9, 0].repeat(points)].concat()
        };
        board.message(ClientId(2), part(7, 2), &context);
        board.message(ClientId(2), part(7, 1), &context);
        assert_eq!(heard(&context), [told(0, 2), told(0, 1)]);
        board.timer(&context);
        let _ = context.take();
        board.connect(ClientId(1), &context);
        assert_eq!(heard(&context), [vec![kind::WELCOME, 1, 0, 0, 0], told(1, 3)]);
    }

    #[test]
    fn strokes_fade_and_then_the_timer_rests() {
        let (mut board, context) = (Whiteboard::default(), TestContext::new("a room"));
        board.message(ClientId(2), part(7, 2), &context);
        assert!(context.take().contains(&Effect::SetTimer { ms_delay: TICK }));
        for _ in 1..LIFE {
            board.timer(&context);
            assert!(context.take().contains(&Effect::SetTimer { ms_delay: TICK }));
        }
        board.timer(&context);
        assert_eq!(heard(&context), [[kind::TICK]]);
        assert!(board.strokes.is_empty() && board.points == 0 && !board.ticking);
    }

    #[test]
    fn the_oldest_make_way_and_everybody_hears_of_it() {
        let (mut board, context) = (Whiteboard::default(), TestContext::new("a room"));
        for number in 0..=(BOARD_POINTS / 64) as u32 {
            board.message(ClientId(1), part(number, 64), &context);
        }
        assert!(board.points <= BOARD_POINTS);
        assert_eq!(heard(&context).last(), Some(&vec![kind::GONE, 1, 0, 0, 0, 0, 0, 0, 0]));
        for number in 0..=STROKES as u32 {
            board.message(ClientId(1), part(10_000 + number, 1), &context);
        }
        assert_eq!(board.strokes.len(), STROKES);
    }

    #[test]
    fn a_stroke_ends_where_it_is_too_long() {
        let (mut board, context) = (Whiteboard::default(), TestContext::new("a room"));
        for _ in 0..100 {
            board.message(ClientId(1), part(1, 64), &context);
        }
        assert_eq!(board.points, STROKE_POINTS / 64 * 64);
        assert_eq!(heard(&context).len(), STROKE_POINTS / 64);
    }

    #[test]
    fn clear_clears_and_rubbish_does_nothing() {
        let (mut board, context) = (Whiteboard::default(), TestContext::new("a room"));
        board.message(ClientId(1), part(1, 3), &context);
        let _ = context.take();
        board.message(ClientId(1), "clear".into(), &context);
        board.message(ClientId(1), vec![9, 9].into(), &context);
        assert_eq!((context.take(), board.points), (vec![], 3));
        board.message(ClientId(1), vec![kind::CLEAR].into(), &context);
        assert_eq!((heard(&context), board.points), (vec![vec![kind::CLEAR]], 0));
    }
}
