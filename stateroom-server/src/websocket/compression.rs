//! Compression of messages, permessage-deflate (RFC 7692): what is agreed on with a client, and how messages to it are
//! compressed.
//!
//! *Invariant:* no side refers to earlier messages ("no context takeover"). So what a room broadcasts is compressed once for
//! all who get it, and a connection keeps no history of what it was sent.
use std::cell::RefCell;

use flate2::{Compress, FlushCompress, Status};
use sockudo_ws::deflate::{DeflateConfig, negotiate_server_deflate};

/// What a flush ends with, and a message leaves out (RFC 7692, section 7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
/// The windows of the two encodings, in bits.
const LARGE_WINDOW: u8 = 15;
const SMALL_WINDOW: u8 = 9;

/// How messages to a client are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Encoding {
    /// As they are.
    #[default]
    Plain,
    /// Compressed, for who can look back at 32 KiB of the message.
    Compressed,
    /// Compressed, for who has less memory, how little it may be.
    CompressedSmall,
}

impl Encoding {
    /// How many there are.
    pub(crate) const COUNT: usize = 3;
}

/// What was agreed on with a client.
#[derive(Debug)]
pub(crate) struct Compression {
    config: DeflateConfig,
    response: String,
}

impl Compression {
    /// What can be agreed on of what a client offers in `Sec-WebSocket-Extensions`, if anything.
    pub(crate) fn agree(offers: &str) -> Option<Self> {
        let policy = DeflateConfig {
            server_no_context_takeover: true,
            client_no_context_takeover: true,
            ..DeflateConfig::default()
        };
        let agreed = negotiate_server_deflate(offers, &policy)?;
        Some(Compression { response: agreed.to_response_header(), config: agreed.config })
    }

    /// What the client is told in `Sec-WebSocket-Extensions`.
    pub(crate) fn response(&self) -> &str {
        &self.response
    }

    /// For who decompresses.
    pub(crate) fn config(&self) -> &DeflateConfig {
        &self.config
    }

    /// How messages to the client are written.
    pub(crate) fn encoding(&self) -> Encoding {
        if u8::from(self.config.server_max_window_bits) >= LARGE_WINDOW {
            Encoding::Compressed
        } else {
            Encoding::CompressedSmall
        }
    }
}

thread_local! {
    static LARGE: RefCell<Compressor> = RefCell::new(Compressor::new(LARGE_WINDOW));
    static SMALL: RefCell<Compressor> = RefCell::new(Compressor::new(SMALL_WINDOW));
}

struct Compressor {
    compress: Compress,
    output: Vec<u8>,
}

impl Compressor {
    /// Memory for a longer message is given back.
    const KEPT: usize = 64 << 10;

    fn new(window_bits: u8) -> Self {
        let level = flate2::Compression::fast();
        Compressor { compress: Compress::new_with_window_bits(level, false, window_bits), output: Vec::new() }
    }

    /// Compresses a message.
    fn compress<R>(&mut self, content: &[u8], then: impl FnOnce(Option<&[u8]>) -> R) -> R {
        self.compress.reset();
        self.output.clear();
        self.output.shrink_to(Self::KEPT);
        // What cannot become shorter becomes longer by no more than an eighth.
        self.output.reserve(content.len() + content.len() / 8 + 64);
        let flushed = self.compress.compress_vec(content, &mut self.output, FlushCompress::Sync);
        // Where there was no space left at the end, there may be more to come.
        let whole = matches!(flushed, Ok(Status::Ok))
            && self.compress.total_in() == content.len() as u64
            && self.output.len() < self.output.capacity();
        then(self.output.strip_suffix(&TAIL).filter(|_| whole))
    }
}

/// Gives a message's content as it is to be sent in that encoding: compressed, or `None` where it is sent as it is.
pub(super) fn compressed<R>(encoding: Encoding, content: &[u8], then: impl FnOnce(Option<&[u8]>) -> R) -> R {
    let compressor = match encoding {
        Encoding::Plain => return then(None),
        Encoding::Compressed => &LARGE,
        Encoding::CompressedSmall => &SMALL,
    };
    compressor.with_borrow_mut(|compressor| compressor.compress(content, then))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_agreed_on_lets_no_side_refer_to_earlier_messages() {
        let agreed = |offers| Compression::agree(offers).map(|it| (it.response().to_owned(), it.encoding()));
        let both = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
        assert_eq!(agreed("permessage-deflate; client_max_window_bits"), Some((both.to_owned(), Encoding::Compressed)));
        let small = (format!("{both}; server_max_window_bits=9"), Encoding::CompressedSmall);
        assert_eq!(agreed("permessage-deflate; server_max_window_bits=9"), Some(small));
        assert_eq!(agreed("permessage-deflate; server_max_window_bits=8"), None, "no compressor has it as small");
        assert_eq!(
            agreed("permessage-deflate; server_max_window_bits=8, permessage-deflate"),
            Some((both.to_owned(), Encoding::Compressed)),
            "the next best"
        );
        assert_eq!(agreed("permessage-bzip2"), None);
    }

    #[test]
    fn whatever_is_said_is_compressed_in_one_go() {
        let mut state = 1_u32;
        let noise: Vec<u8> = (0..300_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        for encoding in [Encoding::Compressed, Encoding::CompressedSmall] {
            let length = |content: &[u8]| compressed(encoding, content, |it| it.map(<[u8]>::len));
            assert!(length(&[b'a'; 1000]).is_some_and(|length| length < 100));
            for size in [0, 1, 16, 1000, 70_000, 300_000] {
                assert!(length(&noise[..size]).is_some(), "{size}");
            }
        }
        assert!(compressed(Encoding::Plain, &[b'a'; 1000], |it| it.is_none()));
    }
}
