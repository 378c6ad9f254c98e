//! A guest's memory, as the host reads and writes it.
//!
//! *Invariant:* the only place where an address of a guest is calculated with. What a guest says is an address is
//! one only after it was checked here against the memory as it is now.
use crate::violation::Breach;

/// The bytes from `address` on.
pub(crate) fn bytes(memory: &[u8], address: u32, length: u32) -> Result<&[u8], Breach> {
    let start = address as usize;
    let end = start.checked_add(length as usize);
    end.and_then(|end| memory.get(start..end)).ok_or(Breach::OutOfBounds { address, length, size: memory.len() })
}

/// The bytes from `address` on, to be written.
pub(crate) fn bytes_mut(memory: &mut [u8], address: u32, length: u32) -> Result<&mut [u8], Breach> {
    let size = memory.len();
    let start = address as usize;
    let end = start.checked_add(length as usize);
    end.and_then(|end| memory.get_mut(start..end)).ok_or(Breach::OutOfBounds { address, length, size })
}

/// The number at `address`.
pub(crate) fn number(memory: &[u8], address: u32) -> Option<i32> {
    let bytes = bytes(memory, address, 4).ok()?;
    bytes.first_chunk().map(|bytes| i32::from_le_bytes(*bytes))
}

/// Says at `place` that there are none.
pub(crate) fn forget_shown(memory: &mut [u8], place: u32) -> Result<(), Breach> {
    bytes_mut(memory, place, 8)?.fill(0);
    Ok(())
}

/// The bytes of which the address and the length stand at `place`.
pub(crate) fn shown(memory: &[u8], place: u32) -> Result<&[u8], Breach> {
    let described = bytes(memory, place, 8)?;
    let (address, length) = described.split_at(4);
    let number = |bytes: &[u8]| bytes.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
    match number(length) {
        // Nothing is nowhere.
        0 => Ok(&[]),
        length => bytes(memory, number(address), length),
    }
}

/// An address and a length, as a guest returns them in one number.
pub(crate) fn unpack(packed: u64) -> (u32, u32) {
    ((packed >> 32) as u32, packed as u32)
}

/// Memory of the guest that it gave to the host to write events into.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Buffer {
    /// Where it begins.
    pub(crate) address: u32,
    /// How long it is; 0 before there is one.
    pub(crate) capacity: u32,
}

impl Buffer {
    /// A larger buffer is given back when something small comes, so that one long message does not cost for ever.
    const KEEP: u32 = 64 << 10;

    /// Whether an event of this length should be written into it.
    pub(crate) fn suits(self, length: u32) -> bool {
        length <= self.capacity && (self.capacity <= Self::KEEP || length > Self::KEEP)
    }

    /// How long the buffer for an event of this length is: with room to spare for the next, as long as that is cheap.
    pub(crate) fn capacity_for(length: u32) -> u32 {
        if length > Self::KEEP { length } else { length.next_power_of_two().max(1 << 10) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_with_the_memory_is_inside() {
        let memory = [1, 2, 3, 4];
        assert_eq!(bytes(&memory, 2, 2).unwrap(), [3, 4]);
        assert_eq!(bytes(&memory, 4, 0).unwrap(), []);
        assert_eq!(number(&memory, 0), Some(0x0403_0201));
    }

    #[test]
    fn what_goes_on_beyond_it_is_not() {
        let mut memory = [1, 2, 3, 4];
        for (address, length) in [(2, 3), (5, 0), (u32::MAX, u32::MAX), (0, u32::MAX), (u32::MAX, 1)] {
            assert!(bytes(&memory, address, length).is_err(), "{address} {length}");
            assert!(bytes_mut(&mut memory, address, length).is_err(), "{address} {length}");
        }
        assert_eq!(number(&memory, 1), None);
    }

    #[test]
    fn a_large_buffer_is_kept_for_large_events_only() {
        let small = Buffer { address: 8, capacity: Buffer::capacity_for(100) };
        assert_eq!(small.capacity, 1024);
        assert!(small.suits(1024) && !small.suits(1025));
        let large = Buffer { address: 8, capacity: Buffer::capacity_for(1_000_000) };
        assert_eq!(large.capacity, 1_000_000);
        assert!(large.suits(900_000) && !large.suits(100));
        assert!(!Buffer::default().suits(1));
    }
}
