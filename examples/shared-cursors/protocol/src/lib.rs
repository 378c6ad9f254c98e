//! What the service and the client of `shared-cursors` say to each other: one type for both sides.
//!
//! Messages are binary, and numbers in them little-endian. *Invariant:* whatever the bytes are, decoding gives a message
//! or nothing; it accepts exactly what encoding makes.

/// Says [`ToClient::Welcome`].
const WELCOME: u8 = 1;
/// Says [`ToClient::Batch`].
const BATCH: u8 = 2;

/// A place on the canvas, as parts of 65535 of its width and its height: it means the same in a window of any size.
///
/// It is also all that a client ever sends: 4 bytes, `x` and `y`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// From the left.
    pub x: u16,
    /// From the top.
    pub y: u16,
}

impl Position {
    /// The position at these fractions of width and height. What lies outside is moved to the edge.
    #[must_use]
    pub fn at(x: f64, y: f64) -> Position {
        // `as` keeps to the range of the type, and makes 0 of what is no number.
        let part = |fraction: f64| (fraction * f64::from(u16::MAX)).round() as u16;
        Position { x: part(x), y: part(y) }
    }

    /// The fractions of width and height, 0 to 1.
    #[must_use]
    pub fn fractions(self) -> [f64; 2] {
        [self.x, self.y].map(|part| f64::from(part) / f64::from(u16::MAX))
    }

    /// As bytes.
    #[must_use]
    pub fn encode(self) -> [u8; 4] {
        let ([x0, x1], [y0, y1]) = (self.x.to_le_bytes(), self.y.to_le_bytes());
        [x0, x1, y0, y1]
    }

    /// From bytes, if they are a position and no more.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Position> {
        let &[x0, x1, y0, y1] = bytes else { return None };
        Some(Position { x: u16::from_le_bytes([x0, x1]), y: u16::from_le_bytes([y0, y1]) })
    }
}

/// Where a client's pointer is: 8 bytes, `client` and `position`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The number of the client.
    pub client: u32,
    /// Where it points.
    pub position: Position,
}

/// What the service says. The first byte tells which of these it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToClient {
    /// To a newcomer alone, before anything else. Byte 1, then `you`.
    Welcome {
        /// The newcomer's own number.
        you: u32,
    },
    /// What has changed since the last one; a newcomer's first has all there is. Byte 2, then `here`, the number of
    /// those in `left`, those, and to the end those in `moved`.
    Batch {
        /// How many clients the room has, whether they have moved or not.
        here: u32,
        /// Whose cursors are gone. Taken away first: who has left and come back is in both.
        left: Vec<u32>,
        /// Whose are new or elsewhere.
        moved: Vec<Cursor>,
    },
}

impl ToClient {
    /// As bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            ToClient::Welcome { you } => {
                let mut bytes = vec![WELCOME];
                bytes.extend(you.to_le_bytes());
                bytes
            }
            ToClient::Batch { here, left, moved } => {
                let mut bytes = Vec::with_capacity(9 + 4 * left.len() + 8 * moved.len());
                bytes.push(BATCH);
                bytes.extend(here.to_le_bytes());
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

    /// From bytes, if they are a message and no more.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<ToClient> {
        match bytes.split_first()? {
            (&WELCOME, you) => Some(ToClient::Welcome { you: u32::from_le_bytes(you.try_into().ok()?) }),
            (&BATCH, rest) => {
                let (here, rest) = rest.split_first_chunk()?;
                let (left_count, rest) = rest.split_first_chunk()?;
                let left_bytes = usize::try_from(u32::from_le_bytes(*left_count)).ok()?.checked_mul(4)?;
                // What is allocated is never more than what has come, whatever the number says.
                let (left, moved) = rest.split_at_checked(left_bytes)?;
                let (left, []) = left.as_chunks() else { return None };
                let (moved, []) = moved.as_chunks() else { return None };
                Some(ToClient::Batch {
                    here: u32::from_le_bytes(*here),
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
