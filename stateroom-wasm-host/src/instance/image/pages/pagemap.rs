//! The kernel's map of this process's pages, `/proc/self/pagemap`. Reading whether a page exists takes no privilege.
//!
//! *Invariant:* a page that is not reported has the contents of the file that is mapped there, or zeros: nothing was written.
use std::{fs::File, os::unix::fs::FileExt, sync::OnceLock};

/// The size of an entry, in bytes.
const ENTRY_BYTES: usize = 8;
/// Number of entries that are read at once.
const ENTRIES: usize = 512;
/// The bits of an entry: the page is in memory; it is swapped out; it is a page of a file.
const PRESENT: u64 = 1 << 63;
const SWAPPED: u64 = 1 << 62;
const FILE: u64 = 1 << 61;

/// The map, if it can be read and is true.
static MAP: OnceLock<Option<File>> = OnceLock::new();

/// Returns the pages of `page_bytes` each that may have been written, or `None` if the map cannot tell.
pub(super) fn written(memory: &[u8], page_bytes: usize) -> Option<Vec<u32>> {
    let map = MAP.get_or_init(|| File::open("/proc/self/pagemap").ok().filter(is_true)).as_ref()?;
    let machine_page = rustix::param::page_size();
    let address = memory.as_ptr().addr();
    if !address.is_multiple_of(machine_page) || !machine_page.is_multiple_of(page_bytes) {
        return None;
    }
    let count = memory.len().div_ceil(machine_page);
    let pages_each = machine_page / page_bytes;
    let pages = u32::try_from(memory.len().div_ceil(page_bytes)).ok()?;
    let mut buffer = [0; ENTRIES * ENTRY_BYTES];
    let mut written = Vec::new();
    for start in (0..count).step_by(ENTRIES) {
        let entries = buffer.get_mut(..ENTRIES.min(count - start) * ENTRY_BYTES)?;
        map.read_exact_at(entries, offset(address / machine_page + start)).ok()?;
        for (page, entry) in (start..).zip(entries.chunks_exact(ENTRY_BYTES)) {
            if is_written(entry) {
                let first = u32::try_from(page * pages_each).ok()?;
                written.extend((first..pages).take(pages_each));
            }
        }
    }
    Some(written)
}

fn offset(page: usize) -> u64 {
    page as u64 * ENTRY_BYTES as u64
}

fn is_written(entry: &[u8]) -> bool {
    let entry = entry.first_chunk().map_or(0, |bytes| u64::from_ne_bytes(*bytes));
    entry & (PRESENT | SWAPPED) != 0 && entry & FILE == 0
}

/// Returns whether the map reports a page of this thread's stack, which was certainly written. Not every system that has the
/// file fills it in.
fn is_true(map: &File) -> bool {
    let mut entry = [0; ENTRY_BYTES];
    let page = entry.as_ptr().addr() / rustix::param::page_size();
    map.read_exact_at(&mut entry, offset(page)).is_ok() && is_written(&entry)
}
