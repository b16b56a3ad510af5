//! Words that would be times of this century.
//!
//! Most 4-byte numbers would be a second of it, and one in six 8-byte numbers a nanosecond: such words are told only where
//! others agree with them.

use std::collections::BTreeMap;

use super::Found;
use super::records::Records;
use super::series::{Place, series};
use crate::machine::ByteOrder;
use crate::position::SegmentOffset;

/// What a number counts since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TimeUnit {
    /// Seconds, in 4 bytes.
    Seconds32,
    /// Seconds, in 8 bytes (`time_t` of 64-bit targets).
    Seconds,
    /// Milliseconds, in 8 bytes.
    Milliseconds,
    /// Microseconds, in 8 bytes.
    Microseconds,
    /// Nanoseconds, in 8 bytes.
    Nanoseconds,
    /// Seconds, as an IEEE 754 double.
    Float,
}

/// A word, or a column of words, that would be a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timestamp {
    /// Where.
    pub place: Place,
    /// What it would count.
    pub unit: TimeUnit,
    /// The first: whole seconds since 1970, and nanoseconds.
    pub first: (i64, u32),
    /// The last; the same if there is only one.
    pub last: (i64, u32),
    /// What speaks for it.
    pub why: String,
}

#[derive(Clone, Copy, Debug)]
struct Candidate {
    offset: u64,
    unit: TimeUnit,
    nanoseconds: u64,
    /// Whether it would be text too.
    text: bool,
    /// Whether it is a round number, or stands next to random bytes.
    weak: bool,
}

/// What speaks against a word as a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Doubts {
    /// It would be text too.
    pub(super) text: bool,
    /// It stands next to random bytes.
    pub(super) noise: bool,
}

/// Candidates of one unit, in records of one column.
type Columns = BTreeMap<(TimeUnit, Option<u64>), Vec<Candidate>>;

/// Words that are in the range.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    found: Vec<Candidate>,
    /// 8-byte words with a high half: how many could have been in the range.
    large: u64,
    /// 8-byte words without one that are as large as seconds of 1978 to 2106, but of no time.
    rivals: u64,
}

/// More are not kept: a segment full of them is told by its first ones.
const MOST: usize = 1024;
const SECOND: u64 = 1_000_000_000;
const WEEK: u64 = 7 * 24 * 60 * 60 * SECOND;
const YEAR: u64 = 365 * 24 * 60 * 60 * SECOND;
/// 2000-01-01 and 2100-01-01.
const CENTURY: std::ops::Range<u64> = 946_684_800 * SECOND..4_102_444_800 * SECOND;
/// 2008-01-01 and 2050-01-01: floating point numbers of everyday size would be earlier seconds.
const DECADES: std::ops::Range<u64> = 1_199_145_600 * SECOND..2_524_608_000 * SECOND;

impl Candidates {
    /// Looks at an 8-byte word; answers whether it may be a time.
    pub(super) fn long(&mut self, offset: u64, word: u64, doubts: Doubts) -> bool {
        use TimeUnit::{Float, Microseconds, Milliseconds, Nanoseconds, Seconds};
        let high = word >> 32;
        if high == 0 {
            let seconds = word.saturating_mul(SECOND);
            if CENTURY.contains(&seconds) {
                // Four letters and a NUL.
                let text = word.to_be_bytes().iter().skip(4).all(u8::is_ascii_alphanumeric);
                return self.add(offset, Seconds, seconds, Doubts { text, ..doubts });
            }
            self.rivals = self.rivals.wrapping_add(u64::from(word >= 1 << 28));
            return false;
        }
        self.large = self.large.wrapping_add(u64::from(!doubts.text));
        // Two small numbers side by side are no time: the low half of a time is as good as random.
        if word >> 24 & 0xff == 0 {
            return false;
        }
        for (unit, each) in [(Milliseconds, 1_000_000), (Microseconds, 1_000), (Nanoseconds, 1)] {
            if let Some(nanoseconds) = word.checked_mul(each).filter(|time| CENTURY.contains(time)) {
                return self.add(offset, unit, nanoseconds, doubts);
            }
        }
        let seconds = f64::from_bits(word);
        if (946_684_800.0..4_102_444_800.0).contains(&seconds) {
            // A double of this size is good for a microsecond.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "of 2000 to 2100")]
            let microseconds = (seconds * 1e6) as u64;
            let nanoseconds = microseconds.saturating_mul(1_000);
            return self.add(offset, Float, nanoseconds, doubts);
        }
        false
    }

    /// Looks at a 4-byte word.
    pub(super) fn short(&mut self, offset: u64, word: u64, order: ByteOrder) {
        let nanoseconds = word.saturating_mul(SECOND);
        if DECADES.contains(&nanoseconds) {
            let is_text = |byte: &u8| matches!(byte, b' '..=b'~');
            let [.., a, b, c, d] = word.to_be_bytes();
            let bytes = if order == ByteOrder::Little { [d, c, b, a] } else { [a, b, c, d] };
            let last = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
            let text = bytes.iter().take(last).all(is_text);
            self.add(offset, TimeUnit::Seconds32, nanoseconds, Doubts { text, noise: false });
        }
    }

    fn add(&mut self, offset: u64, unit: TimeUnit, nanoseconds: u64, doubts: Doubts) -> bool {
        // 1,000,000,000 is a round number before it is 2001-09-09; 0x50000000 is one too.
        let (seconds, part) = (nanoseconds / SECOND, nanoseconds % SECOND);
        let round = part == 0 && (seconds % 100_000 == 0 || seconds % 0x1_0000 == 0);
        if self.found.len() < MOST {
            let Doubts { text, noise } = doubts;
            self.found.push(Candidate { offset, unit, nanoseconds, text, weak: round || noise });
        }
        true
    }

