//! Access to a guest's memory.
//!
//! *Invariant:* the only place that computes with a guest's addresses. Each is checked here against the current size of the
//! memory before it is used.
use crate::violation::ProtocolViolation;

/// Returns the `length` bytes at `address`.
pub(crate) fn bytes(memory: &[u8], address: u32, length: u32) -> Result<&[u8], ProtocolViolation> {
    let start = address as usize;
    let end = start.checked_add(length as usize);
    end.and_then(|end| memory.get(start..end)).ok_or(ProtocolViolation::OutOfBounds {
        address,
        length,
        size: memory.len(),
    })
}

/// Returns the `length` bytes at `address`, for writing.
pub(crate) fn bytes_mut(memory: &mut [u8], address: u32, length: u32) -> Result<&mut [u8], ProtocolViolation> {
    let size = memory.len();
    let start = address as usize;
    let end = start.checked_add(length as usize);
    end.and_then(|end| memory.get_mut(start..end)).ok_or(ProtocolViolation::OutOfBounds { address, length, size })
}

/// Reads the i32 at `address`, if it is inside of the memory.
pub(crate) fn read_i32(memory: &[u8], address: u32) -> Option<i32> {
    read_u32(memory, address).map(u32::cast_signed)
}

/// Reads the u32 at `address`, if it is inside of the memory.
pub(crate) fn read_u32(memory: &[u8], address: u32) -> Option<u32> {
    let bytes = bytes(memory, address, 4).ok()?;
    bytes.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

/// Resets the address and the length at `pointer`, by which a guest publishes effects.
pub(crate) fn clear_published(memory: &mut [u8], pointer: u32) -> Result<(), ProtocolViolation> {
    bytes_mut(memory, pointer, 8)?.fill(0);
    Ok(())
}

/// Returns the bytes whose address and length are stored at `pointer`.
pub(crate) fn published(memory: &[u8], pointer: u32) -> Result<&[u8], ProtocolViolation> {
    let (address, length) = bytes(memory, pointer, 8)?.split_at(4);
    let number = |bytes: &[u8]| bytes.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
    match number(length) {
        // Without bytes, the address does not matter.
        0 => Ok(&[]),
        length => bytes(memory, number(address), length),
    }
}

/// Splits a number into the address and the length that a guest returned in it.
pub(crate) fn unpack(packed: u64) -> (u32, u32) {
    ((packed >> 32) as u32, packed as u32)
}

/// A buffer in the guest's memory, allocated by the guest for the host to write events into.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Buffer {
    /// The address of its first byte.
    pub(crate) address: u32,
    /// Its size in bytes; 0 before it is allocated.
    pub(crate) capacity: u32,
}

impl Buffer {
    /// A larger buffer is freed before a smaller event is written, so that one long message does not cost memory forever.
    const MAX_RETAINED: u32 = 64 << 10;

    /// Returns whether an event of this length should be written into it.
    pub(crate) fn suits(self, length: u32) -> bool {
        length <= self.capacity && (self.capacity <= Self::MAX_RETAINED || length > Self::MAX_RETAINED)
    }

    /// Returns the size of a new buffer for events of this length. Small buffers leave space for later events, and have the
    /// given minimum.
    pub(crate) fn capacity_for(length: u32, minimum: u32) -> u32 {
        if length > Self::MAX_RETAINED { length } else { length.next_power_of_two().max(minimum) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_ranges_that_end_with_the_memory() {
        let memory = [1, 2, 3, 4];
        assert_eq!(bytes(&memory, 2, 2).unwrap(), [3, 4]);
        assert_eq!(bytes(&memory, 4, 0).unwrap(), []);
        assert_eq!(read_i32(&memory, 0), Some(0x0403_0201));
    }

    #[test]
    fn rejects_ranges_beyond_the_memory() {
        let mut memory = [1, 2, 3, 4];
        for (address, length) in [(2, 3), (5, 0), (u32::MAX, u32::MAX), (0, u32::MAX), (u32::MAX, 1)] {
            assert!(bytes(&memory, address, length).is_err(), "{address} {length}");
            assert!(bytes_mut(&mut memory, address, length).is_err(), "{address} {length}");
        }
        assert_eq!(read_i32(&memory, 1), None);
    }

    #[test]
    fn large_buffers_are_retained_for_large_events_only() {
        let small = Buffer { address: 8, capacity: Buffer::capacity_for(100, 1 << 10) };
        assert_eq!(small.capacity, 1024);
        assert!(small.suits(1024) && !small.suits(1025));
        let large = Buffer { address: 8, capacity: Buffer::capacity_for(1_000_000, 1 << 10) };
        assert_eq!(large.capacity, 1_000_000);
        assert!(large.suits(900_000) && !large.suits(100));
        assert!(!Buffer::default().suits(1));
    }
}
