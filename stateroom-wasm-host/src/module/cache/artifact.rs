//! The contents of a cached file: a header, and the artifact, which is a compiled module as serialized by wasmtime.
//!
//! | bytes | contents |
//! |-|-|
//! | 8 | magic number |
//! | 4 | version of this format |
//! | 32 | the key, so that a renamed file is invalid |
//! | 8 | length of the artifact |
//! | 32 | BLAKE3 of the artifact: artifacts have megabytes, and it is faster than SHA-256 |
//!
//! *Invariant:* an artifact is returned only unchanged, and only for the key it was stored under.
use super::key::{FORMAT, Key};

const MAGIC: &[u8; 8] = b"\0room.wc";
const HEADER_BYTES: usize = 84;

/// Returns the header of an artifact.
pub(super) fn header(key: &Key, artifact: &[u8]) -> Vec<u8> {
    let mut header = Vec::with_capacity(HEADER_BYTES);
    header.extend_from_slice(MAGIC);
    header.extend_from_slice(&FORMAT.to_le_bytes());
    header.extend_from_slice(&key.0);
    header.extend_from_slice(&(artifact.len() as u64).to_le_bytes());
    header.extend_from_slice(blake3::hash(artifact).as_bytes());
    header
}

/// Returns the artifact in a file, or `None` if the file is not as it was written.
pub(super) fn open<'a>(key: &Key, file: &'a [u8]) -> Option<&'a [u8]> {
    let (found, artifact) = file.split_at_checked(HEADER_BYTES)?;
    (found == header(key, artifact)).then_some(artifact)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = Key([7; 32]);

    fn file(artifact: &[u8]) -> Vec<u8> {
        [header(&KEY, artifact), artifact.to_vec()].concat()
    }

    #[test]
    fn returns_the_stored_artifact() {
        for artifact in [&b""[..], b"machine code"] {
            assert_eq!(open(&KEY, &file(artifact)), Some(artifact));
        }
        assert_eq!(header(&KEY, b"").len(), HEADER_BYTES);
    }

    #[test]
    fn rejects_a_file_with_one_changed_bit() {
        let file = file(b"machine code");
        for bit in 0..file.len() * 8 {
            let mut other = file.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(open(&KEY, &other), None, "{bit}");
        }
    }

    #[test]
    fn rejects_a_truncated_or_extended_file() {
        let mut file = file(b"machine code");
        for length in 0..file.len() {
            assert_eq!(open(&KEY, &file[..length]), None, "{length}");
        }
        file.push(0);
        assert_eq!(open(&KEY, &file), None);
    }

    #[test]
    fn rejects_a_file_of_another_key() {
        assert_eq!(open(&Key([8; 32]), &file(b"machine code")), None);
    }
}
