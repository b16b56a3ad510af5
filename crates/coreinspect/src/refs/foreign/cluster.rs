//! Words of a segment that lead nowhere in this process, where they lie close together: within a window as long as the segment.

use std::collections::BTreeMap;

use super::super::kept::Kept;
use super::super::places::Places;
use super::super::scan;
use super::{LOWEST, offset_at};
use crate::machine::Class;
use crate::position::{Address, Position, SegmentOffset};
use crate::shm::Segment;
use crate::targets::Target;

/// How far from this process's own attachment another process can have the segment: mmap_base moves by at most
/// vm.mmap_rnd_bits pages, 32 bits on x86-64 (arch/x86/Kconfig, ARCH_MMAP_RND_BITS_MAX), and on both sides.
const REACH_64: u64 = 1 << 45;
/// The same of 32-bit programs: 16 bits of pages.
const REACH_32: u64 = 1 << 28;
/// In 8 bytes a number below 4 GiB is more often a count than an address.
const LOWEST_64: u64 = 1 << 32;
/// Beyond the address space of every program: 64-bit ones are given no more than 47 or 48 bits unless they ask for it, and the
/// last 64 KiB of 32 bits are small negative numbers.
const HIGHEST_64: u64 = 1 << 48;
const HIGHEST_32: u64 = 0xffff_0000;
/// Windows that are told apart, and words that are kept of each. Bytes at random can name many windows.
const MOST_WINDOWS: usize = 2048;
const MOST_KEPT: usize = 128;
/// Words that must agree, however unlikely chance is.
const FEWEST: u64 = 4;
/// The logarithm of how likely chance may be to do the same: one in a billion.
const UNLIKELY: f64 = -20.7;

/// What is sought: words by windows of addresses.
pub(super) struct Clusters<'p, 't> {
    places: &'p Places<'t>,
    bounds: (u64, u64),
    /// Log2 of the bytes of a window; the segment fits into one.
    window: u32,
    /// Bytes of a word.
    width: u64,
    /// Bytes of a page: 4096 where the dump does not say.
    page: u64,
}

/// What one thread found, by window.
#[derive(Default)]
pub(super) struct Found(BTreeMap<u64, Window>);

struct Window {
    /// Words that could be addresses of structs, since they are multiples of a word.
    aligned: u64,
    odd: u64,
    kept: Kept<(u64, usize)>,
}

/// A word and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Word {
    pub(super) value: Address,
    pub(super) offset: SegmentOffset,
}

/// Words that agree, as far as being close together tells: some of them, by value.
pub(super) struct Cluster {
    pub(super) words: Vec<Word>,
    /// Bytes of a page.
    pub(super) page: u64,
}

impl<'p, 't> Clusters<'p, 't> {
    pub(super) fn new(target: &dyn Target, places: &'p Places<'t>, segment: &Segment) -> Self {
        let machine = target.identity().machine;
        let (reach, lowest, highest) = match machine.class {
            Class::Bits64 => (REACH_64, LOWEST_64, HIGHEST_64),
            Class::Bits32 => (REACH_32, LOWEST, HIGHEST_32),
        };
        let own = |end: fn(&crate::shm::Attachment) -> Address| segment.attachments.iter().map(end);
        let low =
            own(crate::shm::Attachment::start).min().map_or(lowest, |low| low.get().saturating_sub(reach));
        let high = own(crate::shm::Attachment::end).max().map_or(0, |high| high.get().saturating_add(reach));
        let (low, high) = (low.max(lowest), high.min(highest));
        let window = segment.end().get().max(4096).checked_next_power_of_two().unwrap_or(1 << 63);
        Self {
            places,
            bounds: (low, high.saturating_sub(low)),
            window: window.trailing_zeros(),
            width: machine.class.long() as u64,
            page: target.identity().page_size.filter(|size| size.is_power_of_two()).unwrap_or(4096),
        }
    }
}

impl scan::Net for Clusters<'_, '_> {
    type Catch = Found;

    fn bounds(&self) -> (u64, u64) {
        self.bounds
    }

    fn begin(&self) -> Found {
        Found::default()
    }

