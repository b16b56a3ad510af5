//! From what was named to an [`Inspection`].

use std::path::Path;
use std::sync::Arc;

use super::{Inspection, Read};
use crate::error::Error;
use crate::report::{Dump, Options, Warning};
use crate::retention::Code;
use crate::shm::SharedMemory;
use crate::source::{self, Beside, Handler, Opened, Reading, Source, Stream};
use crate::targets::{self, Target};

impl Inspection {
    /// Inspects the dump at `path`: a file, compressed or not, or the one dump in a folder.
    pub fn open(path: &Path, options: &Options) -> Self {
        match source::open(path, Reading::default()) {
            Ok(opened) => Self::of_opened(path, opened, options),
            Err(source) => Self::unreadable(path, None, &Error::Open { source }),
        }
    }

    /// Inspects a dump that is open, with what its handler knew of it. Messages and the report call it `path`, and what a
    /// handler stored beside it is found by that name.
    pub fn of_opened(path: &Path, opened: Opened, options: &Options) -> Self {
        let mut inspection = Self::of_source(path, opened.source, options);
        inspection.add(opened.handler.as_ref());
        inspection
    }

    /// Inspects the dump in `source`, called `path`.
    pub fn of_source(path: &Path, source: Arc<dyn Source>, options: &Options) -> Self {
        let size = source.size();
        let mut result = read(path, &source, options);
        // A stream that told its size and broke off before: what was said to be saved did not come.
        if size > source.size() {
            result = read(path, &source, options);
        }
        match result {
            Ok(mut inspection) => {
                warn(&*source, &mut inspection.report);
                inspection
            }
            Err(error) => Self::unreadable(path, known_size(&*source), &error),
        }
    }

    /// What an inspection is of a dump that could not be read.
    pub fn unreadable(path: &Path, file_size: Option<u64>, error: &Error) -> Self {
        Self { report: Dump::unreadable(path, file_size, error), read: None }
    }

    /// The report of `target`, called `path`, with its segments.
    pub(super) fn of_target(
        path: &Path,
        target: Arc<dyn Target>,
        memory: SharedMemory,
        options: &Options,
    ) -> Result<Self, Error> {
        let report = Dump::of(path, &*target, &memory, options)?;
        let program = options.program.clone();
        Ok(Self { report, read: Some(Read { target, segments: memory.segments, program }) })
    }

    fn add(&mut self, handler: Option<&Handler>) {
        if let (Some(handler), Some(read)) = (handler, &self.read) {
            self.report.add(handler, read.target.identity().machine.signals());
        }
    }
}

fn read(path: &Path, source: &Arc<dyn Source>, options: &Options) -> Result<Inspection, Error> {
    let target: Arc<dyn Target> = targets::open_beside(Arc::clone(source), Beside::of(path))?.into();
    let memory = options.segments(&*target);
    // To look closely is to read stacks and heaps, which a pipe does not give twice.
    let too_close = options.closely && source.stream().is_some_and(Stream::is_read_once);
    let cursory = too_close.then(|| Options { closely: false, ..options.clone() });
    let inspection = Inspection::of_target(path, target, memory, cursory.as_ref().unwrap_or(options))?;
    match source.stream().and_then(Stream::refusal) {
        Some(source) => Err(Error::Refused { source }),
        None => Ok(inspection),
    }
}

/// Adds to `report` what `source` only knows now that it was read.
fn warn(source: &dyn Source, report: &mut Dump) {
    if let Some(change) = source.changed() {
        let message =
            format!("the file changed while it was read ({change}), so the report may mix two states");
        report.warnings.push(Warning { code: "file-changed", message });
    }
    if source.stream().is_some_and(Stream::missed) {
        let message = "the report needs memory outside the segments, which a pipe cannot give twice, so contents may be incomplete; save the dump to a file and name that";
        report.warnings.push(Warning { code: "not-kept", message: message.to_owned() });
    }
    if let Some(message) = source.stream().and_then(Stream::damage) {
        // The dump may be whole, and only this copy not.
        for cause in report.segments.iter_mut().flat_map(|segment| &mut segment.causes) {
            if cause.code == Code::Truncated {
                cause.fix = format!("get a whole copy of the dump: {message}");
            }
        }
        let message = format!("{message}; coreinspect inspects what came before");
        report.warnings.push(Warning { code: "damaged-stream", message });
    }
}

/// The size of the dump; `None` while its stream was not read to the end.
fn known_size(source: &dyn Source) -> Option<u64> {
    source.stream().is_none_or(Stream::size_is_known).then(|| source.size())
}
