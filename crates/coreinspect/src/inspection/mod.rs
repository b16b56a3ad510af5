//! An inspected dump: one value with the process it shows, its segments and their report, and what can be asked of them.

mod compare;
mod locks;
mod look;
mod open;
mod records;
mod references;
mod running;
mod search;
mod segment;
mod shared;

pub use compare::{PairedSegments, SegmentCopy, compare};
pub use locks::{LockPicture, LockSearch};
pub use records::RecordStream;
pub use search::Sought;
pub use segment::InspectedSegment;
pub use shared::CrossView;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::debug_files::DebugFolders;
use crate::error::Error;
use crate::look::{Extensive, KnownPaths};
use crate::position::{Address, SegmentOffset};
use crate::report::{Dump, Located, Place, PlaceError};
use crate::targets::Target;
use crate::unnamed::Sister;
use crate::{report, shm};

/// A dump, or a running process, that was inspected.
///
/// One that could not be read is inspected too: its report has an `error`, no segments, and there are no bytes to read.
pub struct Inspection {
    report: Dump,
    /// `None`: it could not be read.
    read: Option<Read>,
}

/// What a dump gives beside its report.
struct Read {
    target: Arc<dyn Target>,
    /// All of them, by their number in the report less 1.
    segments: Vec<shm::Segment>,
    /// The program that it is said to be of.
    program: Option<PathBuf>,
}

impl Read {
    /// Where the programs of the process and their debug files are looked for.
    fn debug_folders(&self) -> DebugFolders {
        DebugFolders::of_the_system().with_programs(self.program.clone())
    }
}

/// What a user chose of an inspected dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selected {
    /// The number of the segment in the report.
    pub number: usize,
    /// The place in it, if one was named.
    pub offset: Option<SegmentOffset>,
}

impl From<Located<'_>> for Selected {
    fn from(located: Located<'_>) -> Self {
        Self { number: located.segment.number, offset: located.offset }
    }
}

impl Inspection {
    /// What was found, as plain data.
    pub fn report(&self) -> &Dump {
        &self.report
    }

    /// What was found, alone.
    pub fn into_report(self) -> Dump {
        self.report
    }

    /// Decodes the bytes of its segments again, as other `options` say.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub(crate) fn decode(&mut self, options: &report::Options) -> Result<(), Error> {
        let Some(Read { target, segments, .. }) = &self.read else { return Ok(()) };
        self.report.decode(&**target, segments, &[], options)
    }

    /// The same as one that could not be read: what was asked of it is not there.
    pub(crate) fn refused(self, code: &'static str, message: String) -> Self {
        Self { report: self.report.without_segments(code, message), read: None }
    }

    /// The process; `None` where the dump could not be read.
    pub fn target(&self) -> Option<&dyn Target> {
        Some(&*self.read.as_ref()?.target)
    }

    /// The segments of the report, by number.
    pub fn segments(&self) -> impl Iterator<Item = InspectedSegment<'_>> {
        self.report.segments.iter().filter_map(|report| self.inspected(report))
    }

    fn inspected<'a>(&'a self, report: &'a report::Segment) -> Option<InspectedSegment<'a>> {
        let Read { target, segments, .. } = self.read.as_ref()?;
        let memory = segments.get(report.number.checked_sub(1)?)?;
        Some(InspectedSegment { report, memory, target: &**target })
    }

    /// The segment with this number in the report, from 1.
    pub fn segment(&self, number: usize) -> Option<InspectedSegment<'_>> {
        let index = self.report.segments.binary_search_by_key(&number, |segment| segment.number).ok()?;
        self.inspected(self.report.segments.get(index)?)
    }

    /// The segment that a user named, or in which is the place that was named.
    ///
    /// # Errors
    /// None has the name, or several have.
    pub fn select(&self, place: &Place) -> Result<InspectedSegment<'_>, PlaceError> {
        let number = place.locate(&self.report)?.segment.number;
        self.segment(number).ok_or_else(|| place.not_found(&self.report))
    }

    /// Forgets the segments that none of `places` names, unless there are no places. Those that stay keep their numbers. Answers
    /// what each of `places` names.
    ///
    /// # Errors
    /// As [`Inspection::select`]; nothing is forgotten then.
    pub fn choose(&mut self, places: &[Place]) -> Result<Vec<Selected>, PlaceError> {
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let chosen = places.iter().map(|place| Ok(Selected::from(place.locate(&self.report)?)));
        let chosen = chosen.collect::<Result<Vec<_>, _>>()?;
        self.report.segments.retain(|segment| chosen.iter().any(|one| one.number == segment.number));
        Ok(chosen)
    }

    /// The paths that the process knew; `None` where the dump could not be read.
    pub fn known_paths(&self, how: Extensive) -> Option<KnownPaths> {
        let Read { target, segments, .. } = self.read.as_ref()?;
        Some(KnownPaths::of(&**target, segments, how))
    }

    /// The segments by which those without a name are recognised in other dumps; messages call this one `name`. `None` where
    /// the dump could not be read.
    pub fn into_sisters(self, name: &str) -> Option<Vec<Sister>> {
        let Read { target, segments, .. } = self.read?;
        Some(Sister::all(&target, segments, name))
    }

    /// Copies bytes of the process's memory from `at` on. Fewer than `into` has where the dump lacks the next: never zeroes in
    /// their place.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn read(&self, at: Address, into: &mut [u8]) -> Result<usize, Error> {
        self.target().map_or(Ok(0), |target| target.read(at, into))
    }
}

impl fmt::Debug for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inspection").field("report", &self.report).finish_non_exhaustive()
    }
}
