//! Which of many copies of a segment are the same, without holding any of them: a digest of each block is kept.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use crate::error::Error;
use crate::position::{Position, SegmentOffset};
use crate::types::contents::Contents;

/// The smallest block: a page of most machines, of which a writer keeps all or nothing.
const PAGE: u64 = 4096;
/// Blocks that are kept of a copy at most: of larger segments blocks are larger.
const MOST_BLOCKS: u64 = 1 << 16;
/// Different copies of a segment that are told apart; beyond them one is only known to be another.
const MOST_VERSIONS: usize = 16;

/// The digests of the blocks of a copy; 0 for one of which a byte is missing.
#[derive(Clone, Debug)]
pub(crate) struct Digests(Vec<u64>);

/// What copies of one segment there are.
#[derive(Debug)]
pub(crate) struct Versions {
    block: u64,
    /// Secret to this run, so that no dump can be made to look like another.
    hashes: RandomState,
    versions: Vec<Version>,
}

#[derive(Debug)]
struct Version {
    digests: Digests,
    members: Vec<usize>,
}

impl Versions {
    /// For copies of which none reaches beyond `end`.
    pub(crate) fn new(end: SegmentOffset) -> Self {
        let block = end.get().div_ceil(MOST_BLOCKS).checked_next_power_of_two().unwrap_or(u64::MAX).max(PAGE);
        Self { block, hashes: RandomState::new(), versions: Vec::new() }
    }

    /// Adds the copy with the number `member`: to the first version that it does not contradict and shares a block with.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub(crate) fn add(&mut self, member: usize, contents: &dyn Contents) -> Result<(), Error> {
        let digests = self.digest(contents)?;
        if digests.0.iter().all(|digest| *digest == 0) {
            return Ok(());
        }
        if let Some(version) = self.versions.iter_mut().find(|version| version.digests.agree(&digests)) {
            version.digests.supplement(&digests);
            version.members.push(member);
        } else if self.versions.len() < MOST_VERSIONS {
            self.versions.push(Version { digests, members: vec![member] });
        }
        Ok(())
    }

    /// The members of the version that most copies have; of equally many the first.
    pub(crate) fn most_common(&self) -> &[usize] {
        let largest = self.versions.iter().map(|version| version.members.len()).max();
        let first = self.versions.iter().find(|version| Some(version.members.len()) == largest);
        first.map_or(&[], |version| &version.members)
    }

    fn digest(&self, contents: &dyn Contents) -> Result<Digests, Error> {
        let mut digests = Vec::new();
        let mut at = SegmentOffset::new(0);
        let mut buffer = vec![0; usize::try_from(self.block.min(256 << 10)).unwrap_or(0)];
        while at < contents.end() && (digests.len() as u64) < MOST_BLOCKS {
            let run = contents.run(at);
            let end = at.checked_add(self.block).unwrap_or(SegmentOffset::new(u64::MAX)).min(contents.end());
            let whole = run.missing.is_none();
            digests.push(if whole { self.block(contents, at, end, &mut buffer)? } else { 0 });
            at = end;
        }
        Ok(Digests(digests))
    }

    /// The digest of the block from `at` to `end`; 0 if a byte of it is missing.
    fn block(
        &self,
        contents: &dyn Contents,
        mut at: SegmentOffset,
        end: SegmentOffset,
        buffer: &mut [u8],
    ) -> Result<u64, Error> {
        let mut hasher = self.hashes.build_hasher();
        while let Some(left) = end.offset_from(at).filter(|left| *left > 0) {
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            let count = contents.read(at, buffer.get_mut(..wanted).unwrap_or_default())?;
            if count == 0 {
                return Ok(0);
            }
            hasher.write(buffer.get(..count).unwrap_or_default());
            at = at.checked_add(count as u64).unwrap_or(end);
        }
        Ok(hasher.finish().max(1))
    }
}

impl Digests {
    /// Whether both have a block in common, and no block that differs.
    fn agree(&self, other: &Self) -> bool {
        let both = self.0.iter().zip(&other.0).filter(|(one, other)| **one != 0 && **other != 0);
        let mut any = false;
        for (one, other) in both {
            if one != other {
                return false;
            }
            any = true;
        }
        any
    }

    /// Adds the blocks that only `other` has.
    fn supplement(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (mine, digest) in self.0.iter_mut().zip(&other.0).filter(|(mine, _)| **mine == 0) {
            *mine = *digest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commonest_copy_is_found() {
        let mut copies = vec![vec![7_u8; 10_000]; 5];
        copies[0][9_999] = 8;
        copies[3][0] = 8;
        // One that holds the first page alone.
        copies.push(vec![7; 4096]);
        let mut versions = Versions::new(SegmentOffset::new(10_000));
        for (number, copy) in copies.iter().enumerate() {
            versions.add(number, &copy.as_slice()).unwrap();
        }
        // The first page alone agrees with the first copy already.
        assert_eq!(versions.most_common(), [1, 2, 4]);
        assert_eq!(versions.versions.len(), 3);
    }
}
