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

#[cfg(target_arch = "wasm32")]
#[link(wasm_import_module = "env")]
unsafe extern "C" {
    /// Takes an effect; the host copies it before it returns.
    fn stateroom_send(pointer: *const u8, length: u32);
}

#[cfg(target_arch = "wasm32")]
unsafe extern "C" {
    /// Runs the constructors of everything linked in; the linker makes it. As it is called here, the linker does not
    /// wrap every export in constructors and destructors that would run on each call.
    fn __wasm_call_ctors();
}

#[cfg(not(target_arch = "wasm32"))]
use tests::{__wasm_call_ctors, stateroom_send};

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

/// A host in the same memory. Under Miri, with addresses of 32 bits as in a module, this finds what the compiler trusts us
/// with: `.ci/nightly` runs it so.
#[cfg(test)]
mod tests {
    use std::{cell::RefCell, sync::atomic::AtomicU32};

    use stateroom::{
        ClientId, MessagePayload, StateroomContext,
        messages::{Effect, Event},
        wire::{decode_effect, encode_event},
    };

    use super::*;

    static CONSTRUCTED: AtomicU32 = AtomicU32::new(0);

    thread_local! {
        static SENT: RefCell<Vec<Effect>> = const { RefCell::new(Vec::new()) };
    }

    /// In place of the import.
    ///
    /// # Safety
    ///
    /// There are `length` readable bytes at the pointer.
    pub(super) unsafe fn stateroom_send(pointer: *const u8, length: u32) {
        // SAFETY: the caller's promise.
        let effect = decode_effect(unsafe { bytes(pointer, length) }).unwrap();
        SENT.with_borrow_mut(|sent| sent.push(effect));
    }

    /// In place of what the linker makes.
    ///
    /// # Safety
    ///
    /// None is needed.
    pub(super) unsafe fn __wasm_call_ctors() {
        CONSTRUCTED.fetch_add(1, Ordering::Relaxed);
    }

    #[derive(Default)]
    struct Echo;

    impl StateroomService for Echo {
        fn message(&mut self, client: ClientId, message: MessagePayload, context: &impl StateroomContext) {
            context.send_message(client, message);
        }
    }

    /// Writes to the guest's memory as a host does, has it used, and takes it back.
    fn with_memory<T>(content: &[u8], with: impl FnOnce(*const u8, u32) -> T) -> T {
        let length = content.len() as u32;
        let pointer = malloc(length);
        assert_eq!(pointer.is_null(), length == 0);
        // SAFETY: where there is anything to write, there is that much memory. It is given back once.
        unsafe {
            if length > 0 {
                ptr::copy_nonoverlapping(content.as_ptr(), pointer, content.len());
            }
            let result = with(pointer, length);
            free(pointer, length);
            result
        }
    }

    fn after(guest: &'static Guest<Echo>, event: &Event) -> Vec<Effect> {
        let mut content = Vec::new();
        encode_event(event, &mut content);
        // SAFETY: they are the event's bytes.
        with_memory(&content, |pointer, length| unsafe { recv(guest, pointer, length) });
        SENT.take()
    }

    #[test]
    fn memory_of_any_size_is_had_written_read_and_given_back() {
        for length in [0, 1, 7, 8, 4096, 70_000] {
            let content: Vec<u8> = (0..length).map(|at| at as u8).collect();
            // SAFETY: as long as it is lent, nothing changes it.
            with_memory(&content, |pointer, length| assert_eq!(unsafe { bytes(pointer, length) }, content));
        }
    }

    #[test]
    fn what_was_not_had_is_not_given_back() {
        // SAFETY: null is what malloc says where there is nothing.
        unsafe {
            free(ptr::null_mut(), 0);
            free(ptr::null_mut(), 9);
        }
    }

    #[test]
    #[cfg(target_pointer_width = "32")]
    fn more_than_half_of_all_memory_is_not_to_be_had() {
        for length in [1 << 31, u32::MAX] {
            assert!(malloc(length).is_null());
        }
    }

    #[test]
    fn an_event_is_read_from_memory_and_its_effects_are_sent_from_it() {
        static GUEST: Guest<Echo> = Guest::new();
        let echo = |message: MessagePayload| {
            let event = Event::Message { sender: ClientId(1), message: message.clone() };
            assert_eq!(after(&GUEST, &event), [Effect::Message { recipient: ClientId(1).into(), message }]);
        };
        assert_eq!(after(&GUEST, &Event::Init), []);
        echo("hi".into());
        echo("".into());
        echo(vec![0xff; 10_000].into());
        assert_eq!(after(&GUEST, &Event::Timer), []);
    }

    /// Where an address has more than 32 bits, the answer's is cut.
    #[test]
    #[cfg(target_pointer_width = "32")]
    fn the_answer_to_a_greeting_is_where_the_number_says() {
        use stateroom::wire::{Answer, Greeting, effect_kind, event_kind};

        static GUEST: Guest<Echo> = Guest::new();
        let mut greeting = Vec::new();
        Greeting { room_id: "a room".to_owned(), events: event_kind::ALL.to_vec(), effects: effect_kind::ALL.to_vec() }
            .encode(&mut greeting);
        // SAFETY: they are the greeting's bytes.
        let answer = with_memory(&greeting, |pointer, length| unsafe { hello(&GUEST, pointer, length) });
        let pointer = ptr::with_exposed_provenance((answer >> 32) as usize);
        // SAFETY: the guest says so, and keeps its answer for good.
        let answer = Answer::decode(unsafe { bytes(pointer, answer as u32) }).unwrap();
        assert_eq!((answer.events, answer.effects), (event_kind::ALL.to_vec(), effect_kind::ALL.to_vec()));
    }

    /// The same of addresses; a row's effects stay where they were shown until the next row.
    #[test]
    #[cfg(target_pointer_width = "32")]
    fn the_effects_of_a_row_are_where_they_are_shown() {
        use stateroom::wire::batch::{Records, put_event};

        static GUEST: Guest<Echo> = Guest::new();
        static PLACE: Effects = Effects::new();
        for said in ["one", "another"] {
            let mut row = Vec::new();
            put_event(&Event::Message { sender: ClientId(1), message: said.into() }, &mut row);
            put_event(&Event::Timer, &mut row);
            // SAFETY: they are the row's bytes.
            with_memory(&row, |pointer, length| unsafe { batch(&GUEST, &PLACE, pointer, length) });
            let pointer = ptr::with_exposed_provenance(PLACE.address.load(Ordering::Relaxed) as usize);
            // SAFETY: the guest shows them there.
            let shown = unsafe { bytes(pointer, PLACE.length.load(Ordering::Relaxed)) };
            let records: Vec<_> = Records::new(shown).map(Result::unwrap).collect();
            let effect = Effect::Message { recipient: ClientId(1).into(), message: said.into() };
            assert_eq!(records[0].effect(), Ok(effect));
            assert_eq!(records.iter().map(|record| record.is_end()).collect::<Vec<_>>(), [false, true, true]);
        }
    }

    #[test]
    fn constructors_run_once() {
        initialize();
        initialize();
        assert!(CONSTRUCTED.load(Ordering::Relaxed) <= 1);
    }
}
