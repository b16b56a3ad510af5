//! The search itself: block by block at the speed of memory, however large the segment is.

use memchr::memmem::Finder;

use super::Pattern;
use crate::error::Error;
use crate::position::{Interval, Position, SegmentOffset};
use crate::types::contents::{Contents, runs};

/// Bytes that are read at a time.
const BLOCK: usize = 256 << 10;

/// A place where a pattern stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Its bytes.
    pub offsets: Interval<SegmentOffset>,
    /// Which of the patterns.
    pub pattern: usize,
}

/// What a search found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The first hits, by offset; hits may overlap.
    pub hits: Vec<Hit>,
    /// How many hits there are.
    pub total: u64,
    /// Bytes that were searched.
    pub searched: u64,
    /// What was not, and why: the words of [`Dumped::reason`](crate::memory::Dumped::reason), or "not-mapped".
    pub not_searched: Vec<(Interval<SegmentOffset>, &'static str)>,
}

/// Every place in `window` where one of `patterns` stands, also where hits overlap; the first `most` are kept, all are
/// counted. A hit's bytes are all saved.
///
/// # Errors
/// [`Error::Read`].
pub fn search(
    contents: &dyn Contents,
    patterns: &[Pattern],
    window: Interval<SegmentOffset>,
    most: usize,
) -> Result<Found, Error> {
    let mut search = Search::new(patterns, most);
    for (run, missing) in runs(contents, window) {
        match missing {
            Some(reason) => search.found.not_searched.push((run, reason)),
            None => search.run(contents, run)?,
        }
    }
    Ok(search.found)
}

/// A pattern, and how it is found: by its longest part without a byte that may be any.
struct Needle {
    bytes: Vec<Option<u8>>,
    finder: Finder<'static>,
    /// Where that part stands in the pattern.
    anchor: usize,
    whole: bool,
    ignore_case: bool,
    alignment: u64,
    /// The byte that the pattern repeats, if it is one.
    repeats: Option<u8>,
}

impl Needle {
    fn of(pattern: &Pattern) -> Self {
        let bytes = pattern.bytes.clone();
        let (mut anchor, mut part) = (0, Vec::new());
        let mut start = 0_usize;
        for stretch in bytes.split(Option::is_none) {
            if stretch.len() > part.len() {
                (anchor, part) = (start, stretch.iter().copied().flatten().collect());
            }
            start = start.saturating_add(stretch.len()).saturating_add(1);
        }
        let first = part.first().copied();
        let whole = part.len() == bytes.len();
        let repeats = first.filter(|first| whole && part.iter().all(|byte| byte == first));
        Self {
            finder: Finder::new(&part).into_owned(),
            anchor,
            whole,
            ignore_case: pattern.ignore_case,
            alignment: pattern.alignment.max(1),
            repeats,
            bytes,
        }
    }

    fn stands_at(&self, at: usize, block: &[u8]) -> bool {
        let there = block.get(at..).and_then(|rest| rest.get(..self.bytes.len()));
        there.is_some_and(|there| {
            self.whole
                || self.bytes.iter().zip(there).all(|(wanted, byte)| wanted.is_none_or(|one| one == *byte))
        })
    }
}

struct Search {
    needles: Vec<Needle>,
    /// Bytes that a block hands on to the next: the longest pattern's, but one.
    overlap: usize,
    most: usize,
    found: Found,
    block: Vec<u8>,
    lower: Vec<u8>,
}

impl Search {
    fn new(patterns: &[Pattern], most: usize) -> Self {
        let needles: Vec<_> = patterns.iter().map(Needle::of).collect();
        let longest = needles.iter().map(|needle| needle.bytes.len()).max().unwrap_or(1);
        let overlap = longest.saturating_sub(1);
        Self { needles, overlap, most, found: Found::default(), block: Vec::new(), lower: Vec::new() }
    }

    /// Searches bytes that are all there.
    fn run(&mut self, contents: &dyn Contents, run: Interval<SegmentOffset>) -> Result<(), Error> {
        let mut block = std::mem::take(&mut self.block);
        block.resize(BLOCK.saturating_add(self.overlap), 0);
        // The offset of the block's first byte, and how many of its bytes the block before had.
        let (mut start, mut kept) = (run.start(), 0_usize);
        while let Some(at) = start.checked_add(kept as u64) {
            let left = usize::try_from(run.end().offset_from(at).unwrap_or(0)).unwrap_or(usize::MAX);
            let wanted = left.min(block.len().saturating_sub(kept));
            let room = block.get_mut(kept..kept.saturating_add(wanted)).unwrap_or_default();
            let count = contents.read(at, room)?;
            self.found.searched = self.found.searched.saturating_add(count as u64);
            let filled = kept.saturating_add(count);
            let last = count < wanted || count == left;
            // What begins in the last bytes is found in the next block, whole.
            let begins = if last { filled } else { filled.saturating_sub(self.overlap) };
            self.block(block.get(..filled).unwrap_or_default(), begins, start);
            if last {
                // The target has fewer bytes than it said: a file that became shorter, a process that ended.
                let unread = at.checked_add(count as u64).and_then(|end| Interval::new(end, run.end()));
                let unread = unread.filter(|unread| !unread.is_empty());
                self.found.not_searched.extend(unread.map(|unread| (unread, "not-readable")));
                break;
            }
            block.copy_within(begins..filled, 0);
            kept = filled.saturating_sub(begins);
            start = start.checked_add(begins as u64).unwrap_or(run.end());
        }
        self.block = block;
        Ok(())
    }

