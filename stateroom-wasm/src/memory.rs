//! The border between a module and its host: what the exports do with pointers, and the import.
//!
//! *Invariant:* every way in passes [`initialize`] first, and all `unsafe` of this crate is here.
use std::{
    alloc::{Layout, alloc, dealloc},
    ptr, slice,
    sync::atomic::{AtomicBool, AtomicU32, Ordering, compiler_fence},
};

use stateroom::StateroomService;

use crate::{context::Place, guest::Guest};

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    /// Takes an effect; the host copies it before it returns.
    fn stateroom_send(pointer: *const u8, length: u32);
}

unsafe extern "C" {
    /// Runs the constructors of everything linked in; the linker makes it. As it is called here, the linker does not
    /// wrap every export in constructors and destructors that would run on each call.
    fn __wasm_call_ctors();
}

/// Prepares the module. A host that knows `_initialize` calls it before anything else; for one that does not, every
/// other export does.
pub fn initialize() {
    static DONE: AtomicBool = AtomicBool::new(false);

    if !DONE.swap(true, Ordering::Relaxed) {
        // SAFETY: constructors run once, before anything that could rely on them.
        unsafe { __wasm_call_ctors() }
    }
}

/// Memory for the host to write to. Null if there is none, or if none was asked for.
pub fn malloc(length: u32) -> *mut u8 {
    initialize();
    match layout(length) {
        // SAFETY: the layout is not of size 0.
        Some(layout) => unsafe { alloc(layout) },
        None => ptr::null_mut(),
    }
}

/// Takes memory back.
///
/// # Safety
///
/// It came from [`malloc`] with this length, and has not been given back since.
pub unsafe fn free(pointer: *mut u8, length: u32) {
    initialize();
    if let Some(layout) = layout(length).filter(|_| !pointer.is_null()) {
        // SAFETY: the caller's promise; malloc makes the same layout of the same length.
        unsafe { dealloc(pointer, layout) }
    }
}

/// Takes the host's greeting. Returns the answer, its address in the upper half of the number and its length in the
/// lower.
///
/// # Safety
///
/// There are `length` readable bytes at the pointer, which nothing changes before this returns.
pub unsafe fn hello<S: StateroomService + Default>(guest: &Guest<S>, pointer: *const u8, length: u32) -> u64 {
    initialize();
    // SAFETY: the caller's promise.
    let answer = guest.greet(unsafe { bytes(pointer, length) });
    (answer.as_ptr().expose_provenance() as u64) << 32 | answer.len() as u64
}

/// Takes an event from the host.
///
/// # Safety
///
/// There are `length` readable bytes at the pointer, which nothing changes before this returns.
pub unsafe fn recv<S: StateroomService + Default>(guest: &'static Guest<S>, pointer: *const u8, length: u32) {
    initialize();
    // SAFETY: the caller's promise.
    guest.receive(unsafe { bytes(pointer, length) }, send);
}

/// Takes a row of events from the host; their effects are shown in `place`.
///
/// # Safety
///
/// There are `length` readable bytes at the pointer, which nothing changes before this returns.
pub unsafe fn batch<S: StateroomService + Default>(
    guest: &'static Guest<S>,
    place: &'static Effects,
    pointer: *const u8,
    length: u32,
) {
    initialize();
    // SAFETY: the caller's promise.
    guest.receive_batch(unsafe { bytes(pointer, length) }, place, send);
}

/// Where the host finds effects: an address, and a number of bytes. Atomic, so that a static can be written to; there is
/// but one thread.
#[repr(C)]
pub struct Effects {
    address: AtomicU32,
    length: AtomicU32,
}

impl Effects {
    /// None.
    #[expect(clippy::new_without_default, reason = "only ever a static")]
    pub const fn new() -> Self {
        Effects { address: AtomicU32::new(0), length: AtomicU32::new(0) }
    }
}

impl Place for Effects {
    fn show(&self, effects: &[u8]) {
        // The host looks as a signal handler would: what is shown is written before, and its like only after.
        compiler_fence(Ordering::SeqCst);
        self.address.store(effects.as_ptr().expose_provenance() as u32, Ordering::Relaxed);
        self.length.store(effects.len() as u32, Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
    }
}

fn send(effect: &[u8]) {
    // SAFETY: the host only reads these bytes, and does not keep the pointer.
    unsafe { stateroom_send(effect.as_ptr(), effect.len() as u32) }
}

/// The layout behind a length, unless it is 0 or more than there can be.
fn layout(length: u32) -> Option<Layout> {
    Layout::array::<u8>(length as usize).ok().filter(|layout| layout.size() > 0)
}

/// What the host has written.
///
/// # Safety
///
/// There are `length` readable bytes at the pointer, which nothing changes while they are borrowed.
unsafe fn bytes<'a>(pointer: *const u8, length: u32) -> &'a [u8] {
    if length == 0 {
        // malloc(0) is null, which no slice may be.
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { slice::from_raw_parts(pointer, length as usize) }
}
