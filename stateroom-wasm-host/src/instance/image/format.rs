//! The bytes of an image, except those of its pages.
//!
//! | bytes | contents |
//! |-|-|
//! | 8 | magic number |
//! | 4 | version of this format |
//! | 32 | hash of the module's code |
//! | 72 | the environment: when the room began and its time (seconds, nanoseconds), seed and position of its random numbers |
//! | 8 | address and capacity of the host's buffer in the guest's memory |
//! | 8 | the kinds of events that the guest understands |
//! | 1 | whether it was greeted, and may request effects beyond protocol 0 |
//! | 16 | maximum number of events of the next call, and size of the largest effects of one event |
//! | 8 | size of the memory |
//! | 4 + 16 each | the mutable globals |
//! | 4 + 4 + length each | effects to be released with those of the next event |
//! | | the changed pages: see [`pages`](super::pages) |
//! | 32 | BLAKE3 of everything before |
//!
//! Numbers are little endian.
//!
//! *Invariant:* an image is read only unchanged and only for the code that wrote it. Any other bytes are an error, and no length
//! in them is trusted.
use std::time::Duration;

use stateroom::durable::CodeHash;

use crate::{environment::RecordedState, memory::Buffer};

const MAGIC: &[u8; 8] = b"\0room.im";
const FORMAT: u32 = 1;
const CHECKSUM_BYTES: usize = 32;

/// The reason why an image cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum ImageError {
    #[error("it is no image")]
    NotAnImage,
    #[error("its format is version {0}; this host reads version {FORMAT}")]
    Version(u32),
    #[error("it was taken of the code {found}, and not of {expected}")]
    OtherCode { found: CodeHash, expected: CodeHash },
    #[error("it is damaged")]
    Damaged,
}

/// An image without its pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) environment: RecordedState,
    pub(super) buffer: Buffer,
    pub(super) events: u64,
    pub(super) extensions: bool,
    pub(super) batch_events: u64,
    pub(super) largest_event: u64,
    pub(super) memory_bytes: u64,
    /// The bits of each mutable global.
    pub(super) globals: Vec<u128>,
    /// Encoded effects.
    pub(super) pending: Vec<Vec<u8>>,
}

/// Writes an image. `write_pages` appends the pages.
pub(super) fn write(head: &Head, code: CodeHash, write_pages: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut image = [&MAGIC[..], &FORMAT.to_le_bytes(), &code.0].concat();
    head.encode(&mut image);
    write_pages(&mut image);
    let checksum = blake3::hash(&image);
    image.extend_from_slice(checksum.as_bytes());
    image
}

/// Checks an image. Returns its head, and its pages.
pub(super) fn read(image: &[u8], code: CodeHash) -> Result<(Head, Reader<'_>), ImageError> {
    let rest = image.strip_prefix(MAGIC).ok_or(ImageError::NotAnImage)?;
    // The rest may be different in another version.
    let version = Reader(rest).u32()?;
    if version != FORMAT {
        return Err(ImageError::Version(version));
    }
    let (checked, checksum) = image.split_last_chunk::<CHECKSUM_BYTES>().ok_or(ImageError::Damaged)?;
    if blake3::hash(checked) != *checksum {
        return Err(ImageError::Damaged);
    }
    let mut reader = Reader(checked);
    reader.take(MAGIC.len() + size_of_val(&FORMAT))?;
    let found = CodeHash(reader.array()?);
    if found != code {
        return Err(ImageError::OtherCode { found, expected: code });
    }
    Ok((Head::decode(&mut reader)?, reader))
}