    /// Those that are more than chance, by offset.
    ///
    /// Times of one program lie close together, numbers that merely could be times all over the century. So the
    /// candidates of one unit, in records those of one column, are believed if most of them lie around their median.
    fn accepted(&self, records: Option<&Records>) -> Vec<Candidate> {
        let mut columns = Columns::new();
        for one in &self.found {
            let inside = records.filter(|records| records.around().contains(SegmentOffset::new(one.offset)));
            let column = inside.and_then(|records| one.offset.checked_rem(records.stride));
            columns.entry((one.unit, column)).or_default().push(*one);
        }
        // A few in a column are on their own; so are all where there are no records. In a column the others tell what a
        // doubtful one is, here nothing does.
        let fewest = records.map_or(0, |records| (records.count / 2).max(2));
        let is_alone =
            |column: Option<u64>, found: &[Candidate]| column.is_none() || (found.len() as u64) < fewest;
        let (alone, mut columns): (Columns, Columns) =
            columns.into_iter().partition(|((_, column), found)| is_alone(*column, found));
        for ((unit, _), found) in alone {
            let together = columns.entry((unit, None)).or_default();
            together.extend(found.into_iter().filter(|one| !one.text && !one.weak));
        }
        let mut accepted = Vec::new();
        for ((unit, column), candidates) in &columns {
            let mut times: Vec<_> = candidates.iter().map(|one| one.nanoseconds).collect();
            times.sort_unstable();
            // What is the same everywhere is no clock.
            if matches!(unit, TimeUnit::Seconds32 | TimeUnit::Nanoseconds) && times.first() == times.last() {
                continue;
            }
            let Some(median) = times.get(times.len() / 2) else { continue };
            let weak = matches!(unit, TimeUnit::Seconds32 | TimeUnit::Nanoseconds) && column.is_none();
            let distance = if weak { WEEK } else { YEAR };
            let close = |one: &&Candidate| one.nanoseconds.abs_diff(*median) <= distance;
            let count = candidates.iter().filter(close).count() as u64;
            let text = candidates.iter().filter(|one| one.text).count();
            if text.saturating_mul(5) >= candidates.len().saturating_mul(4) {
                continue;
            }
            let enough = if column.is_some() { fewest } else { self.fewest(*unit) };
            let plausible = *unit != TimeUnit::Seconds32 && count >= 3 || DECADES.contains(median);
            if count >= enough
                && count.saturating_mul(10) >= (times.len() as u64).saturating_mul(6)
                && plausible
            {
                accepted.extend(candidates.iter().filter(close).copied());
            }
        }
        accepted.sort_by_key(|one| one.offset);
        accepted
    }

    /// Those that are more than chance, by offset; and all their places.
    pub(super) fn told(&self, records: Option<&Records>, most: usize) -> (Found<Timestamp>, Vec<Place>) {
        let accepted = self.accepted(records);
        let placed = accepted.iter().map(|one| (one.offset, one.unit.width(), one.unit));
        let series = series(placed, records.map(|records| records.stride));
        let time = |offset: u64| {
            let at = accepted.partition_point(|one| one.offset < offset);
            let nanoseconds = accepted.get(at).map_or(0, |one| one.nanoseconds);
            let part = u32::try_from(nanoseconds % SECOND).unwrap_or(0);
            (i64::try_from(nanoseconds / SECOND).unwrap_or(0), part)
        };
        let alone = if accepted.len() == 1 { "" } else { "; others lie close to it" };
        let told = Found::first(&series, most, |(place, unit)| {
            let first = place.offset.get();
            let last = first.saturating_add(place.distance.saturating_mul(place.count.saturating_sub(1)));
            let why = format!("as {} since 1970{alone}", unit.words());
            Timestamp { place: *place, unit: *unit, first: time(first), last: time(last), why }
        });
        (told, series.into_iter().map(|(place, _)| place).collect())
    }

    /// How many of `unit` are more than chance among so many words.
    fn fewest(&self, unit: TimeUnit) -> u64 {
        // One in 64 at least, and many more than chance would bring: of all 8-byte words one in 5,800 would be microseconds
        // of this century, one in 960 a double of that size.
        let share = self.large.div_ceil(64);
        match unit {
            TimeUnit::Seconds32 | TimeUnit::Nanoseconds => 3_u64.max(self.large / 16),
            TimeUnit::Seconds => self.rivals.saturating_add(1),
            TimeUnit::Milliseconds | TimeUnit::Microseconds | TimeUnit::Float => share.max(1),
        }
    }
}

impl TimeUnit {
    /// Bytes of the word.
    pub fn width(self) -> u64 {
        if self == Self::Seconds32 { 4 } else { 8 }
    }

    /// The word of the JSON contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Seconds32 | Self::Seconds => "s",
            Self::Milliseconds => "ms",
            Self::Microseconds => "us",
            Self::Nanoseconds => "ns",
            Self::Float => "float-s",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Seconds32 => "4-byte seconds",
            Self::Seconds => "8-byte seconds",
            Self::Milliseconds => "8-byte milliseconds",
            Self::Microseconds => "8-byte microseconds",
            Self::Nanoseconds => "8-byte nanoseconds",
            Self::Float => "a double that counts seconds",
        }
    }
}
