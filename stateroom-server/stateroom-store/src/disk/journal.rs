//! The check of the database's journal before the database opens it.
//!
//! The database ends its journal, and truncates the file, where it finds the first byte that it does not understand. A damaged
//! byte in the middle would lose all commits after it. So each commit carries its number, `STORE` has the number of the last
//! acknowledged one, and all batches are read here first: they have to be intact, numbered without a gap, and reach it.
//!
//! *Invariant:* only bytes after the last acknowledged commit are ever cut off.
use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use xxhash_rust::xxh3::Xxh3;

use super::{
    layout::{COMMIT_KEY, Commit},
    marker::io_error,
};
use crate::StoreError;

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const TRAILER: &[u8; 4] = b"FJL\x03";
const START_BYTES: u64 = 1 + 4 + 8;
const ITEM_HEAD_BYTES: u64 = 1 + 1 + 1 + 8 + 2 + 4 + 4;
const END_BYTES: u64 = 1 + 8 + 4;
const WINDOW_BYTES: u64 = 1 << 18;
/// The sequence numbers that the database may take for itself between the note of one and the commit.
const SEQ_SLACK: u64 = 1 << 16;

/// The outcome of the check.
pub(super) struct Checked {
    /// The last commit in the journals, if they have any.
    pub(super) last: Option<Commit>,
    /// The position at which the journals end.
    pub(super) end: String,
}

/// Checks all journals in `directory`, and cuts off what was being written when the process ended.
pub(super) fn check(directory: &Path, acknowledged: u64) -> Result<Checked, StoreError> {
    let mut last: Option<Commit> = None;
    let mut torn: Option<Torn> = None;
    let mut end = directory.display().to_string();
    for path in journals(directory)? {
        let place = |at| format!("{} at byte {at}", path.display());
        let file = File::open(&path).map_err(|error| io_error(&path, &error))?;
        let mut reader = Reader::new(&file).map_err(|error| io_error(&path, &error))?;
        let mut at = 0;
        let what = loop {
            match reader.batch(at).map_err(|error| io_error(&path, &error))? {
                Ok((commit, next)) => {
                    if let Some(torn) = torn {
                        return Err(torn.damage());
                    }
                    if last.is_some_and(|last| last.number.checked_add(1) != Some(commit.number)) {
                        return Err(StoreError::corrupt(place(at), "commits are missing before this one"));
                    }
                    last = Some(commit);
                    at = next;
                }
                Err(what) => break what,
            }
        };
        if !reader.is_zero_from(at).map_err(|error| io_error(&path, &error))? {
            let has_later = reader.find_batch(at + 1, last).map_err(|error| io_error(&path, &error))?;
            if has_later || torn.is_some() {
                return Err(StoreError::corrupt(place(at), what));
            }
            torn = Some(Torn { path: path.clone(), at, what });
        }
        end = place(at);
    }
    if let Some(torn) = torn {
        match last {
            Some(last) if last.number < acknowledged => return Err(torn.damage()),
            Some(_) => {}
            // Whether the database has the acknowledged commits in its tables is not known yet.
            None => torn.keep_copy()?,
        }
        torn.cut()?;
    } else if last.is_some_and(|last| last.number < acknowledged) {
        return Err(StoreError::corrupt(end, "the journal ends before the last acknowledged commit"));
    }
    Ok(Checked { last, end })
}

/// A journal that ends in something that is no batch.
struct Torn {
    path: PathBuf,
    at: u64,
    what: &'static str,
}

impl Torn {
    fn damage(&self) -> StoreError {
        StoreError::corrupt(format!("{} at byte {}", self.path.display(), self.at), self.what)
    }

    fn keep_copy(&self) -> Result<(), StoreError> {
        let copy = || fs::copy(&self.path, self.path.with_extension("torn"));
        copy().map_err(|error| io_error(&self.path, &error)).map(drop)
    }

    fn cut(&self) -> Result<(), StoreError> {
        tracing::warn!(file = %self.path.display(), at = self.at, "cut off an unfinished commit");
        let cut = || {
            let file = OpenOptions::new().write(true).open(&self.path)?;
            file.set_len(self.at)?;
            file.sync_all()
        };
        cut().map_err(|error: io::Error| io_error(&self.path, &error))
    }
}

