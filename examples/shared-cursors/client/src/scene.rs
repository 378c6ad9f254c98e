//! Interpolation of cursors: the position at which each is shown, and its target.
use std::collections::BTreeMap;

use shared_cursors_protocol::ToClient;

/// Usual duration of a frame, in milliseconds.
pub(crate) const FRAME: f64 = 1000.0 / 60.0;
/// Time constant of the motion, in milliseconds: a cursor covers about two thirds of the distance in this time. A
/// little longer than the interval between batches, so that cursors move continuously.
const TIME_CONSTANT: f64 = 40.0;
/// Distance at which a cursor snaps to its target, as a fraction of the canvas.
const SNAP_DISTANCE: f64 = 0.0003;

/// The cursors of a room.
#[derive(Debug, Default)]
pub(crate) struct Scene {
    me: Option<u32>,
    cursors: BTreeMap<u32, Motion>,
}

/// A moving cursor. Both positions are fractions of the canvas's width and height.
#[derive(Debug, Clone, Copy)]
struct Motion {
    shown: [f64; 2],
    target: [f64; 2],
}

impl Scene {
    /// Applies a message from the room.
    pub(crate) fn apply(&mut self, message: ToClient) {
        match message {
            ToClient::Welcome { you } => self.me = Some(you),
            ToClient::Batch { left, moved, .. } => {
                for client in left {
                    self.cursors.remove(&client);
                }
                for cursor in moved {
                    let target = cursor.position.fractions();
                    // A new cursor appears at its target.
                    self.cursors.entry(cursor.client).or_insert(Motion { shown: target, target }).target = target;
                }
            }
        }
    }

    /// Advances the motion by this many milliseconds. Returns whether any cursor is still moving.
    pub(crate) fn advance(&mut self, milliseconds: f64) -> bool {
        let fraction = 1.0 - (-milliseconds / TIME_CONSTANT).exp();
        let mut moving = false;
        for Motion { shown, target } in self.cursors.values_mut() {
            for (shown, target) in shown.iter_mut().zip(*target) {
                *shown += (target - *shown) * fraction;
                if (target - *shown).abs() < SNAP_DISTANCE {
                    *shown = target;
                }
                moving |= *shown != target;
            }
        }
        moving
    }

    /// Returns the other clients' cursors and where to show them. The browser draws one's own.
    pub(crate) fn others(&self) -> impl Iterator<Item = (u32, [f64; 2])> {
        let others = self.cursors.iter().filter(|(client, _)| Some(**client) != self.me);
        others.map(|(client, motion)| (*client, motion.shown))
    }
}

#[cfg(test)]
mod tests {
    use shared_cursors_protocol::{Cursor, Position};

    use super::*;

    fn batch(left: &[u32], moved: &[(u32, f64)]) -> ToClient {
        let cursor = |&(client, x): &(u32, f64)| Cursor { client, position: Position::at(x, 0.0) };
        ToClient::Batch { connected: 0, left: left.to_vec(), moved: moved.iter().map(cursor).collect() }
    }

    fn shown(scene: &Scene) -> Vec<(u32, f64)> {
        scene.others().map(|(client, [x, _])| (client, x)).collect()
    }

    #[test]
    fn a_cursor_appears_at_its_target_and_moves_from_there() {
        let mut scene = Scene::default();
        scene.apply(batch(&[], &[(2, 1.0)]));
        assert_eq!(shown(&scene), [(2, 1.0)]);
        assert!(!scene.advance(FRAME), "it is at its target");

        scene.apply(batch(&[], &[(2, 0.0)]));
        assert!(scene.advance(FRAME));
        let halfway = shown(&scene)[0].1;
        assert!(halfway > 0.5 && halfway < 0.8, "{halfway}");
        let frames = (0..100).take_while(|_| scene.advance(FRAME)).count();
        assert_eq!(shown(&scene), [(2, 0.0)]);
        assert!(frames < 30, "it takes {frames} frames");
    }

    #[test]
    fn motion_is_independent_of_the_frame_rate() {
        let [mut one, mut other] = [Scene::default(), Scene::default()];
        for scene in [&mut one, &mut other] {
            scene.apply(batch(&[], &[(2, 0.0)]));
            scene.apply(batch(&[], &[(2, 1.0)]));
        }
        one.advance(20.0);
        other.advance(8.0);
        other.advance(12.0);
        assert!((shown(&one)[0].1 - shown(&other)[0].1).abs() < 1e-9);
    }

    #[test]
    fn hides_own_and_removed_cursors() {
        let mut scene = Scene::default();
        scene.apply(ToClient::Welcome { you: 1 });
        scene.apply(batch(&[], &[(1, 0.0), (2, 0.0), (3, 0.0)]));
        scene.apply(batch(&[3, 9], &[]));
        assert_eq!(shown(&scene), [(2, 0.0)]);
    }
}