impl Head {
    fn encode(&self, out: &mut Vec<u8>) {
        let RecordedState { started, now, seed, word_position } = self.environment;
        for time in [started, now] {
            out.extend_from_slice(&time.as_secs().to_le_bytes());
            out.extend_from_slice(&time.subsec_nanos().to_le_bytes());
        }
        out.extend_from_slice(&seed);
        out.extend_from_slice(&word_position.to_le_bytes());
        out.extend_from_slice(&self.buffer.address.to_le_bytes());
        out.extend_from_slice(&self.buffer.capacity.to_le_bytes());
        out.extend_from_slice(&self.events.to_le_bytes());
        out.push(self.extensions.into());
        for number in [self.batch_events, self.largest_event, self.memory_bytes] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        write_length(self.globals.len(), out);
        self.globals.iter().for_each(|global| out.extend_from_slice(&global.to_le_bytes()));
        write_length(self.pending.len(), out);
        for effect in &self.pending {
            write_length(effect.len(), out);
            out.extend_from_slice(effect);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, ImageError> {
        // Fields are read in the order in which they are written here. Vectors grow with what is read.
        Ok(Head {
            environment: RecordedState {
                started: reader.duration()?,
                now: reader.duration()?,
                seed: reader.array()?,
                word_position: u128::from_le_bytes(reader.array()?),
            },
            buffer: Buffer { address: reader.u32()?, capacity: reader.u32()? },
            events: reader.u64()?,
            extensions: match reader.array()? {
                [0] => false,
                [1] => true,
                _ => return Err(ImageError::Damaged),
            },
            batch_events: reader.u64()?,
            largest_event: reader.u64()?,
            memory_bytes: reader.u64()?,
            globals: (0..reader.u32()?).map(|_| reader.array().map(u128::from_le_bytes)).collect::<Result<_, _>>()?,
            pending: (0..reader.u32()?).map(|_| reader.bytes().map(<[u8]>::to_vec)).collect::<Result<_, _>>()?,
        })
    }
}

/// Writes a length. None of them can exceed 32 bits: all are of things in a guest's memory or its effects.
pub(super) fn write_length(length: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
}

/// The rest of an image.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], ImageError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(ImageError::Damaged)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ImageError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(ImageError::Damaged)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(super) fn u32(&mut self) -> Result<u32, ImageError> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, ImageError> {
        self.array().map(u64::from_le_bytes)
    }

    /// Reads bytes behind their length.
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], ImageError> {
        let length = self.u32()?;
        self.take(length as usize)
    }

    fn duration(&mut self) -> Result<Duration, ImageError> {
        let (seconds, nanoseconds) = (self.u64()?, self.u32()?);
        if nanoseconds >= 1_000_000_000 {
            return Err(ImageError::Damaged);
        }
        Ok(Duration::new(seconds, nanoseconds))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CODE: CodeHash = CodeHash([5; 32]);

    fn head() -> Head {
        let environment = RecordedState {
            started: Duration::new(1, 2),
            now: Duration::new(3, 4),
            seed: [6; 32],
            word_position: 1 << 67,
        };
        Head {
            environment,
            buffer: Buffer { address: 7, capacity: 8 },
            events: 9,
            extensions: true,
            batch_events: 10,
            largest_event: 11,
            memory_bytes: 12,
            globals: vec![13, u128::MAX],
            pending: vec![vec![], vec![14, 15]],
        }
    }

    fn image() -> Vec<u8> {
        write(&head(), CODE, |out| out.extend_from_slice(b"pages"))
    }

    #[test]
    fn an_image_has_all_that_was_written() {
        let image = image();
        let (found, pages) = read(&image, CODE).unwrap();
        assert_eq!((found, pages.0), (head(), &b"pages"[..]));
    }

    #[test]
    fn other_versions_and_other_code_are_rejected_by_name() {
        let mut image = image();
        let other = read(&image, CodeHash([1; 32])).unwrap_err();
        assert!(matches!(other, ImageError::OtherCode { .. }));
        assert!(other.to_string().starts_with("it was taken of the code 050505"), "{other}");
        image[8] = 2;
        assert_eq!(read(&image, CODE).unwrap_err().to_string(), "its format is version 2; this host reads version 1");
        assert_eq!(read(b"an image", CODE).unwrap_err(), ImageError::NotAnImage);
    }

    #[test]
    fn an_image_with_one_changed_bit_or_another_length_is_rejected() {
        let image = image();
        for length in 0..image.len() {
            assert!(read(&image[..length], CODE).is_err(), "{length}");
        }
        for bit in 0..image.len() * 8 {
            let mut other = image.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&other, CODE).is_err(), "{bit}");
        }
        assert!(read(&[image, vec![0]].concat(), CODE).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_with_a_valid_checksum_are_read_without_a_panic(body in proptest::collection::vec(any::<u8>(), 0..400)) {
            let mut image = [&MAGIC[..], &FORMAT.to_le_bytes(), &CODE.0, &body].concat();
            image.extend_from_slice(blake3::hash(&image.clone()).as_bytes());
            let _ = read(&image, CODE);
        }
    }
}
