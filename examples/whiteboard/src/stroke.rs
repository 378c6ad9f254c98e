//! Strokes and their encoding. Numbers are little-endian. Positions are fractions of the board's size, scaled to 65535.

/// The first byte of a message. Clients send `PART` and `CLEAR`; the room sends all kinds.
pub mod kind {
    /// Part of a stroke: u32 number, u8 color, then the points, each u16 x and u16 y. The room prepends the client ID
    /// (u32), and inserts the age of the stroke (u8) after the color.
    pub const PART: u8 = 1;
    /// Clears the board. No further bytes.
    pub const CLEAR: u8 = 2;
    /// Strokes were evicted: u32 client and u32 number for each.
    pub const EVICTED: u8 = 3;
    /// All strokes age by one tick. No further bytes.
    pub const TICK: u8 = 4;
    /// The first message to a new client: u32 client ID. The current strokes follow, oldest first.
    pub const WELCOME: u8 = 5;
}

/// Number of colors.
pub const COLORS: u8 = 6;
/// Maximum number of points in a part.
pub const MAX_PART_POINTS: usize = 64;

/// A message from a client.
#[derive(Debug, PartialEq, Eq)]
pub enum FromClient {
    /// Starts or continues a stroke.
    Part {
        /// Number of the stroke, unique per client.
        number: u32,
        /// Its color.
        color: u8,
        /// The next points.
        points: Vec<[u16; 2]>,
    },
    /// Clears the board.
    Clear,
}

impl FromClient {
    /// Decodes a message. Returns `None` if it is invalid.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<FromClient> {
        match bytes.split_first()? {
            (&kind::CLEAR, []) => Some(FromClient::Clear),
            (&kind::PART, part) => {
                let (number, part) = part.split_first_chunk()?;
                let (&color, points) = part.split_first()?;
                let (points, []) = points.as_chunks() else { return None };
                let fits = color < COLORS && (1..=MAX_PART_POINTS).contains(&points.len());
                let point = |&[x0, x1, y0, y1]: &[u8; 4]| [u16::from_le_bytes([x0, x1]), u16::from_le_bytes([y0, y1])];
                fits.then(|| FromClient::Part {
                    number: u32::from_le_bytes(*number),
                    color,
                    points: points.iter().map(point).collect(),
                })
            }
            _ => None,
        }
    }
}

/// A stroke on the board.
#[derive(Debug)]
pub struct Stroke {
    /// The client that drew it.
    pub client: u32,
    /// Number of the stroke, unique per client.
    pub number: u32,
    /// Its color.
    pub color: u8,
    /// Ticks since the last part was added.
    pub age: u8,
    /// All points.
    pub points: Vec<[u16; 2]>,
}

impl Stroke {
    /// Encodes the message with these points of the stroke.
    #[must_use]
    pub fn part(&self, points: &[[u16; 2]]) -> Vec<u8> {
        let mut bytes = vec![kind::PART];
        bytes.extend(self.key());
        bytes.extend([self.color, self.age]);
        bytes.extend(points.iter().flatten().flat_map(|part| part.to_le_bytes()));
        bytes
    }

    /// Encodes the client ID and the stroke number.
    #[must_use]
    pub fn key(&self) -> [u8; 8] {
        let ([c0, c1, c2, c3], [n0, n1, n2, n3]) = (self.client.to_le_bytes(), self.number.to_le_bytes());
        [c0, c1, c2, c3, n0, n1, n2, n3]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_only_valid_messages() {
        let part = [kind::PART, 7, 0, 0, 0, 5, 1, 0, 2, 0, 255, 255, 0, 1];
        let points = vec![[1, 2], [65535, 256]];
        assert_eq!(FromClient::decode(&part), Some(FromClient::Part { number: 7, color: 5, points }));
        assert_eq!(FromClient::decode(&[kind::CLEAR]), Some(FromClient::Clear));
        // Truncated messages are invalid, except between points.
        for length in (0..part.len()).filter(|length| *length != 10) {
            assert_eq!(FromClient::decode(&part[..length]), None, "{length} bytes");
        }
        let too_long = [&part[..6], &[0; 4 * (MAX_PART_POINTS + 1)]].concat();
        let no_such_color = [&part[..5], &[COLORS], &part[6..]].concat();
        for bytes in [too_long, no_such_color, vec![kind::CLEAR, 0], vec![kind::TICK], vec![kind::WELCOME, 1, 0, 0, 0]]
        {
            assert_eq!(FromClient::decode(&bytes), None);
        }
    }
}
