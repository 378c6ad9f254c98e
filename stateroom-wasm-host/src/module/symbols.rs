//! A module's debug information, which tells the source locations of its instructions.
//!
//! wasmtime would look them up at each trap, at a millisecond or more per frame with the information of a debug build. Here it
//! is parsed once per trap, and only as often as a small share of a CPU permits.
//!
//! *Invariant:* guests that trap cannot use more than 2 % of a CPU for their locations, nor more than one worker at a time.
use std::time::Instant;

use addr2line::{
    Context, Frame,
    gimli::{self, Dwarf, EndianSlice, LittleEndian},
};
use parking_lot::Mutex;
use wasmparser::{Parser, Payload};

/// Time between two lookups, as a multiple of the time that the first one took.
const PAUSE_FACTOR: u32 = 49;
/// Maximum size of debug information in all, in bytes. Larger ones are ignored: a lookup keeps a worker until it ends.
const MAX_BYTES: usize = 64 << 20;
/// Maximum number of functions inlined at one instruction.
const MAX_INLINED: usize = 16;

/// The time before which no guest gets its locations looked up. Locked while one does.
static NEXT_LOOKUP: Mutex<Option<Instant>> = Mutex::new(None);

type Reader<'a> = EndianSlice<'a, LittleEndian>;

/// The debug information of a module.
#[derive(Debug)]
pub(crate) struct Symbols {
    /// Sections with the names of DWARF.
    sections: Vec<(String, Vec<u8>)>,
    /// The offset in the module that addresses in DWARF are relative to.
    code_offset: u64,
}

/// The location of an instruction in the source, in one of the functions that are inlined there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Location {
    /// The function's name, as the compiler wrote it.
    pub(crate) function: Option<String>,
    /// File, line and column.
    pub(crate) place: Option<String>,
}

impl Symbols {
    /// Returns the debug information of a module in binary form, if it has any and not too much.
    pub(crate) fn of(module: &[u8]) -> Option<Self> {
        let mut symbols = Symbols { sections: Vec::new(), code_offset: 0 };
        for payload in Parser::new(0).parse_all(module) {
            match payload.ok()? {
                Payload::CodeSectionStart { range, .. } => symbols.code_offset = range.start as u64,
                Payload::CustomSection(section) if section.name().starts_with(".debug_") => {
                    symbols.sections.push((section.name().to_owned(), section.data().to_vec()));
                }
                _ => {}
            }
        }
        let bytes: usize = symbols.sections.iter().map(|(_, data)| data.len()).sum();
        (1..=MAX_BYTES).contains(&bytes).then_some(symbols)
    }

    /// Returns the locations of instructions at these offsets in the module, of inlined functions first, or `None` if too many
    /// others were looked up shortly before.
    pub(crate) fn locate(&self, offsets: &[Option<usize>]) -> Option<Vec<Vec<Location>>> {
        let mut next_lookup = NEXT_LOOKUP.try_lock()?;
        let started = Instant::now();
        if next_lookup.is_some_and(|next| started < next) {
            return None;
        }
        let located = self.locate_now(offsets);
        let ended = Instant::now();
        *next_lookup = Some(ended + (ended - started) * PAUSE_FACTOR);
        Some(located)
    }

    fn locate_now(&self, offsets: &[Option<usize>]) -> Vec<Vec<Location>> {
        let section = |id: gimli::SectionId| {
            let found = self.sections.iter().find(|(name, _)| name == id.name());
            Ok(Reader::new(found.map_or(&[], |(_, data)| data), LittleEndian))
        };
        let context = Dwarf::load(section).and_then(Context::from_dwarf);
        let Ok(context) = context else { return Vec::new() };
        let locate = |offset: &Option<usize>| {
            let address = offset.and_then(|offset| (offset as u64).checked_sub(self.code_offset));
            address.map(|address| locations(&context, address)).unwrap_or_default()
        };
        offsets.iter().map(locate).collect()
    }
}

/// Returns the locations at an address. Errors in the debug information are ignored: a guest may contain anything.
fn locations(context: &Context<Reader<'_>>, address: u64) -> Vec<Location> {
    let Ok(mut frames) = context.find_frames(address).skip_all_loads() else { return Vec::new() };
    let mut locations = Vec::new();
    while let Ok(Some(Frame { function, location, .. })) = frames.next()
        && locations.len() < MAX_INLINED
    {
        let function = function.and_then(|it| it.raw_name().ok().map(Into::into));
        let place = location.and_then(|it| {
            let numbers = [it.line, it.column].into_iter().flatten().map(|number| format!(":{number}"));
            Some(it.file?.to_owned() + &numbers.collect::<String>())
        });
        locations.push(Location { function, place });
    }
    locations
}
