//! Every saved word of memory that lies between two bounds, at the speed of memory.
//!
//! Threads take pieces of the memory in turn. Each reads a piece into a small buffer, since a map would make all of the dump
//! resident, and first asks of a whole block whether any word of it is within the bounds: a loop without a branch. Most blocks
//! of most dumps have none. Holes of a sparse file are passed over: a word of zeroes points nowhere.

use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;

use crate::error::Error;
use crate::machine::{ByteOrder, Class, Machine};
use crate::position::{Address, Interval, Position};
use crate::targets::Target;

/// Bytes of a thread's buffer.
const BUFFER: usize = 256 << 10;
/// Bytes that a thread takes at a time.
const PIECE: u64 = 4 << 20;
/// Bytes of which is asked at once whether any word is within the bounds.
const BLOCK: usize = 2048;
/// The longest word.
const LONGEST: usize = 8;

/// What is done with words that were found.
pub(super) trait Net: Sync {
    /// What one thread collects.
    type Catch: Send;

    /// The lowest value that is sought, and how many values from there on.
    fn bounds(&self) -> (u64, u64);

    /// The bits of a word that do not count for the bounds.
    fn ignored(&self) -> u64 {
        0
    }

    /// An empty catch.
    fn begin(&self) -> Self::Catch;

    /// Takes the word at `at`, in a range of `tag`, whose value is within the bounds.
    fn take(&self, catch: &mut Self::Catch, tag: usize, at: Address, value: u64);
}

/// How memory is scanned.
#[derive(Clone, Copy)]
pub struct Pace<'p> {
    /// Threads; `None`: as many as there are processors.
    pub threads: Option<NonZero<usize>>,
    /// Whether words at any address count, not only at multiples of their size.
    pub unaligned: bool,
    /// Is told how many bytes of how many are done.
    pub progress: &'p (dyn Fn(u64, u64) + Sync),
}

impl Default for Pace<'_> {
    /// As fast as it goes, words at multiples of their size, and nobody is told.
    fn default() -> Self {
        Self { threads: None, unaligned: false, progress: &|_, _| {} }
    }
}

/// Hands the words of `ranges`, each with its tag, to `net`; all of the ranges must be saved.
///
/// # Errors
/// [`Error::Read`].
pub(super) fn scan<N: Net>(
    target: &dyn Target,
    ranges: &[(Interval<Address>, usize)],
    net: &N,
    pace: Pace<'_>,
) -> Result<Vec<N::Catch>, Error> {
    let pieces: Vec<_> =
        ranges.iter().flat_map(|(range, tag)| cut(*range).map(|piece| (piece, *tag))).collect();
    let total = ranges.iter().fold(0_u64, |sum, (range, _)| sum.saturating_add(range.length()));
    let available = || thread::available_parallelism().map_or(1, NonZero::get);
    let threads = pace.threads.map_or_else(available, NonZero::get).clamp(1, pieces.len().clamp(1, 256));
    let (next, done, failed) = (AtomicUsize::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let work = || {
        let mut catch = net.begin();
        let mut buffer = vec![0; BUFFER + LONGEST];
        while let Some((piece, tag)) = pieces.get(next.fetch_add(1, Ordering::Relaxed)) {
            if failed.load(Ordering::Relaxed) {
                break;
            }
            let words = Words { machine: target.identity().machine, tag: *tag, net };
            if let Err(error) = words.of_piece(target, *piece, pace.unaligned, &mut buffer, &mut catch) {
                failed.store(true, Ordering::Relaxed);
                return Err(error);
            }
            let before = done.fetch_add(piece.length(), Ordering::Relaxed);
            (pace.progress)(before.saturating_add(piece.length()), total);
        }
        Ok(catch)
    };
    if threads == 1 {
        return Ok(vec![work()?]);
    }
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let caught = running.into_iter().map(|thread| match thread.join() {
            Ok(caught) => caught,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        caught.collect()
    })
}

/// `range` in pieces that end at multiples of [`PIECE`].
fn cut(range: Interval<Address>) -> impl Iterator<Item = Interval<Address>> {
    let mut at = range.start();
    std::iter::from_fn(move || {
        let next = at.get().checked_add(1)?.checked_next_multiple_of(PIECE).map_or(range.end(), Address::new);
        let piece = Interval::new(at, next.min(range.end())).filter(|piece| !piece.is_empty())?;
        at = piece.end();
        Some(piece)
    })
}

struct Words<'n, N> {
    machine: Machine,
    tag: usize,
    net: &'n N,
}

