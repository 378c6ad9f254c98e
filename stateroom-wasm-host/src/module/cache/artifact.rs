//! What is in a file of the cache: a header, and the artefact, which is a compiled module as wasmtime writes it.
//!
//! | bytes | what |
//! |-|-|
//! | 8 | which kind of file this is |
//! | 4 | the version of this format |
//! | 32 | the key, so that a file that was renamed is none |
//! | 8 | how long the artefact is |
//! | 32 | BLAKE3 of the artefact: artefacts have megabytes, and it is faster than SHA-256 |
//!
//! *Invariant:* an artefact comes out only as it went in, by the key by which it went in.
use super::Key;

/// The version of this format, and of all that is said about a compiled module outside of it.
pub(super) const FORMAT: u32 = 2;
const MAGIC: &[u8; 8] = b"\0room.wc";
const HEADER_BYTES: usize = 84;

/// What goes in front of an artefact.
pub(super) fn header(key: &Key, artefact: &[u8]) -> Vec<u8> {
    let mut header = Vec::with_capacity(HEADER_BYTES);
    header.extend_from_slice(MAGIC);
    header.extend_from_slice(&FORMAT.to_le_bytes());
    header.extend_from_slice(&key.0);
    header.extend_from_slice(&(artefact.len() as u64).to_le_bytes());
    header.extend_from_slice(blake3::hash(artefact).as_bytes());
    header
}

/// The artefact in a file; None if the file is not as it was written.
pub(super) fn open<'a>(key: &Key, file: &'a [u8]) -> Option<&'a [u8]> {
    let (found, artefact) = file.split_at_checked(HEADER_BYTES)?;
    (found == header(key, artefact)).then_some(artefact)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = Key([7; 32]);

    fn file(artefact: &[u8]) -> Vec<u8> {
        [header(&KEY, artefact), artefact.to_vec()].concat()
    }

    #[test]
    fn what_went_in_comes_out() {
        for artefact in [&b""[..], b"machine code"] {
            assert_eq!(open(&KEY, &file(artefact)), Some(artefact));
        }
        assert_eq!(header(&KEY, b"").len(), HEADER_BYTES);
    }

    #[test]
    fn a_file_of_which_one_bit_is_different_is_none() {
        let file = file(b"machine code");
        for bit in 0..file.len() * 8 {
            let mut other = file.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(open(&KEY, &other), None, "{bit}");
        }
    }

    #[test]
    fn a_file_that_is_cut_off_or_goes_on_is_none() {
        let mut file = file(b"machine code");
        for length in 0..file.len() {
            assert_eq!(open(&KEY, &file[..length]), None, "{length}");
        }
        file.push(0);
        assert_eq!(open(&KEY, &file), None);
    }

    #[test]
    fn a_file_of_another_key_is_none() {
        assert_eq!(open(&Key([8; 32]), &file(b"machine code")), None);
    }
}
