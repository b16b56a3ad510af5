//! A dump, completed by what a handler wrote down and saved beside it while the process still existed.

use std::fs::File;
use std::sync::Arc;

use super::{CoreTarget, FoundBy, Identity, Mapping, SegmentFacts, Target, Told};
use crate::error::{Error, Warning};
use crate::memory::{Dumped, Extent, Permissions};
use crate::position::{Address, Interval, Position};
use crate::process::Process;
use crate::sidecar::FillSource;
use crate::source::Beside;
use crate::thread::Thread;

/// A dump and what lies beside it. What the dump itself holds comes first.
pub struct Completed {
    dump: Box<dyn Target>,
    identity: Identity,
    facts: SegmentFacts,
    /// Mappings whose bytes the dump lacks.
    segments: Option<CoreTarget>,
    warnings: Vec<Warning>,
}

/// `dump` with what `beside` knows of it; as it is where that knows nothing.
pub(super) fn completed(dump: Box<dyn Target>, beside: Beside) -> Box<dyn Target> {
    let Some(facts) = beside.sidecar.as_deref().and_then(|text| SegmentFacts::read(text).ok()) else {
        return dump;
    };
    let mut warnings = dump.warnings().to_vec();
    let pid = dump.process().pid;
    if pid.is_some_and(|pid| !facts.is_of(pid)) {
        let message = "the sidecar beside the dump is of another process, so coreinspect ignores it: were the files renamed?";
        warnings.push(Warning::new("sidecar", message));
        let identity = dump.identity().clone();
        return Box::new(Completed {
            dump,
            identity,
            facts: SegmentFacts::default(),
            segments: None,
            warnings,
        });
    }
    let segments = beside.segments.and_then(|source| CoreTarget::read(Arc::new(source)).ok());
    let segments = segments.filter(|core| core.process().pid.is_some_and(|pid| facts.is_of(pid)));
    let known = dump.identity();
    let pointer_tags = facts.pointer_tags(known.machine, known.pointer_tags);
    let identity = Identity { pointer_tags, ..known.clone() };
    Box::new(Completed { dump, identity, facts, segments, warnings })
}

impl Completed {
    /// The first part of `range` whose bytes the dump has, or the core beside it (`true`); `None` if neither has its start.
    fn part(&self, range: Interval<Address>) -> Option<(Interval<Address>, bool)> {
        let extent = self.memory(range).into_iter().next().filter(Extent::is_there)?;
        let own = self.dump.memory(extent.range).into_iter().next()?;
        let first = own.range.intersection(extent.range)?;
        Some((first, !own.is_there()))
    }
}

impl Target for Completed {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn process(&self) -> &Process {
        self.dump.process()
    }

    fn threads(&self) -> &[Thread] {
        self.dump.threads()
    }

    fn mappings(&self) -> Option<Box<dyn Iterator<Item = Mapping<'_>> + '_>> {
        let mappings = self.dump.mappings()?;
        Some(Box::new(mappings.map(|mapping| match self.facts.of(mapping.range) {
            Some((kind, facts)) => Mapping { told: Told::Of(kind, FoundBy::Sidecar, facts), ..mapping },
            None => mapping,
        })))
    }

    fn permissions(&self, range: Interval<Address>) -> Option<Permissions> {
        self.dump.permissions(range)
    }

    fn memory(&self, range: Interval<Address>) -> Vec<Extent> {
        let extents = self.dump.memory(range);
        let Some(segments) = &self.segments else { return extents };
        let mut all = Vec::with_capacity(extents.len());
        for extent in extents {
            if extent.is_there() || !self.facts.shows(extent.range) {
                all.push(extent);
                continue;
            }
            // What the core beside it does not have either is missing for the dump's reason.
            all.extend(segments.memory(extent.range).into_iter().map(|beside| match beside.dumped {
                Dumped::Saved => beside,
                _ => Extent { dumped: extent.dumped, ..beside },
            }));
        }
        all
    }

    fn read(&self, at: Address, into: &mut [u8]) -> Result<usize, Error> {
        let mut done = 0_usize;
        while let Some(rest) = into.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let Some(at) = at.checked_add(done as u64) else { break };
            let Some((part, beside)) = self.part(Interval::clamped(at, rest.len() as u64)) else { break };
            let length = usize::try_from(part.length()).unwrap_or(usize::MAX).min(rest.len());
            let Some(rest) = rest.get_mut(..length).filter(|rest| !rest.is_empty()) else { break };
            let count = match (beside, &self.segments) {
                (true, Some(segments)) => segments.read(at, rest)?,
                _ => self.dump.read(at, rest)?,
            };
            done = done.saturating_add(count);
            if count < length {
                break;
            }
        }
        Ok(done)
    }

    fn data(&self, range: Interval<Address>) -> Interval<Address> {
        match (self.part(range), &self.segments) {
            (Some((part, true)), Some(segments)) => {
                let data = segments.data(part);
                // A hole of the part may be followed by data of the next.
                if data.is_empty() && part.end() < range.end() {
                    Interval::new(part.end(), range.end()).unwrap_or(data)
                } else {
                    data
                }
            }
            (Some((part, false)), _) if part == range => self.dump.data(range),
            _ => range,
        }
    }

    fn copy(&self, range: Interval<Address>, file: &mut File) -> Result<(), Error> {
        let mut at = range.start();
        while let Some(rest) = Interval::new(at, range.end()).filter(|rest| !rest.is_empty()) {
            let Some((part, beside)) = self.part(rest).filter(|(part, _)| !part.is_empty()) else { break };
            match (beside, &self.segments) {
                (true, Some(segments)) => segments.copy(part, file)?,
                _ => self.dump.copy(part, file)?,
            }
            at = part.end();
        }
        Ok(())
    }

    fn filled_from(&self) -> &[FillSource] {
        self.dump.filled_from()
    }

    fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}
