//! A minimal WebSocket codec for benchmark clients.

pub(crate) const TEXT: u8 = 1;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// Returns a client frame with at most 125 bytes of payload. The all-zero mask costs the server as much as any other.
pub(crate) fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let payload = payload.get(..125).unwrap_or(payload);
    let mut frame = vec![0x80 | opcode, 0x80 | payload.len() as u8, 0, 0, 0, 0];
    frame.extend(payload);
    frame
}

/// Returns a text message of 64 bytes that starts with the given letter.
pub(crate) fn message(first: char) -> Vec<u8> {
    frame(TEXT, format!("{first:.<64}").as_bytes())
}

/// Splits the byte stream of a server into frames.
#[derive(Default)]
pub(crate) struct FrameReader {
    /// The start of an incomplete frame. Most reads end at a frame boundary, so this usually allocates nothing.
    partial: Vec<u8>,
}

impl FrameReader {
    /// Calls `each` with the opcode and payload of every complete frame.
    pub(crate) fn read(&mut self, input: &[u8], mut each: impl FnMut(u8, &[u8])) {
        let mut partial = std::mem::take(&mut self.partial);
        let mut rest = if partial.is_empty() {
            input
        } else {
            partial.extend(input);
            &partial
        };
        while let Some((opcode, payload, remaining)) = split(rest) {
            each(opcode, payload);
            rest = remaining;
        }
        if !rest.is_empty() {
            self.partial = rest.to_vec();
        }
    }
}

/// Splits off the first frame. Returns its opcode, its payload, and the remaining bytes.
fn split(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[first, length], rest) = bytes.split_first_chunk()?;
    let (length, rest) = match length {
        126 => rest.split_first_chunk().map(|(length, rest)| (u16::from_be_bytes(*length).into(), rest))?,
        127 => rest.split_first_chunk().map(|(length, rest)| (u64::from_be_bytes(*length), rest))?,
        length => (length.into(), rest),
    };
    let (payload, remaining) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    Some((first & 0xf, payload, remaining))
}
