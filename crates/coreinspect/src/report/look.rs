//! What bytes look like of which no layout is sure: `content.look`.

use serde::Serialize;

use super::text::{self, Hex, Text};
use crate::error::Error;
use crate::look::{self, Budget, Encoding, Surroundings, Texture};
use crate::shm;
use crate::targets::Target;
use crate::types;

/// A look at bytes of which no layout is sure. Strings, runs and counts are facts; all else is under `guesses`.
#[derive(Clone, Debug, Serialize)]
pub struct Look {
    /// Saved bytes of the segment.
    pub saved: u64,
    /// Those that it lacks, and `coreinspect fill` added: the segment has them too.
    #[serde(skip)]
    pub filled: u64,
    /// Those of them that were read for this: of a large segment its head, and blocks at even distances behind it.
    pub examined: u64,
    /// Examined bytes that are zero.
    pub zero: u64,
    /// Shannon entropy of the examined bytes, 0 to 8 bits a byte, blocks of 256 zeroes left out, to two places; null if
    /// there are no others.
    pub entropy: Option<f64>,
    /// Strings, by offset: ASCII, UTF-8, UTF-16.
    pub strings: Found<Str>,
    /// The longest runs of equal bytes, of 64 at least, by offset.
    pub runs: Found<Run>,
    /// What the bytes may be.
    pub guesses: Guesses,
}

/// The first of what was found, and how many more there are.
#[derive(Clone, Debug, Serialize)]
pub struct Found<T> {
    /// What is told.
    pub shown: Vec<T>,
    /// How many more were found.
    pub more: u64,
}

/// A string.
#[derive(Clone, Debug, Serialize)]
pub struct Str {
    /// Where it begins.
    pub offset: u64,
    /// Its bytes in the segment, without the NUL.
    pub length: u64,
    /// Its start, or all of it.
    pub text: String,
    /// "utf-8" (and ASCII) or "utf-16".
    pub encoding: &'static str,
    /// Whether a NUL ends it.
    pub terminated: bool,
}

/// Bytes that are all equal.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Run {
    /// The first offset.
    pub start: u64,
    /// The offset after the last.
    pub end: u64,
    /// Which byte it is.
    pub byte: u8,
}

/// What the bytes may be; each can be wrong.
#[derive(Clone, Debug, Serialize)]
pub struct Guesses {
    /// "nothing" (no byte is saved), "zero", "one-byte", "text", "sparse" (nine in ten bytes are zero), "mixed" or "random"
    /// (encrypted or compressed bytes look so too).
    pub texture: &'static str,
    /// The size of the words.
    pub word_size: Option<WordGuess>,
    /// Records of one length that follow each other.
    pub records: Option<RecordsGuess>,
    /// Words that count, by offset.
    pub counters: Found<CounterGuess>,
    /// Words that would be times, by offset.
    pub timestamps: Found<TimestampGuess>,
    /// Words that would be addresses, by offset.
    pub pointers: Found<PointerGuess>,
}

/// A size of words.
#[derive(Clone, Debug, Serialize)]
pub struct WordGuess {
    /// 2, 4 or 8 bytes.
    pub size: u8,
    /// What speaks for it.
    pub why: String,
}

/// Records of one length.
#[derive(Clone, Debug, Serialize)]
pub struct RecordsGuess {
    /// Bytes from one to the next.
    pub stride: u64,
    /// About where the first begins.
    pub start: u64,
    /// About where the last ends, as far as was looked.
    pub end: u64,
    /// How many fit there.
    pub count: u64,
    /// What speaks for it.
    pub why: String,
}

/// Where something stands, and how often at one distance.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Place {
    /// The first.
    pub offset: u64,
    /// Bytes of each.
    pub width: u64,
    /// How many.
    pub count: u64,
    /// Bytes from one to the next; null if there is only one.
    pub distance: Option<u64>,
}

/// Words that count.
#[derive(Clone, Debug, Serialize)]
pub struct CounterGuess {
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// The first value.
    pub first: u64,
    /// The last value.
    pub last: u64,
    /// What each adds to the one before it; null if that differs.
    pub step: Option<i64>,
    /// What speaks for it.
    pub why: String,
}

/// Words that would be times.
#[derive(Clone, Debug, Serialize)]
pub struct TimestampGuess {
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// What they would count since 1970: "s", "ms", "us", "ns", "float-s".
    pub unit: &'static str,
    /// The first, in UTC, as RFC 3339.
    pub first: Option<String>,
    /// The last; the same if there is only one.
    pub last: Option<String>,
    /// What speaks for it.
    pub why: String,
}

/// Words that would be addresses.
#[derive(Clone, Debug, Serialize)]
pub struct PointerGuess {
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// The address that the first one holds.
    pub value: Hex,
    /// The bits of it that are no part of the address; null for none.
    pub tag: Option<Hex>,
    /// What it would point at; the others of its column point at the same segment, file or kind.
    pub to: PointsTo,
    /// What speaks for it.
    pub why: String,
}

/// What an address points at.
#[derive(Clone, Debug, Serialize)]
pub struct PointsTo {
    /// "segment" (this one), "mapping" (a file, or another segment) or "memory" (without a name: heap, stack).
    pub kind: &'static str,
    /// The mapping's name.
    #[serde(flatten, with = "text::name")]
    pub name: Option<Text>,
    /// The offset in the segment or the file; null where the dump does not say.
    pub offset: Option<u64>,
}

