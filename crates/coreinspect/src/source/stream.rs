//! A dump that is read forward: a compressed file, a pipe.
//!
//! Nothing is read before somebody asks for it, and then as far as it takes to answer. What goes by is kept if it lies in
//! what [`Stream::keep`] named (before the first call: all of it); what is asked for is kept too. Where bytes are asked
//! for that went by and were not kept, a file is decompressed once more from its start; a pipe cannot, so whoever plans
//! for one must name all it may need ([`Stream::can_go_back`]).

mod decoder;
mod input;

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::kept::{Kept, leading};
use super::layers::{self, Layer, Unwrapped};
use super::limits::Limits;
use super::reading::{Amount, Progress, Reading};
use super::{Source, Table, within};
use crate::kind::{Kind, Kinds};
use crate::position::{Coverage, FileOffset, Interval, Position};
use decoder::Decoder;
use input::{Counted, FromStart, Origin};

/// The longest table that is lent: it must be held in memory, as no map of it can be made.
const LONGEST_TABLE: u64 = 64 << 20;
/// One read of [`Stream::copy`].
const COPY_BLOCK: usize = 1 << 20;

/// A dump that is read forward.
pub struct Stream {
    origin: Origin,
    layers: Vec<Layer>,
    amount: Amount,
    kinds: Kinds,
    limits: Limits,
    /// The dump's size, as the compressed file tells it.
    size_told: Option<u64>,
    consumed: Arc<AtomicU64>,
    state: Mutex<State>,
}

struct State {
    reader: Decoder,
    /// Where the reader stands: decompressed bytes of this pass.
    came: u64,
    /// The largest of all passes.
    furthest: u64,
    /// Which bytes the block holds.
    last: Interval<FileOffset>,
    /// Where the stream ends, once that was seen.
    end: Option<u64>,
    damage: Option<String>,
    /// A limit that was passed, or a spool that cannot be written: no answer may hide it.
    refusal: Option<(io::ErrorKind, String)>,
    /// What is kept while it goes by, sorted; `None` keeps all.
    wanted: Option<Vec<Interval<FileOffset>>>,
    /// What takes its place when the stream is read once more.
    wanted_then: Option<Vec<Interval<FileOffset>>>,
    went_back: bool,
    /// Whether some of what is wanted had gone by when that was said.
    late: bool,
    /// Whether bytes were asked for that are gone.
    missed: bool,
    kept: Kept,
    block: Vec<u8>,
    progress: Option<Box<dyn FnMut(Progress) + Send>>,
}

