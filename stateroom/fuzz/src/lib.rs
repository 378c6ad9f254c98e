//! Shared code of the wire fuzz targets.
//!
//! *Invariant:* a target fails if decoding panics or allocates more than the input's size, and if a decoded value is
//! not encoded as the same bytes.
use std::{
    alloc::{GlobalAlloc, Layout, System},
    fmt::Debug,
    sync::atomic::{AtomicUsize, Ordering},
};

/// Total number of bytes allocated by the process.
static ALLOCATED: AtomicUsize = AtomicUsize::new(0);

/// The system allocator, with a count of allocated bytes.
struct CountingAllocator;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

// SAFETY: all calls are forwarded to the system allocator. The default `realloc` calls `alloc`, so it is counted.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: guaranteed by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: guaranteed by the caller.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Calls `decode`, and asserts that it allocates at most `max_bytes`.
pub fn assert_max_allocation<T>(max_bytes: usize, decode: impl FnOnce() -> T) -> T {
    let before = ALLOCATED.load(Ordering::Relaxed);
    let value = decode();
    let allocated = ALLOCATED.load(Ordering::Relaxed) - before;
    assert!(allocated <= max_bytes, "allocated {allocated} bytes, more than {max_bytes}");
    value
}

/// Maximum memory used by decoded details or headers, as a multiple of the input's size: their lists grow by doubling.
pub const MAX_DETAILS_FACTOR: usize = 16;

/// Decodes `bytes`, and if they are valid, asserts that the value is encoded as the same bytes.
pub fn assert_round_trip<T: Debug + PartialEq, E>(
    bytes: &[u8],
    decode: impl Fn(&[u8]) -> Result<T, E>,
    encode: impl Fn(&T, &mut Vec<u8>),
) {
    let value = assert_max_allocation(bytes.len(), || decode(bytes));
    let Ok(value) = value else { return };
    let mut encoded = Vec::new();
    encode(&value, &mut encoded);
    assert!(bytes.starts_with(&encoded), "{value:?} is encoded as {encoded:?}");
    assert!(decode(&encoded).is_ok_and(|again| again == value), "{encoded:?} is not decoded as {value:?}");
}
