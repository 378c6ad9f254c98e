//! The functions of WASI that keep state or wait, for durable guests: without state, and with a wait that can be replayed.
//!
//! *Invariant:* their results depend on their arguments and the guest's clock only, and no call changes a later one, except
//! that time passes.
use std::time::Duration;

use wasmtime::{Caller, Linker};
use wasmtime_wasi::{
    clocks::WasiClocksView,
    p2::bindings::clocks::{monotonic_clock, wall_clock},
};

use super::{BADF, FAULT, INVAL, NOMEM, SUCCESS, WASI, guest_memory};
use crate::{memory, state::GuestState};

/// The size of a subscription and of an event, in bytes.
const SUBSCRIPTION_BYTES: u32 = 48;
const EVENT_BYTES: u32 = 32;
/// Maximum number of subscriptions of one call.
const MAX_SUBSCRIPTIONS: u32 = (1 << 20) / (SUBSCRIPTION_BYTES + EVENT_BYTES);
/// The types of subscriptions and of events.
const CLOCK: u8 = 0;
const FD_READ: u8 = 1;
const FD_WRITE: u8 = 2;
/// The clocks that can be waited for.
const REALTIME: u32 = 0;
const MONOTONIC: u32 = 1;
/// The flag of a subscription to a time instead of a duration.
const ABSOLUTE: u16 = 1;

/// Defines the functions in the place of those of wasmtime-wasi.
pub(super) fn shadow(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    linker.func_wrap(WASI, "fd_close", |descriptor: u32| code_for([descriptor]))?;
    linker.func_wrap(WASI, "fd_renumber", |from: u32, to: u32| code_for([from, to]))?;
    linker.func_wrap_async(
        WASI,
        "poll_oneoff",
        |caller, (subscriptions, events, count, written): (u32, u32, u32, u32)| {
            Box::new(async move {
                let outcome = poll(caller, Poll { subscriptions, events, count, written }).await;
                Ok(outcome.map_or_else(|code| code, |()| SUCCESS))
            })
        },
    )?;
    Ok(())
}

/// Returns whether all descriptors are those of stdin, stdout and stderr, which stay open.
fn code_for<const N: usize>(descriptors: [u32; N]) -> i32 {
    if descriptors.iter().all(|descriptor| *descriptor <= 2) { SUCCESS } else { BADF }
}

/// The arguments of `poll_oneoff`.
#[derive(Debug, Clone, Copy)]
struct Poll {
    subscriptions: u32,
    events: u32,
    count: u32,
    /// The address for the number of events.
    written: u32,
}

/// A subscription, and the time until its event.
struct Subscription {
    user_data: [u8; 8],
    kind: u8,
    wait: Duration,
}

/// `poll_oneoff`: waits for the next of several events. Output can always be written, and input has always ended.
async fn poll(mut caller: Caller<'_, GuestState>, call: Poll) -> Result<(), i32> {
    match call.count {
        0 => return Err(INVAL),
        1..=MAX_SUBSCRIPTIONS => {}
        _ => return Err(NOMEM),
    }
    let subscriptions = read_subscriptions(&mut caller, call)?;
    let wait = subscriptions.iter().map(|it| it.wait).min().unwrap_or_default();
    if !wait.is_zero() {
        let durable = caller.data().durable.as_ref();
        if !durable.is_some_and(|durable| durable.is_replay) {
            tokio::time::sleep(wait).await;
        }
        // The time that was asked for, and not the time that went by, which a replay cannot know.
        if let Some(durable) = &caller.data().durable {
            durable.environment.pass(wait);
        }
    }
    let events: Vec<u8> = subscriptions.iter().filter(|it| it.wait == wait).flat_map(encode_event).collect();
    let memory = guest_memory(&mut caller).map_err(|_| FAULT)?;
    let memory = memory.data_mut(&mut caller);
    let (length, count) =
        u32::try_from(events.len()).map(|length| (length, length / EVENT_BYTES)).map_err(|_| FAULT)?;
    memory::bytes_mut(memory, call.events, length).map_err(|_| FAULT)?.copy_from_slice(&events);
    memory::bytes_mut(memory, call.written, 4).map_err(|_| FAULT)?.copy_from_slice(&count.to_le_bytes());
    Ok(())
}

fn read_subscriptions(caller: &mut Caller<'_, GuestState>, call: Poll) -> Result<Vec<Subscription>, i32> {
    let memory = guest_memory(caller).map_err(|_| FAULT)?;
    let (memory, state) = memory.data_and_store_mut(caller);
    let bytes = memory::bytes(memory, call.subscriptions, call.count * SUBSCRIPTION_BYTES).map_err(|_| FAULT)?;
    bytes.chunks_exact(SUBSCRIPTION_BYTES as usize).map(|bytes| read_subscription(bytes, state)).collect()
}

fn read_subscription(bytes: &[u8], state: &mut GuestState) -> Result<Subscription, i32> {
    let kind = field::<1>(bytes, 8)?[0];
    let wait = match kind {
        CLOCK => {
            let (clock, timeout) = (u32::from_le_bytes(field(bytes, 16)?), u64::from_le_bytes(field(bytes, 24)?));
            let is_absolute = u16::from_le_bytes(field(bytes, 40)?) & ABSOLUTE != 0;
            let now =
                if is_absolute { read_clock(clock, state)? } else { known_clock(clock).map(|()| Duration::ZERO)? };
            Duration::from_nanos(timeout).saturating_sub(now)
        }
        FD_READ | FD_WRITE => {
            let is_known = match u32::from_le_bytes(field(bytes, 16)?) {
                0 => kind == FD_READ,
                1 | 2 => kind == FD_WRITE,
                _ => false,
            };
            is_known.then_some(Duration::ZERO).ok_or(BADF)?
        }
        _ => return Err(INVAL),
    };
    Ok(Subscription { user_data: field(bytes, 0)?, kind, wait })
}

fn field<const N: usize>(bytes: &[u8], offset: usize) -> Result<[u8; N], i32> {
    bytes.get(offset..).and_then(|rest| rest.first_chunk()).copied().ok_or(FAULT)
}

fn known_clock(clock: u32) -> Result<(), i32> {
    if matches!(clock, REALTIME | MONOTONIC) { Ok(()) } else { Err(INVAL) }
}

/// Reads a clock as the guest does.
fn read_clock(clock: u32, state: &mut GuestState) -> Result<Duration, i32> {
    known_clock(clock)?;
    let mut clocks = state.wasi.clocks();
    if clock == MONOTONIC {
        return monotonic_clock::Host::now(&mut clocks).map(Duration::from_nanos).map_err(|_| INVAL);
    }
    let now = wall_clock::Host::now(&mut clocks).map_err(|_| INVAL)?;
    Ok(Duration::new(now.seconds, now.nanoseconds))
}

/// Encodes the event of a subscription.
fn encode_event(subscription: &Subscription) -> [u8; EVENT_BYTES as usize] {
    let Subscription { user_data: [a, b, c, d, e, f, g, h], kind, .. } = *subscription;
    let bytes_ready = u8::from(kind != CLOCK);
    let mut event = [0; EVENT_BYTES as usize];
    if let Some(start) = event.first_chunk_mut() {
        *start = [a, b, c, d, e, f, g, h, 0, 0, kind, 0, 0, 0, 0, 0, bytes_ready];
    }
    event
}
