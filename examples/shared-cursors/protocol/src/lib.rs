//! Messages between the service and the client of `shared-cursors`, shared by both. They are binary, with little-endian
//! numbers.
//!
//! *Invariant:* decoding never panics, and accepts exactly what encoding produces.

/// First byte of [`ToClient::Welcome`].
const WELCOME: u8 = 1;
/// First byte of [`ToClient::Batch`].
const BATCH: u8 = 2;

/// A position on the canvas: fractions of its width and height, scaled to 65535, independent of the window size.
///
/// It is the only message that a client sends: 4 bytes, `x` and `y`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// From the left.
    pub x: u16,
    /// From the top.
    pub y: u16,
}

impl Position {
    /// Creates a position from fractions of width and height. Values outside of 0 to 1 are clamped.
    #[must_use]
    pub fn at(x: f64, y: f64) -> Position {
        // `as` saturates, and converts NaN to 0.
        let scale = |fraction: f64| (fraction * f64::from(u16::MAX)).round() as u16;
        Position { x: scale(x), y: scale(y) }
    }

    /// Returns the fractions of width and height, 0 to 1.
    #[must_use]
    pub fn fractions(self) -> [f64; 2] {
        [self.x, self.y].map(|part| f64::from(part) / f64::from(u16::MAX))
    }

    /// Encodes the position.
    #[must_use]
    pub fn encode(self) -> [u8; 4] {
        let ([x0, x1], [y0, y1]) = (self.x.to_le_bytes(), self.y.to_le_bytes());
        [x0, x1, y0, y1]
    }

    /// Decodes a position. Returns `None` unless there are exactly 4 bytes.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Position> {
        let &[x0, x1, y0, y1] = bytes else { return None };
        Some(Position { x: u16::from_le_bytes([x0, x1]), y: u16::from_le_bytes([y0, y1]) })
    }
}

/// The pointer of a client: 8 bytes, `client` and `position`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The client ID.
    pub client: u32,
    /// Its position.
    pub position: Position,
}

/// A message from the service. The first byte is its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToClient {
    /// The first message to a new client: byte 1, then `you`.
    Welcome {
        /// The client's own ID.
        you: u32,
    },
    /// The changes since the previous batch, or the full state for a new client: byte 2, then `connected`, the length
    /// of `left`, its elements, and the elements of `moved` up to the end.
    Batch {
        /// Number of connected clients, with or without a cursor.
        connected: u32,
        /// Clients whose cursors are removed, before `moved` is applied: a client that left and reconnected is in both.
        left: Vec<u32>,
        /// New and moved cursors.
        moved: Vec<Cursor>,
    },
}

impl ToClient {
    /// Encodes the message.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            ToClient::Welcome { you } => {
                let mut bytes = vec![WELCOME];
                bytes.extend(you.to_le_bytes());
                bytes
            }
            ToClient::Batch { connected, left, moved } => {
                let mut bytes = Vec::with_capacity(9 + 4 * left.len() + 8 * moved.len());
                bytes.push(BATCH);
                bytes.extend(connected.to_le_bytes());
                bytes.extend((left.len() as u32).to_le_bytes());
                bytes.extend(left.iter().flat_map(|client| client.to_le_bytes()));
                for cursor in moved {
                    bytes.extend(cursor.client.to_le_bytes());
                    bytes.extend(cursor.position.encode());
                }
                bytes
            }
        }
    }

    /// Decodes a message. Returns `None` if it is invalid or has trailing bytes.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<ToClient> {
        match bytes.split_first()? {
            (&WELCOME, you) => Some(ToClient::Welcome { you: u32::from_le_bytes(you.try_into().ok()?) }),
            (&BATCH, rest) => {
                let (connected, rest) = rest.split_first_chunk()?;
                let (left_count, rest) = rest.split_first_chunk()?;
                let left_bytes = usize::try_from(u32::from_le_bytes(*left_count)).ok()?.checked_mul(4)?;
                // What is allocated is never more than what has come, whatever the number says.
                let (left, moved) = rest.split_at_checked(left_bytes)?;
                let (left, []) = left.as_chunks() else { return None };
                let (moved, []) = moved.as_chunks() else { return None };
                Some(ToClient::Batch {
                    connected: u32::from_le_bytes(*connected),
                    left: left.iter().map(|client| u32::from_le_bytes(*client)).collect(),
                    moved: moved.iter().map(cursor).collect(),
                })
            }
            _ => None,
        }
    }
}

fn cursor(&[c0, c1, c2, c3, x0, x1, y0, y1]: &[u8; 8]) -> Cursor {
    let position = Position { x: u16::from_le_bytes([x0, x1]), y: u16::from_le_bytes([y0, y1]) };
    Cursor { client: u32::from_le_bytes([c0, c1, c2, c3]), position }
}

#[cfg(test)]
mod tests;
