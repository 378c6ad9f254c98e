//! A shared whiteboard: binary strokes, a snapshot for new clients, and a timer that fades strokes.
//!
//! *Invariant:* all pages that have received the same messages show the same picture, because the room determines the
//! set, order and age of the strokes. Its state is bounded: the oldest strokes are evicted.
mod stroke;

use std::collections::VecDeque;

use stateroom_wasm::*;
use stroke::{FromClient, Stroke, kind};

/// Time between ticks, in milliseconds.
const TICK_INTERVAL: u32 = 1000;
/// Age in ticks at which a stroke is removed. The page fades it out before that.
const MAX_AGE: u8 = 60;
/// Maximum number of points of a stroke.
const MAX_STROKE_POINTS: usize = 2000;
/// Maximum number of points on the board: 160 KB, so that the whole picture fits into a client's outbound queue.
const MAX_POINTS: usize = 40_000;
/// Maximum number of strokes, because a stroke takes memory in addition to its points.
const MAX_STROKES: usize = 2000;

/// The board of one room.
#[stateroom_wasm]
#[derive(Default)]
pub struct Whiteboard {
    strokes: VecDeque<Stroke>,
    points: usize,
    /// Whether the timer is set. It is off while the board is empty.
    timer_set: bool,
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
            Some(FromClient::Part { number, color, points }) => self.draw(client, number, color, &points, context),
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
        self.strokes.retain(|stroke| stroke.age < MAX_AGE);
        self.points = self.strokes.iter().map(|stroke| stroke.points.len()).sum();
        context.send_message(MessageRecipient::Broadcast, vec![kind::TICK]);
        self.timer_set = !self.strokes.is_empty();
        if self.timer_set {
            context.set_timer(TICK_INTERVAL);
        }
    }
}

impl Whiteboard {
    fn draw(&mut self, client: u32, number: u32, color: u8, points: &[[u16; 2]], context: &impl StateroomContext) {
        let index = self.strokes.iter().rposition(|stroke| (stroke.client, stroke.number) == (client, number));
        if index.is_none() {
            self.strokes.push_back(Stroke { client, number, color, age: 0, points: Vec::new() });
        }
        let stroke = match index {
            Some(index) => self.strokes.get_mut(index),
            None => self.strokes.back_mut(),
        };
        let Some(stroke) = stroke.filter(|stroke| stroke.points.len() + points.len() <= MAX_STROKE_POINTS) else {
            return;
        };
        // The start of a stroke does not fade while the stroke is being drawn.
        stroke.age = 0;
        stroke.points.extend(points);
        self.points += points.len();
        // The author receives it, too, so that all pages stack strokes in the same order.
        context.send_message(MessageRecipient::Broadcast, stroke.part(points));
        self.evict_oldest(context);
        if !self.timer_set {
            self.timer_set = true;
            context.set_timer(TICK_INTERVAL);
        }
    }

    fn evict_oldest(&mut self, context: &impl StateroomContext) {
        let mut evicted = vec![kind::EVICTED];
        while self.points > MAX_POINTS || self.strokes.len() > MAX_STROKES {
            let Some(oldest) = self.strokes.pop_front() else { break };
            self.points -= oldest.points.len();
            evicted.extend(oldest.key());
        }
        if evicted.len() > 1 {
            context.send_message(MessageRecipient::Broadcast, evicted);
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

    /// Returns the messages that client 1 received.
    fn received(context: &TestContext) -> Vec<Vec<u8>> {
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
    fn broadcasts_parts_and_sends_whole_strokes_to_new_clients() {
        let (mut board, context) = (Whiteboard::default(), TestContext::new("a room"));
        let expected = |age: u8, points: usize| {
            [&[kind::PART, 2, 0, 0, 0, 7, 0, 0, 0, 3, age][..], &[9, 0, 9, 0].repeat(points)].concat()
        };
        board.message(ClientId(2), part(7, 2), &context);
        board.message(ClientId(2), part(7, 1), &context);
        assert_eq!(received(&context), [expected(0, 2), expected(0, 1)]);
        board.timer(&context);
        let _ = context.take();
        board.connect(ClientId(1), &context);
        assert_eq!(received(&context), [vec![kind::WELCOME, 1, 0, 0, 0], expected(1, 3)]);
    }

    #[test]
    fn strokes_expire_and_the_timer_stops() {
        let (mut board, context) = (Whiteboard::default(), TestContext::new("a room"));
        board.message(ClientId(2), part(7, 2), &context);
        assert!(context.take().contains(&Effect::SetTimer { ms_delay: TICK_INTERVAL }));
        for _ in 1..MAX_AGE {
            board.timer(&context);
            assert!(context.take().contains(&Effect::SetTimer { ms_delay: TICK_INTERVAL }));
        }
        board.timer(&context);
        assert_eq!(received(&context), [[kind::TICK]]);
        assert!(board.strokes.is_empty() && board.points == 0 && !board.timer_set);
    }

    #[test]
    fn evicts_and_announces_the_oldest_strokes() {
        let (mut board, context) = (Whiteboard::default(), TestContext::new("a room"));
        for number in 0..=(MAX_POINTS / 64) as u32 {
            board.message(ClientId(1), part(number, 64), &context);
        }
        assert!(board.points <= MAX_POINTS);
        assert_eq!(received(&context).last(), Some(&vec![kind::EVICTED, 1, 0, 0, 0, 0, 0, 0, 0]));
        for number in 0..=MAX_STROKES as u32 {
            board.message(ClientId(1), part(10_000 + number, 1), &context);
        }
        assert_eq!(board.strokes.len(), MAX_STROKES);
    }

    #[test]
    fn rejects_parts_that_exceed_the_stroke_limit() {
        let (mut board, context) = (Whiteboard::default(), TestContext::new("a room"));
        for _ in 0..100 {
            board.message(ClientId(1), part(1, 64), &context);
        }
        assert_eq!(board.points, MAX_STROKE_POINTS / 64 * 64);
        assert_eq!(received(&context).len(), MAX_STROKE_POINTS / 64);
    }

    #[test]
    fn clears_the_board_and_ignores_invalid_messages() {
        let (mut board, context) = (Whiteboard::default(), TestContext::new("a room"));
        board.message(ClientId(1), part(1, 3), &context);
        let _ = context.take();
        board.message(ClientId(1), "clear".into(), &context);
        board.message(ClientId(1), vec![9, 9].into(), &context);
        assert_eq!((context.take(), board.points), (vec![], 3));
        board.message(ClientId(1), vec![kind::CLEAR].into(), &context);
        assert_eq!((received(&context), board.points), (vec![vec![kind::CLEAR]], 0));
    }
}
