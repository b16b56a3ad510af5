//! Several dumps in one run: which segments they share, and which copies differ.
//!
//! The dumps are read one after the other, and again for the segments that more than one has: of each copy digests of its
//! blocks are kept, so that memory does not grow with a thousand dumps. The copies that most dumps do not have are then
//! compared byte by byte with one that they do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Context, Failure, dumps};
use crate::diff::{Versions, compare};
use crate::layout::SegmentContents;
use crate::position::SegmentOffset;
use crate::report::{Dump, Gathered, Options, Shared, SharedSegment};
use crate::shm::Segment;
use crate::source::Amount;
use crate::targets::Target;

/// Copies that are compared byte by byte; of more it is only told that they differ.
const MOST_COMPARED: usize = 64;
/// Segments whose copies' digests are kept at a time: 512 KiB a copy, of which 16 can differ.
const AT_A_TIME: usize = 8;

/// Dumps of one run, as they are read.
#[derive(Debug, Default)]
pub(super) struct CrossView {
    paths: Vec<PathBuf>,
    gathered: Gathered,
}

impl CrossView {
    /// Adds a dump that was read.
    pub(super) fn add(&mut self, path: &Path, dump: &Dump) {
        self.paths.push(path.to_owned());
        self.gathered.add(dump);
    }

    /// Compares the copies of what the dumps share.
    ///
    /// # Errors
    /// A dump that was there before cannot be opened again in a way that ends the program; one that cannot be read is not
    /// compared.
    pub(super) fn finish(self, context: &mut Context<'_>) -> Result<Shared, Failure> {
        let mut shared = self.gathered.shared();
        let quiet = std::mem::replace(&mut context.quiet, true);
        let paths = Paths(&self.paths);
        let compared = paths.find_references(&mut shared.shared, context);
        let compared = compared.and_then(|()| paths.compare(&mut shared.shared, context));
        context.quiet = quiet;
        compared?;
        shared.judge();
        Ok(shared)
    }
}

struct Paths<'p>(&'p [PathBuf]);

impl Paths<'_> {
    /// Hands on the dump with this index, if it can be read a second time.
    fn read(
        &self,
        index: usize,
        context: &mut Context<'_>,
        mut hand_on: impl FnMut(&dyn Target, &[Segment], &mut Context<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let Some(path) = self.0.get(index).filter(|path| path.as_os_str() != "-") else { return Ok(()) };
        let options = Options { no_content: true, ..Options::default() };
        dumps::read_some(path, Amount::Segments, &options, context, |read, _, context| match read {
            Some((target, segments)) => hand_on(target, segments, context),
            None => Ok(()),
        })?
    }

    /// Finds the copy of each segment that most dumps have. Of two copies it is the first.
    fn find_references(
        &self,
        shared: &mut [SharedSegment],
        context: &mut Context<'_>,
    ) -> Result<(), Failure> {
        for groups in shared.chunks_mut(AT_A_TIME) {
            let ends =
                groups.iter().map(|group| group.copies.iter().map(|copy| copy.mapped).max().unwrap_or(0));
            let mut versions: Vec<_> = ends.map(|end| Versions::new(SegmentOffset::new(end))).collect();
            // Which copies of these segments a dump has: each dump is opened once for all of them.
            let mut wanted = BTreeMap::<usize, Vec<(usize, usize)>>::new();
            for (number, group) in groups.iter().enumerate().filter(|(_, group)| group.copies.len() > 2) {
                for (at, copy) in group.copies.iter().enumerate() {
                    wanted.entry(copy.dump).or_default().push((number, at));
                }
            }
            for (dump, copies) in wanted {
                self.read(dump, context, |target, segments, _| {
                    for (number, at) in &copies {
                        let copy = groups.get(*number).and_then(|group| group.copies.get(*at));
                        let segment = copy.and_then(|copy| segments.get(copy.segment.checked_sub(1)?));
                        if let (Some(segment), Some(versions)) = (segment, versions.get_mut(*number)) {
                            versions.add(*at, &SegmentContents { target, segment })?;
                        }
                    }
                    Ok(())
                })?;
            }
            for (group, versions) in groups.iter_mut().zip(&versions) {
                let same = versions.most_common();
                let saved = |at: &&usize| group.copies.get(**at).map_or(0, |copy| copy.saved);
                // The most complete of the commonest copies; the first of equally complete ones.
                let best = same.iter().rev().max_by_key(saved).copied();
                let first = group.copies.iter().position(|copy| copy.saved > 0);
                group.reference = best.or(first);
                for at in same {
                    if let Some(copy) = group.copies.get_mut(*at) {
                        copy.same = Some(true);
                    }
                }
            }
        }
        Ok(())
    }

    /// Compares the copies that are not known to be the same as the reference.
    fn compare(&self, shared: &mut [SharedSegment], context: &mut Context<'_>) -> Result<(), Failure> {
        let mut left = MOST_COMPARED;
        for group in shared {
            let Some(reference) = group.reference else { continue };
            let Some((dump, number)) = group.copies.get(reference).map(|copy| (copy.dump, copy.segment))
            else {
                continue;
            };
            let open = group
                .copies
                .iter_mut()
                .enumerate()
                .filter(|(at, copy)| *at != reference && copy.same.is_none());
            let mut open: Vec<_> = open.map(|(_, copy)| copy).filter(|copy| copy.saved > 0).collect();
            if left == 0 {
                // Its digests are those of no other copy.
                open.iter_mut().for_each(|copy| copy.same = Some(false));
                continue;
            }
            self.read(dump, context, |target, segments, context| {
                let Some(segment) = number.checked_sub(1).and_then(|index| segments.get(index)) else {
                    return Ok(());
                };
                let contents = SegmentContents { target, segment };
                for copy in &mut open {
                    if left == 0 {
                        copy.same = Some(false);
                        continue;
                    }
                    left = left.saturating_sub(1);
                    self.read(copy.dump, context, |target, segments, _| {
                        let segment = copy.segment.checked_sub(1).and_then(|index| segments.get(index));
                        if let Some(segment) = segment {
                            copy.differs(&compare(&contents, &SegmentContents { target, segment }, 1)?);
                        }
                        Ok(())
                    })?;
                }
                Ok(())
            })?;
            if let Some(copy) = group.copies.get_mut(reference) {
                copy.same = Some(true);
            }
        }
        Ok(())
    }
}
