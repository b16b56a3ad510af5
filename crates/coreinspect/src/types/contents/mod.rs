//! Bytes in three states, for a decoder: read through a window, so that fields cost no system call each.

mod window;

pub use window::Window;

use crate::error::Error;
use crate::position::{Interval, Position, SegmentOffset};

/// The contract's word for offsets that no attachment covers.
pub const NOT_MAPPED: &str = "not-mapped";

/// Bytes of which some may be missing. What is missing is never read as zero.
pub trait Contents {
    /// The offset after the last byte, there or missing.
    fn end(&self) -> SegmentOffset;

    /// Copies bytes that are there, from `at` on; the count ends at the first that is missing.
    ///
    /// # Errors
    /// [`Error::Read`].
    fn read(&self, at: SegmentOffset, into: &mut [u8]) -> Result<usize, Error>;

    /// Whether the byte at `at` is there, and up to where the same holds.
    fn run(&self, at: SegmentOffset) -> Run;
}

/// `length` bytes of `contents` from `at` on; `None` for one that is missing.
pub fn bytes_with_gaps(contents: &dyn Contents, at: SegmentOffset, length: usize) -> Vec<Option<u8>> {
    let mut room = vec![0; length];
    let mut bytes = Vec::with_capacity(length);
    while let Some(rest) = room.get_mut(bytes.len()..).filter(|rest| !rest.is_empty()) {
        let place = at.checked_add(bytes.len() as u64);
        let count = place.and_then(|place| contents.read(place, rest).ok()).unwrap_or(0);
        let (there, behind) = rest.split_at(count.min(rest.len()));
        bytes.extend(there.iter().copied().map(Some));
        bytes.extend((!behind.is_empty()).then_some(None));
    }
    bytes
}

/// Bytes of which one thing is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The offset after the last one.
    pub until: SegmentOffset,
    /// Why they are missing; `None` if they are there.
    pub missing: Option<&'static str>,
}

/// Bytes that are all there.
impl Contents for &[u8] {
    fn end(&self) -> SegmentOffset {
        SegmentOffset::new(self.len() as u64)
    }

    fn read(&self, at: SegmentOffset, into: &mut [u8]) -> Result<usize, Error> {
        let from = usize::try_from(at.get()).ok().and_then(|at| self.get(at..)).unwrap_or_default();
        let count = from.len().min(into.len());
        if let (Some(into), Some(from)) = (into.get_mut(..count), from.get(..count)) {
            into.copy_from_slice(from);
        }
        Ok(count)
    }

    fn run(&self, at: SegmentOffset) -> Run {
        let end = Contents::end(self);
        match at < end {
            true => Run { until: end, missing: None },
            false => Run { until: SegmentOffset::new(u64::MAX), missing: Some(NOT_MAPPED) },
        }
    }
}

/// The bytes of `window` in runs as long as one thing holds of them: attachments and PT_LOADs that meet are one.
pub fn runs(
    contents: &dyn Contents,
    window: Interval<SegmentOffset>,
) -> impl Iterator<Item = (Interval<SegmentOffset>, Option<&'static str>)> + '_ {
    let mut at = window.start();
    std::iter::from_fn(move || {
        let start = at;
        let missing = contents.run(start).missing;
        while at < window.end() {
            let run = contents.run(at);
            if run.missing != missing {
                break;
            }
            at = run.until.max(at.checked_add(1)?).min(window.end());
        }
        let run = Interval::new(start, at).filter(|run| !run.is_empty())?;
        Some((run, missing))
    })
}