impl Stream {
    /// The dump in a regular file, behind all layers that it is wrapped in.
    ///
    /// # Errors
    /// What the operating system said; [`io::ErrorKind::InvalidData`] and others where not one byte can be unwrapped.
    pub fn of_file(file: File, reading: Reading) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let file = Arc::new(file);
        let consumed = Arc::new(AtomicU64::new(0));
        let start = FromStart { file: Arc::clone(&file), at: Arc::clone(&consumed) };
        let unwrapped = layers::unwrap(Box::new(start))?;
        let size_told = match unwrapped.layers.as_slice() {
            [] => Some(metadata.len()),
            [Layer::Zstandard] => layers::zstandard_size(&file, metadata.len()),
            _ => None,
        };
        let origin =
            Origin::File { file, size: metadata.len(), modified: (metadata.mtime(), metadata.mtime_nsec()) };
        Ok(Self::new(origin, unwrapped, consumed, size_told, reading))
    }

    /// The dump that comes out of `pipe`, behind all layers that it is wrapped in.
    ///
    /// # Errors
    /// As [`Stream::of_file`].
    pub fn of_pipe(pipe: impl Read + Send + 'static, reading: Reading) -> io::Result<Self> {
        let consumed = Arc::new(AtomicU64::new(0));
        let counted = Counted { input: pipe, count: Arc::clone(&consumed) };
        let unwrapped = layers::unwrap(Box::new(counted))?;
        Ok(Self::new(Origin::Pipe, unwrapped, consumed, None, reading))
    }

    fn new(
        origin: Origin,
        unwrapped: Unwrapped,
        consumed: Arc<AtomicU64>,
        size_told: Option<u64>,
        reading: Reading,
    ) -> Self {
        let Reading { amount, kinds, limits, progress } = reading;
        let state = State {
            reader: Decoder::new(unwrapped.reader, matches!(origin, Origin::File { .. })),
            came: 0,
            furthest: 0,
            last: Interval::clamped(FileOffset::new(0), 0),
            end: None,
            damage: None,
            refusal: None,
            wanted: None,
            wanted_then: None,
            went_back: false,
            late: false,
            missed: false,
            kept: Kept::default(),
            block: Vec::new(),
            progress,
        };
        Self {
            origin,
            layers: unwrapped.layers,
            amount,
            kinds,
            limits,
            size_told,
            consumed,
            state: state.into(),
        }
    }

    /// Whether the mapping called `name` can be of a segment that is wanted; more names than those of segments: which of them
    /// count is not decided here.
    pub fn may_want(&self, name: &[u8]) -> bool {
        name.starts_with(b"/SYSV")
            || !self.kinds.is_system_v_alone()
                && match Kind::of_name(name) {
                    Some(Kind::File) => self.kinds.want_file(name),
                    kind => kind.is_some(),
                }
    }

    /// How much of the dump is wanted.
    pub fn amount(&self) -> Amount {
        self.amount
    }

    /// Whether bytes that went by can be read again.
    pub fn can_go_back(&self) -> bool {
        matches!(self.origin, Origin::File { .. })
    }

    /// Whether [`Source::size`] is the dump's size. Otherwise it is how much came until now.
    pub fn size_is_known(&self) -> bool {
        self.state().end.or(self.size_told).is_some()
    }

    /// From here on only `wanted` is kept of what goes by, and what is asked for. Where that does not do, and the stream
    /// can be read once more, `wanted_then` is kept of that; where that does not do either, all of it.
    ///
    /// # Errors
    /// A limit is passed, or the spool cannot be written.
    pub fn keep(
        &self,
        wanted: &Coverage<FileOffset>,
        wanted_then: Option<&Coverage<FileOffset>>,
    ) -> io::Result<()> {
        let mut state = self.state();
        state.wanted = Some(wanted.intervals().collect());
        let came = state.came;
        let gone = |wanted: Interval<FileOffset>| {
            Interval::clamped(wanted.start(), came.saturating_sub(wanted.start().get()).min(wanted.length()))
        };
        state.late = wanted.intervals().any(|wanted| !state.kept.has(gone(wanted)));
        state.wanted_then = wanted_then.map(|wanted| wanted.intervals().collect());
        state.went_back = false;
        self.keep_of_the_last(&mut state, None)
    }

    /// Reads on to `place`, or to the end if that comes first: then [`Source::size`] says what is there of the bytes before.
    ///
    /// # Errors
    /// A limit is passed, or the spool cannot be written.
    pub fn reach(&self, place: FileOffset) -> io::Result<()> {
        self.advance(&mut self.state(), place.get(), None)
    }

    /// How the stream broke off, in words; `None` if it did not, as far as it was read.
    pub fn damage(&self) -> Option<String> {
        self.state().damage.clone()
    }

    /// Why it is not read further, although more was asked for: a limit, or no room to keep it.
    pub fn refusal(&self) -> Option<io::Error> {
        let (kind, why) = self.state().refusal.clone()?;
        Some(io::Error::new(kind, why))
    }

    /// Whether what went by and was not kept cannot be read again.
    pub(crate) fn is_read_once(&self) -> bool {
        !matches!(self.origin, Origin::File { .. })
    }

    /// Whether bytes were asked for that went by, were not kept, and cannot be read again.
    pub fn missed(&self) -> bool {
        self.state().missed
    }

    /// What was unwrapped, as `gzip in zstd`; `None` if nothing was.
    pub fn wrapping(&self) -> Option<String> {
        (!self.layers.is_empty()).then(|| layers::names(&self.layers))
    }

    /// A reader that panicked left what it kept as it was.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads forward to `target`. What goes by is kept if it is wanted, or in `asked`.
    fn advance(&self, state: &mut State, target: u64, asked: Option<Interval<FileOffset>>) -> io::Result<()> {
        if let Some((kind, why)) = &state.refusal {
            return Err(io::Error::new(*kind, why.clone()));
        }
        while state.came < target && state.end.is_none_or(|end| state.came < end) {
            let count = match state.reader.next(&mut state.block) {
                Ok(0) => {
                    state.end = Some(state.came);
                    break;
                }
                Ok(count) => count,
                Err(error) => {
                    state.damage = Some(layers::problem(&self.layers, state.came, &error));
                    state.end = Some(state.came);
                    break;
                }
            };
            if let Err(error) = self.take(state, count, asked) {
                state.refusal = Some((error.kind(), error.to_string()));
                return Err(error);
            }
        }
        Ok(())
    }

    /// Keeps what is wanted of the `count` bytes that came.
    fn take(&self, state: &mut State, count: usize, asked: Option<Interval<FileOffset>>) -> io::Result<()> {
        state.last = Interval::clamped(FileOffset::new(state.came), count as u64);
        state.came = state.last.end().get();
        state.furthest = state.furthest.max(state.came);
        if let Some(why) = self.limits.refuse_reading(state.came) {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
        }
        self.keep_of_the_last(state, asked)?;
        let progress = Progress {
            came: state.came,
            consumed: self.consumed.load(Ordering::Relaxed),
            of: match self.origin {
                Origin::File { size, .. } => Some(size),
                Origin::Pipe => None,
            },
        };
        if let Some(tell) = &mut state.progress {
            tell(progress);
        }
        Ok(())
    }

    /// Keeps what is wanted of the last bytes that came. They are still there: more comes at once than is asked for, so a
    /// plan that is made of its first bytes can want others of them.
    fn keep_of_the_last(&self, state: &mut State, asked: Option<Interval<FileOffset>>) -> io::Result<()> {
        let State { wanted, kept, block, last: came, .. } = state;
        let came = *came;
        let mut keep = |part: Interval<FileOffset>| {
            let Some(part) = part.intersection(came) else { return Ok(()) };
            let start = part.start().offset_from(came.start()).and_then(|start| usize::try_from(start).ok());
            let end = part.end().offset_from(came.start()).and_then(|end| usize::try_from(end).ok());
            let bytes = start.zip(end).and_then(|(start, end)| block.get(start..end));
            kept.add(
                part.start(),
                bytes.unwrap_or_default(),
                &self.limits,
                self.consumed.load(Ordering::Relaxed),
            )
        };
        match wanted {
            None => keep(came)?,
            Some(wanted) => {
                let first = wanted.partition_point(|interval| interval.end() <= came.start());
                for interval in wanted.iter().skip(first) {
                    if interval.start() >= came.end() {
                        break;
                    }
                    keep(*interval)?;
                }
                asked.map_or(Ok(()), keep)?;
            }
        }
        Ok(())
    }

    /// Sees to it that `range` is kept, as far as the stream has it.
    fn have(&self, state: &mut State, range: Interval<FileOffset>) -> io::Result<()> {
        if state.kept.has(range) {
            return Ok(());
        }
        self.keep_of_the_last(state, Some(range))?;
        if state.came > range.start().get() {
            let gone = Interval::clamped(
                range.start(),
                state.came.min(range.end().get()).saturating_sub(range.start().get()),
            );
            if !state.kept.has(gone) {
                self.go_back(state)?;
            }
        }
        self.advance(state, range.end().get(), Some(range))
    }

    /// Begins anew at the start of the file.
    fn go_back(&self, state: &mut State) -> io::Result<()> {
        let Origin::File { file, .. } = &self.origin else {
            state.missed = true;
            return Err(io::Error::other(
                "coreinspect did not keep it, and cannot read a pipe twice: save the dump to a file and name that",
            ));
        };
        // Who reads ahead must have ended before its place in the file is another.
        state.reader = Decoder::default();
        self.consumed.store(0, Ordering::Relaxed);
        let start = FromStart { file: Arc::clone(file), at: Arc::clone(&self.consumed) };
        state.reader = Decoder::new(layers::unwrap(Box::new(start))?.reader, true);
        state.came = 0;
        if std::mem::take(&mut state.late) {
            // This time it is known from the start.
        } else if state.wanted_then.is_some() {
            state.wanted = state.wanted_then.take();
        } else if state.went_back {
            state.wanted = None;
        }
        state.went_back = true;
        Ok(())
    }
}

