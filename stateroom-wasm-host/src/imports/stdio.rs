//! A guest's stdin, stdout and stderr: the only files that it has.
//!
//! *Invariant:* no call takes more than a bounded time, and none is refused for its size. A write takes as much as a pipe
//! would, and says so.
use wasmtime::{Caller, Memory};

use super::{BADF, FAULT, SUCCESS, guest_memory};
use crate::{
    guest_log::Stream,
    memory,
    state::{self, GuestState},
};

/// Maximum number of bytes of one write.
const MAX_WRITE_BYTES: u32 = 64 << 10;
/// Maximum number of buffers of one write.
const MAX_BUFFERS: u32 = 1024;

/// `fd_write`: logs output. Descriptors stay open, whether or not the guest closes them.
pub(super) fn write(
    mut caller: Caller<'_, GuestState>,
    descriptor: i32,
    buffers: u32,
    count: u32,
    written: u32,
) -> wasmtime::Result<i32> {
    let stream = match descriptor {
        1 => Stream::Stdout,
        2 => Stream::Stderr,
        _ => return Ok(BADF),
    };
    let memory = guest_memory(&mut caller)?;
    if state::read_published(&mut caller)? {
        caller.data().scheduler.begin_next_event();
    }
    Ok(write_to(stream, &mut caller, memory, buffers, count, written).map_or(FAULT, |()| SUCCESS))
}

/// Returns `None` if an address is outside of the guest's memory.
fn write_to(
    stream: Stream,
    caller: &mut Caller<'_, GuestState>,
    memory: Memory,
    buffers: u32,
    count: u32,
    written: u32,
) -> Option<()> {
    let (memory, state) = memory.data_and_store_mut(caller);
    let mut space = MAX_WRITE_BYTES;
    for index in 0..count.min(MAX_BUFFERS) {
        let buffer = buffers.checked_add(index.checked_mul(8)?)?;
        let (address, length) = (memory::read_u32(memory, buffer)?, memory::read_u32(memory, buffer.checked_add(4)?)?);
        let bytes = memory::bytes(memory, address, length.min(space)).ok()?;
        state.log.write(stream, bytes);
        space = space.saturating_sub(length);
        if space == 0 {
            break;
        }
    }
    store_u32(memory, written, MAX_WRITE_BYTES - space)
}

/// `fd_read`: stdin is empty.
pub(super) fn read(
    mut caller: Caller<'_, GuestState>,
    descriptor: i32,
    _buffers: u32,
    _count: u32,
    read: u32,
) -> wasmtime::Result<i32> {
    if descriptor != 0 {
        return Ok(BADF);
    }
    let memory = guest_memory(&mut caller)?;
    Ok(store_u32(memory.data_mut(&mut caller), read, 0).map_or(FAULT, |()| SUCCESS))
}

fn store_u32(memory: &mut [u8], address: u32, value: u32) -> Option<()> {
    memory::bytes_mut(memory, address, 4).ok()?.copy_from_slice(&value.to_le_bytes());
    Some(())
}
