//! Shared checks of the fuzz targets for the wire format.
//!
//! *Invariant:* a target fails if decoding panics or allocates more than its limit, or if a decoded value is not encoded to
//! the same bytes.
use std::{
    alloc::{GlobalAlloc, Layout, System},
    fmt::Debug,
    sync::atomic::{AtomicUsize, Ordering},
};

/// Total number of bytes allocated so far.
static ALLOCATED: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, with a counter.
struct CountingAllocator;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

// SAFETY: all calls are forwarded to the system's allocator. The default `realloc` calls `alloc`.
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

/// Decodes a value, and checks that this allocates at most `max_bytes`.
pub fn allocating<T>(max_bytes: usize, read: impl FnOnce() -> T) -> T {
    let before = ALLOCATED.load(Ordering::Relaxed);
    let value = read();
    let allocated = ALLOCATED.load(Ordering::Relaxed) - before;
    assert!(allocated <= max_bytes, "{allocated} bytes allocated to decode {max_bytes}");
    value
}

/// Permitted allocation for a client's details, as a multiple of their encoded size: lists grow while they are decoded.
pub const DETAILS: usize = 16;

/// Decodes a value if the bytes are valid, and checks that it is encoded to the same bytes.
pub fn read_and_write<T: Debug + PartialEq, E>(
    bytes: &[u8],
    read: impl Fn(&[u8]) -> Result<T, E>,
    write: impl Fn(&T, &mut Vec<u8>),
) {
    let value = allocating(bytes.len(), || read(bytes));
    let Ok(value) = value else { return };
    let mut written = Vec::new();
    write(&value, &mut written);
    assert!(bytes.starts_with(&written), "{value:?} is encoded as {written:?}");
    assert!(read(&written).is_ok_and(|again| again == value), "{value:?} is not decoded from {written:?}");
}
