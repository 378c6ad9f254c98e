//! Compression of messages, permessage-deflate (RFC 7692): its negotiation with a client, and the compression of messages.
//!
//! *Invariant:* no side refers to earlier messages ("no context takeover"). So a broadcast is compressed once for all recipients,
//! and a connection keeps no history.
use std::cell::RefCell;

use flate2::{Compress, FlushCompress, Status};
use sockudo_ws::deflate::{DeflateConfig, negotiate_server_deflate};

/// The end of a flush, which a message omits (RFC 7692, section 7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
/// The window sizes of the two encodings, in bits.
const LARGE_WINDOW: u8 = 15;
const SMALL_WINDOW: u8 = 9;

/// The encoding of messages to a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Encoding {
    /// Uncompressed.
    #[default]
    Plain,
    /// Compressed with a window of 32 KiB.
    Compressed,
    /// Compressed with the smallest window, for clients with less memory.
    CompressedSmall,
}

impl Encoding {
    /// The number of encodings.
    pub(crate) const COUNT: usize = 3;
}

/// The compression negotiated with a client.
#[derive(Debug)]
pub(crate) struct Compression {
    config: DeflateConfig,
    response: String,
}

impl Compression {
    /// Negotiates the offers in a client's `Sec-WebSocket-Extensions`.
    pub(crate) fn negotiate(offers: &str) -> Option<Self> {
        let policy = DeflateConfig {
            server_no_context_takeover: true,
            client_no_context_takeover: true,
            ..DeflateConfig::default()
        };
        let agreed = negotiate_server_deflate(offers, &policy)?;
        Some(Compression { response: agreed.to_response_header(), config: agreed.config })
    }

    /// Returns the `Sec-WebSocket-Extensions` of the response.
    pub(crate) fn response(&self) -> &str {
        &self.response
    }

    /// Returns the configuration of the decompressor.
    pub(crate) fn config(&self) -> &DeflateConfig {
        &self.config
    }

    /// Returns the encoding of messages to the client.
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
    /// Capacity of the output that is kept between messages, in bytes.
    const KEPT_BYTES: usize = 64 << 10;

    fn new(window_bits: u8) -> Self {
        let level = flate2::Compression::fast();
        Compressor { compress: Compress::new_with_window_bits(level, false, window_bits), output: Vec::new() }
    }

    /// Compresses a message.
    fn compress<R>(&mut self, content: &[u8], then: impl FnOnce(Option<&[u8]>) -> R) -> R {
        self.compress.reset();
        self.output.clear();
        self.output.shrink_to(Self::KEPT_BYTES);
        // Incompressible content grows by at most an eighth.
        self.output.reserve(content.len() + content.len() / 8 + 64);
        let flushed = self.compress.compress_vec(content, &mut self.output, FlushCompress::Sync);
        // A full output may be incomplete.
        let whole = matches!(flushed, Ok(Status::Ok))
            && self.compress.total_in() == content.len() as u64
            && self.output.len() < self.output.capacity();
        then(self.output.strip_suffix(&TAIL).filter(|_| whole))
    }
}

/// Passes the compressed content of a message to `then`, or `None` if it is sent uncompressed.
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
    fn negotiates_no_context_takeover_for_both_sides() {
        let negotiated = |offers| Compression::negotiate(offers).map(|it| (it.response().to_owned(), it.encoding()));
        let both = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
        assert_eq!(
            negotiated("permessage-deflate; client_max_window_bits"),
            Some((both.to_owned(), Encoding::Compressed))
        );
        let small = (format!("{both}; server_max_window_bits=9"), Encoding::CompressedSmall);
        assert_eq!(negotiated("permessage-deflate; server_max_window_bits=9"), Some(small));
        assert_eq!(
            negotiated("permessage-deflate; server_max_window_bits=8"),
            None,
            "smaller than the smallest window of the compressor"
        );
        assert_eq!(
            negotiated("permessage-deflate; server_max_window_bits=8, permessage-deflate"),
            Some((both.to_owned(), Encoding::Compressed)),
            "the second offer"
        );
        assert_eq!(negotiated("permessage-bzip2"), None);
    }

    #[test]
    fn compresses_content_of_any_size_in_one_call() {
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