impl<N: Net> Words<'_, N> {
    fn of_piece(
        &self,
        target: &dyn Target,
        piece: Interval<Address>,
        unaligned: bool,
        buffer: &mut [u8],
        catch: &mut N::Catch,
    ) -> Result<(), Error> {
        let width = self.machine.class.long();
        let first = piece.start().get();
        let first = if unaligned { Some(first) } else { first.checked_next_multiple_of(width as u64) };
        let mut at = first.map_or(piece.end(), Address::new);
        while let Some(rest) = Interval::new(at, piece.end()).filter(|rest| !rest.is_empty()) {
            // A word may begin in a hole, or end in one.
            let data = target.data(rest);
            let behind = data.start().offset_from(at).unwrap_or(0);
            let skipped = behind.saturating_sub(width as u64).checked_div(width as u64).unwrap_or(0);
            let Some(start) = at.checked_add(skipped.saturating_mul(width as u64)) else { break };
            if data.is_empty() {
                break;
            }
            at = start;
            let end = data.end().get().checked_add(width as u64);
            let end = end.and_then(|end| end.checked_next_multiple_of(width as u64));
            let end = end.map_or(piece.end(), |end| Address::new(end).min(piece.end()));
            while let Some(left) = end.offset_from(at).filter(|left| *left > 0) {
                let wanted = usize::try_from(left).unwrap_or(BUFFER).min(BUFFER);
                let more = if unaligned { width.saturating_sub(1) } else { 0 };
                let Some(into) = buffer.get_mut(..wanted.saturating_add(more)) else { break };
                let count = target.read(at, into)?;
                let bytes = into.get(..count).unwrap_or_default();
                let shifts = if unaligned { width } else { 1 };
                for shift in 0..shifts {
                    let Some(from) = at.checked_add(shift as u64) else { break };
                    let last = wanted.saturating_sub(shift).next_multiple_of(width);
                    let bytes = bytes.get(shift..).unwrap_or_default();
                    self.of_buffer(bytes.get(..last).unwrap_or(bytes), from, catch);
                }
                let Some(next) = at.checked_add(wanted as u64) else { return Ok(()) };
                at = next;
                if count < wanted {
                    // Saved and not there: the target has said so of the whole piece by now.
                    break;
                }
            }
            if at < end {
                break;
            }
        }
        Ok(())
    }

    fn of_buffer(&self, bytes: &[u8], from: Address, catch: &mut N::Catch) {
        let (low, span) = self.net.bounds();
        let kept = !self.net.ignored();
        match (self.machine.class, self.machine.byte_order) {
            // Loops of their own: where a pointer is an address, nothing is paid for tags.
            (Class::Bits64, ByteOrder::Little) if kept != u64::MAX => {
                let within = |word| (u64::from_le_bytes(word) & kept).wrapping_sub(low) < span;
                self.sift(bytes, from, catch, within, u64::from_le_bytes);
            }
            (Class::Bits64, ByteOrder::Big) if kept != u64::MAX => {
                let within = |word| (u64::from_be_bytes(word) & kept).wrapping_sub(low) < span;
                self.sift(bytes, from, catch, within, u64::from_be_bytes);
            }
            (Class::Bits64, ByteOrder::Little) => {
                self.sift(
                    bytes,
                    from,
                    catch,
                    |word| u64::from_le_bytes(word).wrapping_sub(low) < span,
                    u64::from_le_bytes,
                );
            }
            (Class::Bits64, ByteOrder::Big) => {
                self.sift(
                    bytes,
                    from,
                    catch,
                    |word| u64::from_be_bytes(word).wrapping_sub(low) < span,
                    u64::from_be_bytes,
                );
            }
            (Class::Bits32, order) => {
                // What lies beyond 4 GiB no word of 32 bits can name.
                let Ok(low) = u32::try_from(low) else { return };
                let span = u32::try_from(span).unwrap_or(u32::MAX);
                let value = match order {
                    ByteOrder::Little => u32::from_le_bytes,
                    ByteOrder::Big => u32::from_be_bytes,
                };
                if order == ByteOrder::Little {
                    let within = |word| u32::from_le_bytes(word).wrapping_sub(low) < span;
                    self.sift(bytes, from, catch, within, |word| value(word).into());
                } else {
                    let within = |word| u32::from_be_bytes(word).wrapping_sub(low) < span;
                    self.sift(bytes, from, catch, within, |word| value(word).into());
                }
            }
        }
    }

    /// Takes the words of `bytes`, the first of which is at `from`, that are `within` the bounds.
    #[inline(always)]
    fn sift<const WIDTH: usize>(
        &self,
        bytes: &[u8],
        from: Address,
        catch: &mut N::Catch,
        within: impl Fn([u8; WIDTH]) -> bool + Copy,
        value: impl Fn([u8; WIDTH]) -> u64,
    ) {
        for (number, block) in bytes.chunks(BLOCK).enumerate() {
            let (words, _) = block.as_chunks::<WIDTH>();
            if !words.iter().fold(false, |any, word| any | within(*word)) {
                continue;
            }
            for (index, word) in words.iter().enumerate().filter(|(_, word)| within(**word)) {
                let behind = number.saturating_mul(BLOCK).saturating_add(index.saturating_mul(WIDTH));
                if let Some(at) = from.checked_add(behind as u64) {
                    self.net.take(catch, self.tag, at, value(*word));
                }
            }
        }
    }
}
