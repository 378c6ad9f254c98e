//! WebSocket frames by hand: what a client of a bench needs of them, and no more.

pub(crate) const TEXT: u8 = 1;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// A client's frame of at most 125 bytes. Its mask is zero, which masks nothing, and which the server has to apply as any.
pub(crate) fn frame(kind: u8, content: &[u8]) -> Vec<u8> {
    let content = content.get(..125).unwrap_or(content);
    let mut frame = vec![0x80 | kind, 0x80 | content.len() as u8, 0, 0, 0, 0];
    frame.extend(content);
    frame
}

/// A message of 64 bytes that begins with this letter.
pub(crate) fn message(first: char) -> Vec<u8> {
    frame(TEXT, format!("{first:.<64}").as_bytes())
}

/// Takes a server's stream apart.
#[derive(Default)]
pub(crate) struct Frames {
    /// The beginning of a frame that has not come completely. Most reads end with a frame, so mostly it has no memory.
    begun: Vec<u8>,
}

impl Frames {
    /// Calls `each` with the kind and the content of every frame that is complete now.
    pub(crate) fn read(&mut self, input: &[u8], mut each: impl FnMut(u8, &[u8])) {
        let mut begun = std::mem::take(&mut self.begun);
        let mut rest = if begun.is_empty() {
            input
        } else {
            begun.extend(input);
            &begun
        };
        while let Some((kind, content, after)) = split(rest) {
            each(kind, content);
            rest = after;
        }
        if !rest.is_empty() {
            self.begun = rest.to_vec();
        }
    }
}

/// The first frame: its kind and content, and what follows it.
fn split(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[first, length], rest) = bytes.split_first_chunk()?;
    let (length, rest) = match length {
        126 => rest.split_first_chunk().map(|(length, rest)| (u16::from_be_bytes(*length).into(), rest))?,
        127 => rest.split_first_chunk().map(|(length, rest)| (u64::from_be_bytes(*length), rest))?,
        length => (length.into(), rest),
    };
    let (content, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    Some((first & 0xf, content, after))
}