    fn take(&self, catch: &mut Found, tag: usize, at: Address, value: u64) {
        if self.places.at(Address::new(value)).is_some() {
            return;
        }
        if let Some(window) = catch.window(value >> self.window) {
            if value.is_multiple_of(self.width) {
                window.aligned = window.aligned.saturating_add(1);
                window.kept.add(at, (value, tag));
            } else {
                window.odd = window.odd.saturating_add(1);
            }
        }
    }
}

impl Found {
    fn window(&mut self, number: u64) -> Option<&mut Window> {
        let room = self.0.len() < MOST_WINDOWS || self.0.contains_key(&number);
        let new = || Window { aligned: 0, odd: 0, kept: Kept::new(MOST_KEPT) };
        room.then(|| self.0.entry(number).or_insert_with(new))
    }

    pub(super) fn absorb(&mut self, other: Self) {
        for (number, more) in other.0 {
            if let Some(window) = self.window(number) {
                window.aligned = window.aligned.saturating_add(more.aligned);
                window.odd = window.odd.saturating_add(more.odd);
                window.kept.absorb(more.kept);
            }
        }
    }
}

impl Cluster {
    /// The largest of `found`, if chance hardly makes one so large.
    pub(super) fn largest(found: Found, net: &Clusters<'_, '_>, segment: &Segment) -> Option<Self> {
        let all = found.0.values().fold(0_u64, |sum, window| sum.saturating_add(window.aligned));
        let sum = |number: u64, of: fn(&Window) -> u64| {
            let next = number.checked_add(1).and_then(|next| found.0.get(&next));
            found.0.get(&number).into_iter().chain(next).map(of).fold(0_u64, u64::saturating_add)
        };
        let best = found.0.keys().copied().max_by_key(|number| sum(*number, |window| window.aligned))?;
        // What is seldom a multiple of a word is text, or numbers.
        if sum(best, |window| window.odd).saturating_mul(3) > sum(best, |window| window.aligned) {
            return None;
        }
        let mut words = Vec::new();
        for (_, window) in found.0.into_iter().filter(|(number, _)| number.wrapping_sub(best) < 2) {
            words.extend(window.kept.into_sorted(MOST_KEPT).into_iter().filter_map(|(at, (value, tag))| {
                Some(Word { value: Address::new(value), offset: offset_at(segment, at, tag)? })
            }));
        }
        words.sort_unstable();
        let words = densest(words, segment.end().get());
        let mut values: Vec<_> = words.iter().map(|word| word.value).collect();
        values.dedup();
        let agree = values.len() as u64;
        let page = net.page;
        (agree >= FEWEST && is_unlikely(agree, all, net, segment)).then_some(Self { words, page })
    }

    /// The lowest and the highest value.
    pub(super) fn values(&self) -> Option<(Address, Address)> {
        Some((self.words.first()?.value, self.words.last()?.value))
    }
}

/// Those of `words`, by value, that lie within a window of `length` bytes, where most do.
fn densest(words: Vec<Word>, length: u64) -> Vec<Word> {
    let (mut best, mut first) = (0..0, 0_usize);
    for (at, word) in words.iter().enumerate() {
        let far = |first: &Word| word.value.offset_from(first.value).is_none_or(|behind| behind >= length);
        while words.get(first).is_some_and(far) {
            first = first.saturating_add(1);
        }
        let end = at.saturating_add(1);
        if end.saturating_sub(first) > best.len() {
            best = first..end;
        }
    }
    words.get(best).unwrap_or_default().to_vec()
}

/// Whether `all` words at random would hardly have `agree` of them in one window of the segment's length: by Poisson's law, the
/// expected number of such windows is below one in a billion.
#[allow(clippy::cast_precision_loss, reason = "an estimate")]
fn is_unlikely(agree: u64, all: u64, net: &Clusters<'_, '_>, segment: &Segment) -> bool {
    let windows = (net.bounds.1 as f64 / segment.end().get().max(1) as f64).max(1.0);
    let expected = all as f64 / windows;
    let factorial: f64 = (1..=agree).map(|number| (number as f64).ln()).sum();
    // Above what is expected in any case the law's first factor no longer bounds it.
    agree as f64 > 3.0 * expected && windows.ln() + agree as f64 * expected.ln() - factorial < UNLIKELY
}