impl Look {
    /// Looks at `segment`. `surroundings` are those of the same target, made once for all of its segments.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn of(
        target: &dyn Target,
        surroundings: &Surroundings<'_>,
        segment: &shm::Segment,
        budget: Budget,
    ) -> Result<Self, Error> {
        look::Look::of(target, surroundings, segment, budget).map(Self::from)
    }

    /// The same, if what the dump may cost has room for it.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn within<'s>(
        cost: &types::Budget,
        target: &dyn Target,
        surroundings: impl FnOnce() -> &'s Surroundings<'s>,
        segment: &shm::Segment,
        budget: Budget,
    ) -> Result<Option<Self>, Error> {
        if !cost.look(segment.saved().saturating_add(segment.filled()).min(budget.most())) {
            return Ok(None);
        }
        let look = Self::of(target, surroundings(), segment, budget)?;
        Ok(cost.keep(look.memory()).then_some(look))
    }

    /// Bytes of what it tells, beside itself.
    fn memory(&self) -> u64 {
        let Self { strings, runs, guesses, .. } = self;
        let Guesses { word_size, records, counters, timestamps, pointers, .. } = guesses;
        let texts = strings.shown.iter().map(|text| &text.text);
        let whys = [word_size.as_ref().map(|one| &one.why), records.as_ref().map(|one| &one.why)];
        let texts = texts.chain(whys.into_iter().flatten());
        let texts = texts.chain(counters.shown.iter().map(|one| &one.why));
        let texts = texts.chain(timestamps.shown.iter().map(|one| &one.why));
        let texts = texts.chain(timestamps.shown.iter().flat_map(|one| one.first.iter().chain(&one.last)));
        let texts = texts.chain(pointers.shown.iter().map(|one| &one.why)).map(String::capacity);
        let names = pointers.shown.iter().filter_map(|one| Some(one.to.name.as_ref()?.bytes().len()));
        let lists = [strings.bytes(), runs.bytes(), counters.bytes(), timestamps.bytes(), pointers.bytes()];
        // An allocation has a head, and more room than was asked for.
        let allocated = |bytes: usize| (bytes as u64).saturating_add(24);
        let all = texts.chain(names).chain(lists).map(allocated);
        all.fold(0, u64::saturating_add)
    }
}

impl From<look::Look> for Look {
    fn from(look: look::Look) -> Self {
        let texture = match look.texture {
            Texture::Nothing => "nothing",
            Texture::Zero => "zero",
            Texture::OneByte(_) => "one-byte",
            Texture::Text => "text",
            Texture::Sparse => "sparse",
            Texture::Mixed => "mixed",
            Texture::Random => "random",
        };
        Self {
            saved: look.saved,
            filled: look.filled,
            examined: look.examined,
            zero: look.zero,
            entropy: look.entropy.map(|entropy| (entropy * 100.0).round() / 100.0),
            strings: Found::of(look.strings),
            runs: Found::of(look.runs),
            guesses: Guesses {
                texture,
                word_size: look.word_size.map(|word| WordGuess { size: word.size, why: word.why }),
                records: look.records.map(|records| RecordsGuess {
                    stride: records.stride,
                    start: records.offsets.start().get(),
                    end: records.offsets.end().get(),
                    count: records.count,
                    why: records.why,
                }),
                counters: Found::of(look.counters),
                timestamps: Found::of(look.timestamps),
                pointers: Found::of(look.pointers),
            },
        }
    }
}

impl<T> Found<T> {
    fn bytes(&self) -> usize {
        self.shown.capacity().saturating_mul(size_of::<T>())
    }

    fn of<U: Into<T>>(found: look::Found<U>) -> Self {
        Self { shown: found.shown.into_iter().map(U::into).collect(), more: found.more }
    }
}

impl From<look::Text> for Str {
    fn from(text: look::Text) -> Self {
        Self {
            offset: text.offset.get(),
            length: text.length,
            text: String::from_utf8_lossy(&text.start).into_owned(),
            encoding: match text.encoding {
                Encoding::Utf8 => "utf-8",
                Encoding::Utf16 => "utf-16",
            },
            terminated: text.terminated,
        }
    }
}

impl From<look::Run> for Run {
    fn from(run: look::Run) -> Self {
        Self { start: run.offsets.start().get(), end: run.offsets.end().get(), byte: run.byte }
    }
}

impl From<look::Place> for Place {
    fn from(place: look::Place) -> Self {
        Self {
            offset: place.offset.get(),
            width: place.width,
            count: place.count,
            distance: (place.count > 1).then_some(place.distance),
        }
    }
}

impl From<look::Counter> for CounterGuess {
    fn from(counter: look::Counter) -> Self {
        let look::Counter { place, first, last, step, why } = counter;
        Self { place: place.into(), first, last, step, why }
    }
}

impl From<look::Timestamp> for TimestampGuess {
    fn from(time: look::Timestamp) -> Self {
        let utc = |(seconds, nanoseconds): (i64, u32)| {
            let nanoseconds = i32::try_from(nanoseconds).ok()?;
            Some(jiff::Timestamp::new(seconds, nanoseconds).ok()?.to_string())
        };
        Self {
            place: time.place.into(),
            unit: time.unit.name(),
            first: utc(time.first),
            last: utc(time.last),
            why: time.why,
        }
    }
}

impl From<look::Pointer> for PointerGuess {
    fn from(pointer: look::Pointer) -> Self {
        let (kind, name, offset) = match pointer.to {
            look::PointsTo::Segment(offset) => ("segment", None, Some(offset.get())),
            look::PointsTo::Mapping { name, offset } => ("mapping", Some(Text::new(name)), offset),
            look::PointsTo::Memory => ("memory", None, None),
        };
        Self {
            place: pointer.place.into(),
            value: pointer.value.into(),
            tag: super::pointer::tag(pointer.tag),
            to: PointsTo { kind, name, offset },
            why: pointer.why,
        }
    }
}
