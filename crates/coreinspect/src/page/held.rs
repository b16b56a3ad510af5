//! How much of segments dumps hold.

use super::text;
use crate::report::Segment;

/// Segments by how much of them the dumps hold.
#[derive(Debug, Default)]
pub(super) struct Held {
    whole: usize,
    in_part: usize,
    absent: usize,
}

impl Held {
    /// Those of a dump.
    pub(super) fn of(segments: &[Segment]) -> Self {
        let mut held = Self::default();
        held.add(segments);
        held
    }

    /// Adds those of the next dump.
    pub(super) fn add(&mut self, segments: &[Segment]) {
        for segment in segments {
            let count = match (segment.saved, segment.saved >= segment.mapped) {
                (0, _) => &mut self.absent,
                (_, true) => &mut self.whole,
                _ => &mut self.in_part,
            };
            *count = count.saturating_add(1);
        }
    }

    fn all(&self) -> usize {
        self.whole.saturating_add(self.in_part).saturating_add(self.absent)
    }

    /// Whether nothing is missing.
    pub(super) fn is_whole(&self) -> bool {
        self.whole == self.all()
    }

    /// Whether no byte was saved.
    pub(super) fn is_absent(&self) -> bool {
        self.absent == self.all()
    }

    /// `3 segments: 2 whole, 1 in part`; `None` of no segment.
    pub(super) fn words(&self) -> Option<String> {
        let all = self.all();
        let parts = [(self.whole, "whole"), (self.in_part, "in part"), (self.absent, "not saved")];
        let parts =
            parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
        let parts = parts.collect::<Vec<_>>().join(", ");
        (all > 0).then(|| format!("{}: {parts}", text::count(all, "segment")))
    }
}