    /// Finds what begins in the first `begins` bytes of `block`, which has the offset `start`.
    fn block(&mut self, block: &[u8], begins: usize, start: SegmentOffset) {
        if self.needles.iter().any(|needle| needle.ignore_case) {
            self.lower.clear();
            self.lower.extend_from_slice(block);
            self.lower.make_ascii_lowercase();
        }
        let mut hits = Vec::new();
        let room = self.most.saturating_sub(self.found.hits.len());
        for (pattern, needle) in self.needles.iter().enumerate() {
            let block = if needle.ignore_case { self.lower.as_slice() } else { block };
            let length = needle.bytes.len();
            let mut kept = 0_usize;
            let mut hit = |at: usize| {
                self.found.total = self.found.total.saturating_add(1);
                let Some(at) = start.checked_add(at as u64) else { return };
                if kept < room {
                    kept = kept.saturating_add(1);
                    hits.push(Hit { offsets: Interval::clamped(at, length as u64), pattern });
                }
            };
            let aligned = |at: usize| {
                needle.alignment == 1
                    || start.get().saturating_add(at as u64).is_multiple_of(needle.alignment)
            };
            let mut next = needle.anchor;
            while let Some(found) = block.get(next..).and_then(|rest| needle.finder.find(rest)) {
                let at = next.saturating_add(found).saturating_sub(needle.anchor);
                if at >= begins {
                    break;
                }
                // A run of one byte holds a hit at each of its bytes: it is passed over in one go.
                let more = match needle.repeats {
                    Some(byte) => {
                        let rest = block.get(at.saturating_add(length)..).unwrap_or_default();
                        rest.iter().position(|other| *other != byte).unwrap_or(rest.len())
                    }
                    None => 0,
                };
                let last = at.saturating_add(more);
                for at in (at..=last).take_while(|at| *at < begins).filter(|at| aligned(*at)) {
                    if needle.stands_at(at, block) {
                        hit(at);
                    }
                }
                next = last.saturating_add(needle.anchor).saturating_add(1);
            }
        }
        hits.sort_by_key(|hit| (hit.offsets.start(), hit.pattern));
        hits.truncate(room);
        self.found.hits.append(&mut hits);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::{ByteOrder, Class, Machine};
    use crate::search::Reading;

    /// Truth by the dullest means: every offset is tried.
    #[test]
    fn a_search_agrees_with_a_comparison_at_every_offset() {
        let machine = Machine { number: 62, class: Class::Bits64, byte_order: ByteOrder::Little };
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut random = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        // Few different bytes, so that hits are many and overlap; two blocks and a bit.
        let bytes: Vec<u8> = (0..2 * BLOCK + 77).map(|_| b"aaaab\0"[(random() % 6) as usize]).collect();
        let contents = bytes.as_slice();
        for (words, ignore_case, aligned) in [
            (vec!["aa"], false, false),
            (vec!["aaaa", "ba", "hex:61??62"], false, false),
            (vec!["AAAAAAAA", "b"], true, false),
            (vec!["u32:0x61616161"], false, true),
            (vec!["hex:??00??"], false, false),
        ] {
            let reading = Reading { machine, utf16: false, ignore_case, aligned };
            let patterns: Vec<_> =
                words.iter().map(|word| Pattern::read(word.as_bytes(), reading).unwrap()).collect();
            let mut expected = Vec::new();
            for at in 0..bytes.len() {
                for (number, pattern) in patterns.iter().enumerate() {
                    let fits = bytes.get(at..at + pattern.bytes.len()).is_some_and(|there| {
                        there
                            .iter()
                            .zip(&pattern.bytes)
                            .all(|(byte, wanted)| wanted.is_none_or(|w| w == *byte))
                    });
                    if fits && (at as u64).is_multiple_of(pattern.alignment) {
                        expected.push((at as u64, number));
                    }
                }
            }
            let window = Interval::clamped(SegmentOffset::new(0), bytes.len() as u64);
            let found = search(&contents, &patterns, window, usize::MAX).unwrap();
            let hits: Vec<_> =
                found.hits.iter().map(|hit| (hit.offsets.start().get(), hit.pattern)).collect();
            assert!(hits == expected, "{words:?}: {} of {}", hits.len(), expected.len());
            assert_eq!((found.total, found.searched), (hits.len() as u64, bytes.len() as u64));
            let few = search(&contents, &patterns, window, 10).unwrap();
            assert_eq!((few.hits.as_slice(), few.total), (&found.hits[..10], found.total));
        }
    }
}
