//! Several dumps in one run: which segments they share, and which copies differ.
//!
//! The dumps are read one after the other, and again for the segments that more than one has: of each copy digests of its
//! blocks are kept, so that memory does not grow with a thousand dumps. The copies that most dumps do not have are then
//! compared byte by byte with one that they do.

use std::collections::BTreeMap;

use super::Inspection;
use crate::diff::{Versions, compare};
use crate::error::Error;
use crate::position::SegmentOffset;
use crate::report::{Dump, Gathered, Shared, SharedSegment};

/// Copies that are compared byte by byte; of more it is only told that they differ.
const MOST_COMPARED: usize = 64;
/// Segments whose copies' digests are kept at a time: 512 KiB a copy, of which 16 can differ.
const AT_A_TIME: usize = 8;

/// Dumps of one run, as they are read.
#[derive(Debug, Default)]
pub struct CrossView {
    gathered: Gathered,
}

impl CrossView {
    /// Adds the report of a dump that was read: the next one.
    pub fn add(&mut self, dump: &Dump) {
        self.gathered.add(dump);
    }

    /// Compares the copies of what the dumps share. `open` inspects the dump with an index, in the order in which they were added,
    /// once more; one that cannot be read a second time (`None`) is not compared.
    ///
    /// # Errors
    /// What `open` says, and [`Error::Read`].
    pub fn finish<E: From<Error>>(
        self,
        mut open: impl FnMut(usize) -> Result<Option<Inspection>, E>,
    ) -> Result<Shared, E> {
        let mut shared = self.gathered.shared();
        find_references(&mut shared.shared, &mut open)?;
        compare_copies(&mut shared.shared, &mut open)?;
        shared.judge();
        Ok(shared)
    }
}

/// Finds the copy of each segment that most dumps have. Of two copies it is the first.
fn find_references<E: From<Error>>(
    shared: &mut [SharedSegment],
    open: &mut impl FnMut(usize) -> Result<Option<Inspection>, E>,
) -> Result<(), E> {
    for groups in shared.chunks_mut(AT_A_TIME) {
        let ends = groups.iter().map(|group| group.copies.iter().map(|copy| copy.mapped).max().unwrap_or(0));
        let mut versions: Vec<_> = ends.map(|end| Versions::new(SegmentOffset::new(end))).collect();
        // Which copies of these segments a dump has: each dump is opened once for all of them.
        let mut wanted = BTreeMap::<usize, Vec<(usize, usize)>>::new();
        for (number, group) in groups.iter().enumerate().filter(|(_, group)| group.copies.len() > 2) {
            for (at, copy) in group.copies.iter().enumerate() {
                wanted.entry(copy.dump).or_default().push((number, at));
            }
        }
        for (dump, copies) in wanted {
            let Some(inspection) = open(dump)? else { continue };
            for (number, at) in &copies {
                let copy = groups.get(*number).and_then(|group| group.copies.get(*at));
                let segment = copy.and_then(|copy| inspection.segment(copy.segment));
                if let (Some(segment), Some(versions)) = (segment, versions.get_mut(*number)) {
                    versions.add(*at, &segment.contents())?;
                }
            }
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
fn compare_copies<E: From<Error>>(
    shared: &mut [SharedSegment],
    open: &mut impl FnMut(usize) -> Result<Option<Inspection>, E>,
) -> Result<(), E> {
    let mut left = MOST_COMPARED;
    for group in shared {
        let Some(reference) = group.reference else { continue };
        let Some((dump, number)) = group.copies.get(reference).map(|copy| (copy.dump, copy.segment)) else {
            continue;
        };
        let others = group.copies.iter_mut().enumerate();
        let others = others.filter(|(at, copy)| *at != reference && copy.same.is_none() && copy.saved > 0);
        let mut others: Vec<_> = others.map(|(_, copy)| copy).collect();
        if left == 0 {
            // Its digests are those of no other copy.
            others.iter_mut().for_each(|copy| copy.same = Some(false));
            continue;
        }
        let inspection = open(dump)?;
        if let Some(segment) = inspection.as_ref().and_then(|inspection| inspection.segment(number)) {
            for copy in others {
                if left == 0 {
                    copy.same = Some(false);
                    continue;
                }
                left = left.saturating_sub(1);
                let other = open(copy.dump)?;
                if let Some(other) = other.as_ref().and_then(|other| other.segment(copy.segment)) {
                    copy.differs(&compare(&segment.contents(), &other.contents(), 1)?);
                }
            }
        }
        if let Some(copy) = group.copies.get_mut(reference) {
            copy.same = Some(true);
        }
    }
    Ok(())
}
