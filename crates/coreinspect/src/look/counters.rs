//! Words that count up or down from record to record.

use super::records::{Records, Sample};
use super::series::Place;
use super::words::number;
use crate::machine::Machine;
use crate::position::SegmentOffset;

/// A column of words that count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counter {
    /// Where.
    pub place: Place,
    /// The first value.
    pub first: u64,
    /// The last value.
    pub last: u64,
    /// What each adds to the one before it; `None` if that differs.
    pub step: Option<i64>,
    /// What speaks for it.
    pub why: String,
}

/// Values that go on in equal steps.
const FEWEST: u64 = 6;
/// Values that merely grow: 1 in 12! is chance.
const FEWEST_GROWING: u64 = 12;
/// Larger numbers are something else: addresses, floating point numbers, hashes.
const LARGEST: u64 = 1 << 48;
const LARGEST_STEP: u64 = 1 << 32;

impl Sample {
    /// The words of an array that counts: nearly all of the sample, one next to the other.
    pub(super) fn counting_array(&self, machine: Machine) -> Option<Counter> {
        let filled = self.bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64);
        let found = [8, 4, 2]
            .into_iter()
            .filter_map(|width| self.column(machine, 0..u64::MAX, 0, width, width, false));
        found.max_by_key(|counter| counter.place.count.saturating_mul(counter.place.width)).filter(
            |counter| {
                counter.place.count.saturating_mul(counter.place.width) >= (filled / 4).saturating_mul(3)
            },
        )
    }

    /// Columns of `records` that count, but for those of which `taken` says that they are something else.
    pub(super) fn counters(
        &self,
        machine: Machine,
        records: &Records,
        word_size: Option<u8>,
        taken: impl Fn(u64) -> bool,
    ) -> Vec<Counter> {
        let stride = records.stride;
        let inside = |offset: SegmentOffset| offset.get().saturating_sub(self.start);
        let around = records.around();
        let around = inside(around.start())..inside(around.end());
        let mut found = Vec::new();
        let mut skip = None;
        for column in (0..stride).step_by(4) {
            if skip.take() == Some(column) {
                continue;
            }
            let steady_or_growing = |width: u64| {
                let column = |varies| self.column(machine, around.clone(), column, stride, width, varies);
                let enough = |counter: &Counter| counter.place.count >= records.count / 2;
                let counter = column(false).or_else(|| column(true)).filter(enough);
                counter.filter(|counter| !taken(counter.place.offset.get()))
            };
            let wide = column.is_multiple_of(8) && stride.is_multiple_of(8) && word_size != Some(4);
            let wide = wide.then(|| steady_or_growing(8)).flatten();
            if wide.is_some() {
                skip = column.checked_add(4);
            }
            found.extend(wide.or_else(|| steady_or_growing(4)));
        }
        found.sort_by_key(|counter| counter.place.offset);
        found
    }

    /// The longest run of words of `width` bytes at `column`, `column + stride`, ... in `range` of the sample that go on in
    /// equal steps, or with `varies` in steps up.
    fn column(
        &self,
        machine: Machine,
        range: std::ops::Range<u64>,
        column: u64,
        stride: u64,
        width: u64,
        varies: bool,
    ) -> Option<Counter> {
        let value = |at: u64| {
            let at = usize::try_from(at).ok()?;
            let bytes = self.bytes.get(at..at.checked_add(usize::try_from(width).ok()?)?)?;
            let text = bytes.iter().filter(|byte| matches!(byte, b' '..=b'~')).count();
            Some((number(bytes, machine.byte_order), text >= if varies { 2 } else { 3 }))
        };
        let mut best: Option<Counter> = None;
        let first = range.start.next_multiple_of(stride).saturating_add(column);
        // The column may have a word before the first multiple of the stride.
        let mut at = first.checked_sub(stride).filter(|before| *before >= range.start).unwrap_or(first);
        let mut run: Option<Run> = None;
        while let Some((next, text)) = value(at).filter(|_| range.contains(&at)) {
            let going_on = run.as_mut().is_some_and(|run| !text && run.add(next, varies));
            if !going_on {
                let begun = |at: u64, value: u64| {
                    let offset = SegmentOffset::new(self.start.saturating_add(at));
                    let place = Place { offset, count: 1, distance: stride, width };
                    Run { place, first: value, last: value, step: None, steady: true }
                };
                let before = run.take();
                keep(&mut best, before, width);
                // The last value of a run may be the first of the next: 9, 7, 8, 9, 10.
                let with_last = before.filter(|before| before.place.count > 1).and_then(|before| {
                    let mut run = begun(at.saturating_sub(stride), before.last);
                    run.add(next, varies).then_some(run)
                });
                run = (!text && next < LARGEST).then(|| with_last.unwrap_or_else(|| begun(at, next)));
            }
            at = at.checked_add(stride)?;
        }
        keep(&mut best, run, width);
        best
    }
}

/// Values that count, while they are read.
#[derive(Clone, Copy, Debug)]
struct Run {
    place: Place,
    first: u64,
    last: u64,
    step: Option<i64>,
    steady: bool,
}

impl Run {
    /// Takes the next value; `false` if it does not go on with the count.
    fn add(&mut self, next: u64, varies: bool) -> bool {
        let step = i128::from(next).saturating_sub(i128::from(self.last));
        let fits = next < LARGEST && step != 0 && step.unsigned_abs() < u128::from(LARGEST_STEP);
        let Some(step) = i64::try_from(step).ok().filter(|_| fits) else { return false };
        match self.step {
            None => self.step = Some(step),
            Some(before) if before == step => {}
            Some(before) if varies && before > 0 && step > 0 => {
                (self.steady, self.step) = (false, Some(step))
            }
            Some(_) => return false,
        }
        self.last = next;
        self.place.count = self.place.count.saturating_add(1);
        true
    }

    /// Whether smaller words make it up: 2, 3 and 4, 5 in halves of words also go on in equal steps.
    fn is_of_smaller_words(&self, width: u64) -> bool {
        let step = self.step.unwrap_or(0).unsigned_abs();
        let halves = |bits: u32, mask: u64| step > mask && step >> bits & mask == step & mask;
        let pairs = halves(16, 0xffff) || halves(8, 0xff);
        // A high half that is the same in all is a field of its own.
        let half = width == 8 && self.first >> 32 == self.last >> 32 && self.first >> 32 != 0;
        pairs || half
    }
}

fn keep(best: &mut Option<Counter>, run: Option<Run>, width: u64) {
    let Some(run) = run else { return };
    let fewest = if run.steady { FEWEST } else { FEWEST_GROWING };
    let longer = best.as_ref().is_none_or(|best| run.place.count > best.place.count);
    if run.place.count < fewest || !longer || run.is_of_smaller_words(width) {
        return;
    }
    let (count, distance) = (run.place.count, run.place.distance);
    let how = match run.step.filter(|_| run.steady) {
        Some(step) => format!("change by {step} each"),
        None => "grow".to_owned(),
    };
    let why = format!("{count} words of {width} bytes, {distance} bytes apart, {how}");
    *best = Some(Counter {
        place: run.place,
        first: run.first,
        last: run.last,
        step: run.step.filter(|_| run.steady),
        why,
    });
}
