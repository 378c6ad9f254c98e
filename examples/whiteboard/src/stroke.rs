//! Strokes, and their bytes. Numbers are little-endian, positions parts of 65535 of the board's width and height.

/// What a client says begins with one of these, and what the room says with one of these or the next.
pub mod kind {
    /// A part of a stroke: u32 number, u8 colour, then its points, each u16 x and u16 y. The room puts the client's number
    /// (u32) in front of it, and behind the colour the stroke's age (u8).
    pub const PART: u8 = 1;
    /// Everything is to go, or gone. No more bytes.
    pub const CLEAR: u8 = 2;
    /// Strokes had to make way: for each, u32 client and u32 number.
    pub const GONE: u8 = 3;
    /// All strokes are a tick older. No more bytes.
    pub const TICK: u8 = 4;
    /// To a newcomer: u32, its number. All the strokes that there are follow, oldest first.
    pub const WELCOME: u8 = 5;
}

/// How many colours there are.
pub const COLOURS: u8 = 6;
/// How many points a part may have.
pub const PART_POINTS: usize = 64;

/// What a client says.
#[derive(Debug, PartialEq, Eq)]
pub enum FromClient {
    /// A stroke begins, or goes on.
    Part {
        /// Which of the client's strokes.
        number: u32,
        /// Its colour.
        colour: u8,
        /// What it goes through next.
        points: Vec<[u16; 2]>,
    },
    /// Wipe the board.
    Clear,
}

impl FromClient {
    /// From bytes, if that is what they are.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<FromClient> {
        match bytes.split_first()? {
            (&kind::CLEAR, []) => Some(FromClient::Clear),
            (&kind::PART, part) => {
                let (number, part) = part.split_first_chunk()?;
                let (&colour, points) = part.split_first()?;
                let (points, []) = points.as_chunks() else { return None };
                let fits = colour < COLOURS && (1..=PART_POINTS).contains(&points.len());
                let point = |&[x0, x1, y0, y1]: &[u8; 4]| [u16::from_le_bytes([x0, x1]), u16::from_le_bytes([y0, y1])];
                fits.then(|| FromClient::Part {
                    number: u32::from_le_bytes(*number),
                    colour,
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
    /// Whose.
    pub client: u32,
    /// Which of theirs.
    pub number: u32,
    /// Its colour.
    pub colour: u8,
    /// How many ticks ago it was last drawn at.
    pub age: u8,
    /// What it goes through.
    pub points: Vec<[u16; 2]>,
}

impl Stroke {
    /// What the room says of these points of it.
    #[must_use]
    pub fn part(&self, points: &[[u16; 2]]) -> Vec<u8> {
        let mut bytes = vec![kind::PART];
        bytes.extend(self.key());
        bytes.extend([self.colour, self.age]);
        bytes.extend(points.iter().flatten().flat_map(|part| part.to_le_bytes()));
        bytes
    }

    /// Whose and which.
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
    fn bytes_are_a_message_or_nothing() {
        let part = [kind::PART, 7, 0, 0, 0, 5, 1, 0, 2, 0, 255, 255, 0, 1];
        let points = vec![[1, 2], [65535, 256]];
        assert_eq!(FromClient::decode(&part), Some(FromClient::Part { number: 7, colour: 5, points }));
        assert_eq!(FromClient::decode(&[kind::CLEAR]), Some(FromClient::Clear));
        // Cut anywhere but between points, it is nothing.
        for length in (0..part.len()).filter(|length| *length != 10) {
            assert_eq!(FromClient::decode(&part[..length]), None, "{length} bytes");
        }
        let too_long = [&part[..6], &[0; 4 * (PART_POINTS + 1)]].concat();
        let no_colour = [&part[..5], &[COLOURS], &part[6..]].concat();
        for bytes in [too_long, no_colour, vec![kind::CLEAR, 0], vec![kind::TICK], vec![kind::WELCOME, 1, 0, 0, 0]] {
            assert_eq!(FromClient::decode(&bytes), None);
        }
    }
}
