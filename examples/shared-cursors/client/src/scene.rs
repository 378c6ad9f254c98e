//! Where everybody's cursor is, and where it is shown: on its way there.
use std::collections::BTreeMap;

use shared_cursors_protocol::ToClient;

/// How long a frame usually is, in milliseconds.
pub(crate) const FRAME: f64 = 1000.0 / 60.0;
/// In this time, in milliseconds, a cursor makes about two thirds of its way. A little longer than a batch takes to come,
/// so that it glides from one to the next.
const GLIDE: f64 = 40.0;
/// Closer than this, in parts of the canvas, is there.
const NEAR: f64 = 0.0003;

/// The cursors of a room.
#[derive(Debug, Default)]
pub(crate) struct Scene {
    me: Option<u32>,
    cursors: BTreeMap<u32, Glide>,
}

/// A cursor on its way. Both are fractions of the canvas's width and height.
#[derive(Debug, Clone, Copy)]
struct Glide {
    shown: [f64; 2],
    target: [f64; 2],
}

impl Scene {
    /// Takes what the room says.
    pub(crate) fn hear(&mut self, message: ToClient) {
        match message {
            ToClient::Welcome { you } => self.me = Some(you),
            ToClient::Batch { left, moved, .. } => {
                for client in left {
                    self.cursors.remove(&client);
                }
                for cursor in moved {
                    let target = cursor.position.fractions();
                    // One that is new does not come from anywhere.
                    self.cursors.entry(cursor.client).or_insert(Glide { shown: target, target }).target = target;
                }
            }
        }
    }

    /// Lets so many milliseconds pass; says whether anything still moves.
    pub(crate) fn advance(&mut self, milliseconds: f64) -> bool {
        let part = 1.0 - (-milliseconds / GLIDE).exp();
        let mut moving = false;
        for Glide { shown, target } in self.cursors.values_mut() {
            for (shown, target) in shown.iter_mut().zip(*target) {
                *shown += (target - *shown) * part;
                if (target - *shown).abs() < NEAR {
                    *shown = target;
                }
                moving |= *shown != target;
            }
        }
        moving
    }

    /// Everybody else's cursors, and where to show them. One's own is drawn by the browser.
    pub(crate) fn others(&self) -> impl Iterator<Item = (u32, [f64; 2])> {
        let others = self.cursors.iter().filter(|(client, _)| Some(**client) != self.me);
        others.map(|(client, glide)| (*client, glide.shown))
    }
}

#[cfg(test)]
mod tests {
    use shared_cursors_protocol::{Cursor, Position};

    use super::*;

    fn batch(left: &[u32], moved: &[(u32, f64)]) -> ToClient {
        let cursor = |&(client, x): &(u32, f64)| Cursor { client, position: Position::at(x, 0.0) };
        ToClient::Batch { here: 0, left: left.to_vec(), moved: moved.iter().map(cursor).collect() }
    }

    fn shown(scene: &Scene) -> Vec<(u32, f64)> {
        scene.others().map(|(client, [x, _])| (client, x)).collect()
    }

    #[test]
    fn a_cursor_appears_at_its_place_and_glides_from_there() {
        let mut scene = Scene::default();
        scene.hear(batch(&[], &[(2, 1.0)]));
        assert_eq!(shown(&scene), [(2, 1.0)]);
        assert!(!scene.advance(FRAME), "it is where it belongs");

        scene.hear(batch(&[], &[(2, 0.0)]));
        assert!(scene.advance(FRAME));
        let halfway = shown(&scene)[0].1;
        assert!(halfway > 0.5 && halfway < 0.8, "{halfway}");
        let frames = (0..100).take_while(|_| scene.advance(FRAME)).count();
        assert_eq!(shown(&scene), [(2, 0.0)]);
        assert!(frames < 30, "it takes {frames} frames");
    }

    #[test]
    fn however_frames_come_it_takes_as_long() {
        let [mut one, mut other] = [Scene::default(), Scene::default()];
        for scene in [&mut one, &mut other] {
            scene.hear(batch(&[], &[(2, 0.0)]));
            scene.hear(batch(&[], &[(2, 1.0)]));
        }
        one.advance(20.0);
        other.advance(8.0);
        other.advance(12.0);
        assert!((shown(&one)[0].1 - shown(&other)[0].1).abs() < 1e-9);
    }

    #[test]
    fn ones_own_cursor_and_those_who_left_are_not_shown() {
        let mut scene = Scene::default();
        scene.hear(ToClient::Welcome { you: 1 });
        scene.hear(batch(&[], &[(1, 0.0), (2, 0.0), (3, 0.0)]));
        scene.hear(batch(&[3, 9], &[]));
        assert_eq!(shown(&scene), [(2, 0.0)]);
    }
}