impl Source for Stream {
    fn size(&self) -> u64 {
        let state = self.state();
        state.end.or(self.size_told).unwrap_or(state.furthest)
    }

    fn read_at(&self, at: FileOffset, into: &mut [u8]) -> io::Result<usize> {
        let mut state = self.state();
        let range = Interval::clamped(at, into.len() as u64);
        let range = match state.end {
            Some(end) => within(range, end),
            None => Some(range),
        };
        let Some(range) = range else { return Ok(0) };
        self.have(&mut state, range)?;
        let length = usize::try_from(range.length()).unwrap_or(into.len());
        state.kept.read(at, into.get_mut(..length).unwrap_or_default())
    }

    fn bytes(&self, range: Interval<FileOffset>) -> io::Result<Table> {
        let mut state = self.state();
        let known = state.end.or(self.size_told);
        let Some(range) = known.map_or(Some(range), |end| within(range, end)) else {
            return Ok(Table::default());
        };
        // Nothing is reserved for what is merely claimed.
        let longest = Interval::clamped(range.start(), LONGEST_TABLE.min(range.length()));
        self.have(&mut state, longest)?;
        let there = within(longest, state.end.unwrap_or(state.furthest).max(state.came));
        let length = there.map_or(0, Interval::length);
        if length == LONGEST_TABLE && range.length() > LONGEST_TABLE {
            return Err(io::Error::other(format!(
                "a table of {} bytes is too long for a compressed or piped dump: unpack it to a file and name that",
                range.length()
            )));
        }
        let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        let count = state.kept.read(range.start(), &mut bytes)?;
        bytes.truncate(count);
        Ok(bytes.into())
    }

