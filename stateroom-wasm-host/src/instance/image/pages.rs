//! The pages of a guest's memory that differ from those of a new instance.
//!
//! The kernel tells which pages were written, so that the others are not even read. An image has the number of changed pages,
//! and groups of up to 16 of them: the number of each page; the length of the following bytes; and the pages, XOR those of a new
//! instance, compressed by LZ4.
//!
//! *Invariant:* the pages of an image are those that differ, however they were found, and they are within the memory.
#[cfg(target_os = "linux")]
mod pagemap;

use lz4_flex::block::{compress_into, decompress_into, get_maximum_output_size};

use super::format::{ImageError, Reader, write_length};

/// The size of a page in an image, whatever that of the machine is.
const PAGE_BYTES: usize = 4096;
/// Number of pages that are compressed together: as far as LZ4 looks back.
const GROUP: usize = 16;

/// The way to find changed pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scan {
    /// By the kernel's page map, if it can be read.
    Pagemap,
    /// By comparing all pages.
    #[cfg(test)]
    All,
}

/// Returns the numbers of the pages of a memory that differ from the baseline, which continues with zeros.
pub(super) fn changed(memory: &[u8], baseline: &[u8], scan: Scan) -> Vec<u32> {
    let differs = |number: &u32| {
        let (page, before) = (page(memory, *number), page(baseline, *number));
        let (common, beyond) = page.split_at(before.len().min(page.len()));
        common != before || beyond.iter().any(|byte| *byte != 0)
    };
    match written(memory, scan) {
        Some(pages) => pages.into_iter().filter(differs).collect(),
        None => (0..).take(memory.len().div_ceil(PAGE_BYTES)).filter(differs).collect(),
    }
}

/// Returns the pages that may have been written, or `None` if the kernel does not tell.
fn written(memory: &[u8], scan: Scan) -> Option<Vec<u32>> {
    match scan {
        #[cfg(target_os = "linux")]
        Scan::Pagemap => pagemap::written(memory, PAGE_BYTES),
        #[cfg(not(target_os = "linux"))]
        Scan::Pagemap => None,
        #[cfg(test)]
        Scan::All => None,
    }
}

/// Returns whether the kernel tells which pages of this memory were written.
#[cfg(all(test, target_os = "linux"))]
pub(super) fn is_reported_by_kernel(memory: &[u8]) -> bool {
    written(memory, Scan::Pagemap).is_some()
}

/// Returns a page, or the part of it that exists.
fn page(memory: &[u8], number: u32) -> &[u8] {
    let start = (number as usize).saturating_mul(PAGE_BYTES).min(memory.len());
    let end = start.saturating_add(PAGE_BYTES).min(memory.len());
    memory.get(start..end).unwrap_or_default()
}

/// Writes changed pages.
pub(super) fn write(memory: &[u8], baseline: &[u8], changed: &[u32], out: &mut Vec<u8>) {
    write_length(changed.len(), out);
    let mut difference = Vec::with_capacity(GROUP.min(changed.len()) * PAGE_BYTES);
    let mut compressed = Vec::new();
    for group in changed.chunks(GROUP) {
        difference.clear();
        for number in group {
            let start = difference.len();
            difference.extend_from_slice(page(memory, *number));
            let written = difference.get_mut(start..).unwrap_or_default();
            xor(written, page(baseline, *number));
            difference.resize(start + PAGE_BYTES, 0);
        }
        compressed.resize(get_maximum_output_size(difference.len()), 0);
        // The buffer has the maximum size.
        let length = compress_into(&difference, &mut compressed).unwrap_or_default();
        group.iter().for_each(|number| out.extend_from_slice(&number.to_le_bytes()));
        write_length(length, out);
        out.extend_from_slice(compressed.get(..length).unwrap_or_default());
    }
}

/// Applies the pages of an image to the memory of a new instance.
pub(super) fn apply(memory: &mut [u8], mut image: Reader<'_>) -> Result<(), ImageError> {
    let mut remaining = image.u32()? as usize;
    let mut next = 0;
    let mut buffer = Vec::new();
    while remaining > 0 {
        let count = remaining.min(GROUP);
        remaining -= count;
        let numbers = image.take(count * size_of::<u32>())?;
        buffer.resize(count * PAGE_BYTES, 0);
        if decompress_into(image.bytes()?, &mut buffer).ok() != Some(buffer.len()) {
            return Err(ImageError::Damaged);
        }
        for (mut number, difference) in
            numbers.chunks_exact(size_of::<u32>()).map(Reader).zip(buffer.chunks(PAGE_BYTES))
        {
            let number = number.u32()? as usize;
            let start = number.checked_mul(PAGE_BYTES).filter(|_| number >= next).ok_or(ImageError::Damaged)?;
            let page = memory.get_mut(start..).filter(|page| !page.is_empty()).ok_or(ImageError::Damaged)?;
            xor(page, difference);
            next = number + 1;
        }
    }
    if image.0.is_empty() { Ok(()) } else { Err(ImageError::Damaged) }
}

/// Replaces bytes by their XOR with others, as far as there are others.
fn xor(bytes: &mut [u8], others: &[u8]) {
    bytes.iter_mut().zip(others).for_each(|(byte, other)| *byte ^= other);
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    const BASELINE: &[u8] = &[7; 5000];
    const SIZE: usize = 40 * PAGE_BYTES;

    /// Returns the memory of a new instance with some bytes written.
    fn memory(writes: &[(usize, u8)]) -> Vec<u8> {
        let mut memory = BASELINE.to_vec();
        memory.resize(SIZE, 0);
        writes.iter().for_each(|(address, byte)| memory[*address] = *byte);
        memory
    }

    #[test]
    fn pages_written_with_what_they_had_are_not_changed() {
        let memory = memory(&[(3, 7), (4097, 1), (4999, 7), (SIZE - 1, 1)]);
        assert_eq!(changed(&memory, BASELINE, Scan::All), [1, 39]);
    }

    proptest! {
        #[test]
        fn applied_pages_are_the_memory_again(writes in vec((0..SIZE, any::<u8>()), 0..100), cut in any::<usize>()) {
            let expected = memory(&writes);
            let mut pages = Vec::new();
            write(&expected, BASELINE, &changed(&expected, BASELINE, Scan::All), &mut pages);
            let mut found = memory(&[]);
            apply(&mut found, Reader(&pages)).unwrap();
            prop_assert!(found == expected);
            prop_assert!(apply(&mut found, Reader(&pages[..cut % pages.len()])).is_err());
        }

        #[test]
        fn any_bytes_are_applied_without_a_panic(pages in vec(any::<u8>(), 0..300), count in 0_u8..40, bit in any::<usize>()) {
            let mut found = memory(&[]);
            let _ = apply(&mut found, Reader(&[&[count, 0, 0, 0][..], &pages].concat()));
            let writes = [(5, 1), (20_000, 2), (100_000, 3)];
            let mut image = Vec::new();
            write(&memory(&writes), BASELINE, &[0, 4, 24], &mut image);
            let bit = bit % (image.len() * 8);
            image[bit / 8] ^= 1 << (bit % 8);
            let _ = apply(&mut found, Reader(&image));
        }
    }
}