fn journals(directory: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(|error| io_error(directory, &error))? {
        let path = entry.map_err(|error| io_error(directory, &error))?.path();
        if path.extension().is_some_and(|extension| extension == "jnl") {
            let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse::<u64>().ok());
            let number = number.ok_or_else(|| StoreError::corrupt(path.display().to_string(), "not a journal"))?;
            found.push((number, path));
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// Reads a journal through a window of bounded size.
struct Reader<'a> {
    file: &'a File,
    len: u64,
    start: u64,
    window: Vec<u8>,
}

/// A batch and the position after it, or the reason why there is none.
type Batch = Result<(Commit, u64), &'static str>;

impl<'a> Reader<'a> {
    fn new(file: &'a File) -> io::Result<Reader<'a>> {
        Ok(Reader { file, len: file.metadata()?.len(), start: 0, window: Vec::new() })
    }

    /// Returns `bytes` (at most the size of the window) bytes at `at`, or `None` if the file is shorter.
    fn read(&mut self, at: u64, bytes: u64) -> io::Result<Option<&[u8]>> {
        if at.checked_add(bytes).is_none_or(|end| end > self.len) {
            return Ok(None);
        }
        if at < self.start || at + bytes > self.start + self.window.len() as u64 {
            self.window.resize(WINDOW_BYTES.min(self.len - at) as usize, 0);
            self.file.read_exact_at(&mut self.window, at)?;
            self.start = at;
        }
        let from = (at - self.start) as usize;
        Ok(self.window.get(from..from + bytes as usize))
    }

    fn batch(&mut self, start: u64) -> io::Result<Batch> {
        let mut hasher = Xxh3::new();
        let mut commit = None;
        let Some(head) = self.read(start, START_BYTES)? else { return Ok(Err("the file ends within a batch")) };
        let mut fields = Fields(head);
        if fields.u8() != START {
            return Ok(Err("no batch begins here"));
        }
        let (items, database_seq) = (fields.u32(), fields.u64());
        let mut at = start + START_BYTES;
        for _ in 0..items {
            let Some(head) = self.read(at, ITEM_HEAD_BYTES)? else { return Ok(Err("the file ends within a batch")) };
            let mut fields = Fields(head);
            let (tag, _kind, compression, _keyspace) = (fields.u8(), fields.u8(), fields.u8(), fields.u64());
            let (key, value, stored) = (u64::from(fields.u16()), u64::from(fields.u32()), u64::from(fields.u32()));
            if tag != ITEM || compression != 0 || value != stored {
                return Ok(Err("an item of the batch is damaged"));
            }
            hasher.update(head);
            at += ITEM_HEAD_BYTES;
            let body = key + value;
            if key == COMMIT_KEY.len() as u64
                && body < WINDOW_BYTES
                && let Some(body) = self.read(at, body)?
                && let Some(value) = body.strip_prefix(COMMIT_KEY)
            {
                commit = commit.or_else(|| Commit::decode(value));
            }
            let body_end = at + body;
            while at < body_end {
                let bytes = (body_end - at).min(WINDOW_BYTES);
                let Some(piece) = self.read(at, bytes)? else { return Ok(Err("the file ends within a batch")) };
                hasher.update(piece);
                at += bytes;
            }
        }
        let Some(end) = self.read(at, END_BYTES)? else { return Ok(Err("the file ends within a batch")) };
        let mut fields = Fields(end);
        if fields.u8() != END || fields.u64() != hasher.digest() || fields.0 != TRAILER {
            return Ok(Err("the batch has a wrong checksum"));
        }
        let Some(commit) = commit else { return Ok(Err("the batch has no number")) };
        // The database does not include the sequence number of a batch in its checksum.
        if database_seq.checked_sub(commit.database_seq).is_none_or(|slack| slack > SEQ_SLACK) {
            return Ok(Err("the batch has a wrong sequence number"));
        }
        Ok(Ok((commit, at + END_BYTES)))
    }

    fn is_zero_from(&mut self, mut at: u64) -> io::Result<bool> {
        while at < self.len {
            let bytes = (self.len - at).min(WINDOW_BYTES);
            if self.read(at, bytes)?.is_some_and(|piece| piece.iter().any(|&byte| byte != 0)) {
                return Ok(false);
            }
            at += bytes;
        }
        Ok(true)
    }

    /// Returns whether an intact batch after `last` begins at `at` or later. A batch is durable before the next one begins, so
    /// whatever is in front of it was damaged after it was written.
    fn find_batch(&mut self, mut at: u64, last: Option<Commit>) -> io::Result<bool> {
        while at + START_BYTES < self.len {
            let bytes = (self.len - at).min(WINDOW_BYTES);
            let Some(piece) = self.read(at, bytes)? else { break };
            let is_start = |window: &[u8]| window.first() == Some(&START) && window.last() == Some(&ITEM);
            let Some(offset) = piece.windows(START_BYTES as usize + 1).position(is_start) else {
                at += (bytes - START_BYTES).max(1);
                continue;
            };
            at += offset as u64;
            let after = last.map_or(0, |last| last.number);
            if self.batch(at)?.is_ok_and(|(commit, _)| commit.number > after) {
                return Ok(true);
            }
            at += 1;
        }
        Ok(false)
    }
}

/// Reads little-endian fields. What is missing reads as zero; lengths are checked before.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let Some((field, rest)) = self.0.split_first_chunk::<N>() else { return [0; N] };
        self.0 = rest;
        *field
    }

    fn u8(&mut self) -> u8 {
        u8::from_le_bytes(self.take())
    }

    fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.take())
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }
}