    fn copy(&self, range: Interval<FileOffset>, into: &mut File) -> io::Result<()> {
        let mut block = vec![0; COPY_BLOCK];
        let mut at = range.start();
        while at < range.end() {
            let left = usize::try_from(range.end().offset_from(at).unwrap_or(0)).unwrap_or(COPY_BLOCK);
            let count = self.read_at(at, block.get_mut(..left.min(COPY_BLOCK)).unwrap_or_default())?;
            if count == 0 {
                break;
            }
            let mut rest = block.get(..count).unwrap_or_default();
            while !rest.is_empty() {
                let (zeroes, behind) = rest.split_at(leading(rest, true));
                if !zeroes.is_empty() {
                    into.seek(SeekFrom::Current(i64::try_from(zeroes.len()).map_err(io::Error::other)?))?;
                }
                let (data, behind) = behind.split_at(leading(behind, false));
                into.write_all(data)?;
                rest = behind;
            }
            at = at.checked_add(count as u64).unwrap_or(range.end());
        }
        Ok(())
    }

    fn changed(&self) -> Option<String> {
        let Origin::File { file, size, modified } = &self.origin else { return None };
        let metadata = file.metadata().ok()?;
        if metadata.len() != *size {
            return Some(format!("its size went from {size} to {} bytes", metadata.len()));
        }
        ((metadata.mtime(), metadata.mtime_nsec()) != *modified)
            .then(|| "it was written to (its modification time changed)".to_owned())
    }

    fn stream(&self) -> Option<&Stream> {
        Some(self)
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("layers", &self.layers)
            .field("amount", &self.amount)
            .finish_non_exhaustive()
    }
}
