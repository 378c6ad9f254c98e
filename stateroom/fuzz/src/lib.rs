//! What the fuzz targets of the wire have in common.
//!
//! *Invariant:* a target fails if reading panics, or allocates more than it was given; and if what was read is not written
//! as it was.
use std::{
    alloc::{GlobalAlloc, Layout, System},
    fmt::Debug,
    sync::atomic::{AtomicUsize, Ordering},
};

/// All that was ever allocated, in bytes.
static ALLOCATED: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, counted.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: the system's allocator does it all; only a number is kept. `realloc` is the default one: it comes by `alloc`.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Reads something, and sees that no more bytes than that are allocated for it.
pub fn allocating<T>(most: usize, read: impl FnOnce() -> T) -> T {
    let before = ALLOCATED.load(Ordering::Relaxed);
    let value = read();
    let allocated = ALLOCATED.load(Ordering::Relaxed) - before;
    assert!(allocated <= most, "{allocated} bytes were allocated to read {most}");
    value
}

/// The records of a client's details are lists that grow: this many times the bytes that they came in.
pub const DETAILS: usize = 16;

/// Reads `bytes` as a value, if they are one, and sees that it is written as the very bytes it was read from.
pub fn read_and_write<T: Debug + PartialEq, E>(
    bytes: &[u8],
    read: impl Fn(&[u8]) -> Result<T, E>,
    write: impl Fn(&T, &mut Vec<u8>),
) {
    let value = allocating(bytes.len(), || read(bytes));
    let Ok(value) = value else { return };
    let mut written = Vec::new();
    write(&value, &mut written);
    assert!(bytes.starts_with(&written), "{value:?} is written as {written:?}");
    assert!(read(&written).is_ok_and(|again| again == value), "{value:?} is not what is read of {written:?}");
}
