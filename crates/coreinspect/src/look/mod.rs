//! What can be said of bytes of which no layout is sure: facts (strings, runs of equal bytes, how much is zero) and
//! guesses (word size, records, counters, timestamps, pointers), each with its reason.
//!
//! A wrong guess costs more than a missing one: bytes that look random earn none, and what chance alone would bring
//! about is not told. One pass over a bounded part of the segment, in bounded memory: [`Budget`].

mod chunk;
mod counters;
mod paths;
mod pointers;
mod reading;
mod records;
mod runs;
mod series;
mod strings;
mod times;
mod utf16;
mod words;

pub(crate) use chunk::Texture;
pub(crate) use counters::Counter;
pub use paths::Extensive;
pub(crate) use paths::{Clue, KnownPaths};
pub use pointers::Surroundings;
pub(crate) use pointers::{Pointer, PointsTo};
pub use reading::Budget;
pub(crate) use records::Records;
pub(crate) use runs::Run;
pub(crate) use series::Place;
pub(crate) use strings::{Encoding, Text};
pub(crate) use times::Timestamp;
pub(crate) use words::WordSize;

use crate::error::Error;
use crate::position::SegmentOffset;
use crate::shm::Segment;
use crate::targets::Target;

/// What a segment's bytes look like.
#[derive(Clone, Debug)]
pub struct Look {
    /// Saved bytes of the segment.
    pub saved: u64,
    /// Those that the dump lacks, and `coreinspect fill` added.
    pub filled: u64,
    /// Those of both that were read for this.
    pub examined: u64,
    /// Examined bytes that are zero.
    pub zero: u64,
    /// What the examined bytes are like as a whole.
    pub texture: Texture,
    /// Shannon entropy in bits a byte (0 to 8), blocks of 256 zeroes not counted; `None` if there is nothing else.
    pub entropy: Option<f64>,
    /// Strings, by offset.
    pub strings: Found<Text>,
    /// The longest runs of equal bytes, of 64 bytes at least, by offset.
    pub runs: Found<Run>,
    /// The size of the words that the bytes seem to be made of.
    pub word_size: Option<WordSize>,
    /// Records of one length that follow each other.
    pub records: Option<Records>,
    /// Words that count up, by offset.
    pub counters: Found<Counter>,
    /// Words that would be times of this century, by offset.
    pub timestamps: Found<Timestamp>,
    /// Words that would point at something, by offset.
    pub pointers: Found<Pointer>,
}

/// The first of what was found, and how many more there are.
#[derive(Clone, Debug)]
pub struct Found<T> {
    /// What is told.
    pub shown: Vec<T>,
    /// How many more were found.
    pub more: u64,
}

impl<T> Default for Found<T> {
    fn default() -> Self {
        Self { shown: Vec::new(), more: 0 }
    }
}

impl<T> Found<T> {
    /// The first `most` of `all`, as `told` tells them.
    fn first<U>(all: &[U], most: usize, told: impl Fn(&U) -> T) -> Self {
        let shown: Vec<T> = all.iter().take(most).map(told).collect();
        let more = all.len().saturating_sub(shown.len()) as u64;
        Self { shown, more }
    }
}

impl Look {
    /// Looks at `segment`, as far as `budget` goes. `surroundings` are those of the same target.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn of(
        target: &dyn Target,
        surroundings: &Surroundings<'_>,
        segment: &Segment,
        budget: Budget,
    ) -> Result<Self, Error> {
        let machine = target.identity().machine;
        let mut bytes = chunk::Bytes::default();
        let mut runs = runs::Runs::new(budget.shown);
        let mut strings = strings::Strings::new(machine, budget);
        let mut words = words::Words::new(machine, surroundings, segment);
        let mut sample = records::Sample::new(budget.sample);
        let mut next = SegmentOffset::new(0);
        let examined = reading::read(target, segment, budget, |offset, block| {
            if offset != next {
                runs.gap();
                strings.gap();
            }
            let mut at = offset.get();
            for chunk in chunk::chunks(at, block) {
                let grain = bytes.add(chunk);
                runs.add(at, chunk, grain);
                strings.add(at, chunk, grain);
                words.add(at, chunk, grain);
                sample.add(at, chunk, grain);
                at = at.saturating_add(chunk.len() as u64);
            }
            next = SegmentOffset::new(at);
        })?;
        runs.gap();
        strings.gap();
        let (texture, entropy) = (bytes.texture(strings.covered()), bytes.entropy());
        let guessing = texture != Texture::Random;
        let word_size = words.size().filter(|_| guessing);
        let array = sample.counting_array(machine);
        let records = if guessing && array.is_none() { sample.records() } else { None };
        let stride = records.as_ref().map(|records| records.stride);
        let (pointers, pointing) = words.pointers().told(guessing, stride, budget.shown);
        let clocks = guessing && array.is_none() && texture != Texture::Text;
        let told = || words.times().told(records.as_ref(), budget.shown);
        let (timestamps, ticking) = if clocks { told() } else { Default::default() };
        let taken = |offset: u64| pointing.iter().chain(&ticking).any(|place| place.covers(offset));
        let size = word_size.as_ref().map(|word| word.size);
        let counters = match (array, &records) {
            (Some(array), _) => vec![array],
            (None, Some(records)) => sample.counters(machine, records, size, taken),
            (None, None) => Vec::new(),
        };
        Ok(Self {
            saved: segment.saved(),
            filled: segment.filled(),
            examined,
            zero: bytes.zero(),
            texture,
            entropy,
            strings: strings.found(!guessing),
            runs: runs.found(),
            word_size,
            records,
            counters: Found::first(&counters, budget.shown, Counter::clone),
            timestamps,
            pointers,
        })
    }
}
