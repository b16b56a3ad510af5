//! A core in which missing bytes of segments are those of other copies.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;

use super::diff::Raw;
use super::dumps::{self, DumpFlags};
use super::new_file::NewFile;
use super::{Context, Execute, Failure, Status, diff};
use crate::diff::MatchedBy;
use crate::diff::newer::Taken;
use crate::fill::{self, Copy, FillError, Plan};
use crate::kind::Kinds;
use crate::render::printable::Printable;
use crate::report::{Dump, Filling, Made, Options};
use crate::shm::SharedMemory;
use crate::sidecar::{FillSource, SourceKind, TimeOf};
use crate::source::{Beside, Reading, Source};
use crate::targets::{self, LiveTarget, Target};

/// Writes a core like DUMP with missing bytes of its segments: those of other dumps, processes or files, marked as filled.
#[derive(Args, Debug)]
pub(super) struct Fill {
    /// The core (or its program and then the core).
    #[arg(value_name = "DUMP", required_unless_present = "core")]
    words: Vec<OsString>,
    #[command(flatten)]
    dump: DumpFlags,
    /// Where the bytes are: a dump, /proc/PID, or a file that `extract` wrote.
    #[arg(long, value_name = "DUMP|/proc/PID|FILE", num_args = 1.., required_unless_present = "honest")]
    from: Vec<PathBuf>,
    /// The core to write. It must not exist, unless you give --force.
    #[arg(short, long, value_name = "NEW", required_unless_present = "overlay")]
    output: Option<PathBuf>,
    /// Leave memory that stays missing out of the program headers, so that debuggers answer an error in the place of zeroes.
    #[arg(long, requires = "output")]
    honest: bool,
    /// Write an ELF file of the filled ranges alone, for gdb's add-symbol-file.
    #[arg(long, value_name = "FILE.elf", requires = "from")]
    overlay: Option<PathBuf>,
    /// Fill this segment alone. A file with the bytes of a segment is taken for this one.
    #[arg(long, value_name = "SEGMENT")]
    segment: Option<String>,
}

/// What bytes are taken from.
enum Origin {
    Target(Box<dyn Target>, SharedMemory),
    File(Raw),
}

impl Execute for Fill {
    fn execute(self, context: &mut Context<'_>) -> Result<Status, Failure> {
        let (path, words) = dumps::one(self.words.clone(), self.dump.dump().as_ref(), context)?;
        if let Some(word) = words.first() {
            return Err(Failure::new(format!(
                "fill takes one core, not {word:?} too; --segment names a segment"
            )));
        }
        let source = self.source(&path, context)?;
        let named = |error: &dyn std::fmt::Display| Failure::new(format!("{}: {error}", dumps::shown(&path)));
        // Without what lies beside it: that is no part of the core.
        let core = targets::open(Arc::clone(&source)).map_err(|error| named(&error))?;
        if core.identity().kind != "elf-core" {
            return Err(named(&"fill can add to ELF cores alone"));
        }
        let memory = segments(&*core);
        let only = self.only(&path, &*core, &memory)?;
        let mut sources = Vec::new();
        let mut origins = Vec::new();
        for from in &self.from {
            let (told, origin) = self.origin(from, context)?;
            sources.push(told);
            origins.push(origin);
        }
        let mut copies = Vec::new();
        for (index, (origin, from)) in origins.iter().zip(&self.from).enumerate() {
            match origin {
                Origin::Target(target, others) => {
                    copies.extend(Copy::all(
                        (&*core, &memory.segments),
                        (&**target, &others.segments),
                        index,
                    ));
                }
                Origin::File(raw) => {
                    let segment = only.map_or_else(|| holder(raw, from, &memory), Ok)?;
                    let contents = Box::new(raw.contents());
                    copies.push(Copy { segment, source: index, by: MatchedBy::Pair, contents });
                }
            }
        }
        copies.retain(|copy| only.is_none_or(|only| only == copy.segment));
        let mut plan = Plan::new(&*core, &memory.segments, &copies).map_err(failure)?;
        plan.keep(only);
        if plan.parts.iter().any(|part| part.copy.is_none()) {
            let name = file_name(&path);
            sources.push(FillSource { kind: SourceKind::Itself, name, ..FillSource::default() });
        }
        let filling = fill::Filling {
            core: &*core,
            source: &*source,
            segments: &memory.segments,
            copies: &copies,
            plan: &plan,
            sources: &sources,
            honest: self.honest,
        };
        let missing = plan.segments.iter().any(|segment| segment.missing > 0);
        let writes = plan.filled() > 0 || self.honest && self.from.is_empty();
        if writes {
            self.write(&path, &filling, context)?;
        }
        let made = Made {
            dump: &path,
            path: self.output.as_deref().filter(|_| writes),
            overlay: self.overlay.as_deref().filter(|_| writes),
            honest: self.honest,
        };
        context.print(&Filling::of(made, &memory.segments, &sources, &copies, &plan))?;
        if writes {
            return Ok(Status::Found);
        }
        let why = match (memory.segments.is_empty(), missing, copies.is_empty()) {
            (true, ..) => "the core has no segment",
            (_, false, _) => "no byte of its segments is missing",
            (.., true) => {
                "none of the others has the same segment (by shmid or key); --segment names it for a file"
            }
            _ => "the others do not have the missing bytes either",
        };
        context.tell(format_args!("{}: nothing was filled: {why}", dumps::shown(&path)));
        Ok(Status::Nothing)
    }
}

impl Fill {
    /// The core, as bytes.
    fn source(&self, path: &Path, context: &mut Context<'_>) -> Result<Arc<dyn Source>, Failure> {
        if dumps::process_of(path).is_some() {
            return Err(Failure::new(
                "fill adds to a core; `coreinspect dump` writes one of a running process",
            ));
        }
        dumps::guard(path)?;
        let reading = Reading { limits: context.limits, ..Reading::default() };
        let opened = dumps::open(path, reading)
            .map_err(|error| Failure::new(format!("{}: {error}", dumps::shown(path))))?;
        Ok(opened.source)
    }

    /// The index of the segment that alone is filled.
    fn only(&self, path: &Path, core: &dyn Target, memory: &SharedMemory) -> Result<Option<usize>, Failure> {
        let Some(word) = &self.segment else { return Ok(None) };
        let options = Options { kinds: Kinds::all(), ..Options::without_content() };
        let report = Dump::of(path, core, memory, &options)?;
        let place = dumps::place(word)?;
        let located = place
            .locate(&report)
            .map_err(|error| Failure::new(format!("{}: {error}", dumps::shown(path))))?;
        Ok(located.segment.number.checked_sub(1))
    }

    /// What is at `path`, and what is said of it.
    fn origin(&self, path: &Path, context: &mut Context<'_>) -> Result<(FillSource, Origin), Failure> {
        let name = dumps::shown(path);
        let named = |error: &dyn std::fmt::Display| Failure::new(format!("{name}: {error}"));
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs());
        if let Some(pid) = dumps::process_of(path) {
            let target: Box<dyn Target> =
                Box::new(LiveTarget::open(pid, &Kinds::all()).map_err(|error| named(&error))?);
            let told = FillSource { time: now(), time_of: Some(TimeOf::Reading), ..told(&*target, path) };
            let memory = segments(&*target);
            return Ok((told, Origin::Target(target, memory)));
        }
        let (time, time_of) = match diff::taken(path) {
            Taken::At(time) => (seconds(time), Some(TimeOf::Death)),
            Taken::FileFrom(time) => (seconds(time), Some(TimeOf::File)),
            Taken::Unknown | Taken::Now => (None, None),
        };
        let reading = Reading { limits: context.limits, ..Reading::default() };
        let opened = dumps::open(path, reading).map_err(|error| named(&error))?;
        match targets::open_beside(opened.source, Beside::of(path)) {
            Ok(target) => {
                let told = FillSource { time, time_of, ..told(&*target, path) };
                let memory = segments(&*target);
                Ok((told, Origin::Target(target, memory)))
            }
            // No dump: the bytes of a segment alone, if it is said of which.
            Err(error @ crate::Error::NotACore { .. }) => {
                let raw = Raw::open(path)?;
                if self.segment.is_none() && raw.key().is_none() {
                    let hint = "if it holds the bytes of a segment alone, --segment says of which";
                    return Err(Failure::new(format!("{name}: {error}; {hint}")));
                }
                let kind = SourceKind::File;
                let told = FillSource { kind, name: file_name(path), time, time_of, ..FillSource::default() };
                Ok((told, Origin::File(raw)))
            }
            Err(error) => Err(named(&error)),
        }
    }

    fn write(
        &self,
        path: &Path,
        filling: &fill::Filling<'_>,
        context: &mut Context<'_>,
    ) -> Result<(), Failure> {
        let inputs = || [path].into_iter().chain(self.from.iter().map(PathBuf::as_path));
        let output = self.output.as_deref().map(|output| NewFile::create(output, context.force, inputs()));
        let mut output = output.transpose()?;
        let overlay =
            self.overlay.as_deref().map(|overlay| NewFile::create(overlay, context.force, inputs()));
        let mut overlay = overlay.transpose()?;
        if let Some(output) = &mut output {
            output.write(|file| Ok(filling.write(file)))?.map_err(failure)?;
        }
        if let Some(overlay) = &mut overlay {
            overlay.write(|file| Ok(filling.write_overlay(file)))?.map_err(failure)?;
        }
        output.into_iter().chain(overlay).try_for_each(NewFile::finish)
    }
}

/// The segment of `memory` whose bytes `raw` is said to hold.
fn holder(raw: &Raw, path: &Path, memory: &SharedMemory) -> Result<usize, Failure> {
    let key = raw.key();
    let of_key =
        |segment: &&crate::shm::Segment| segment.key.map(|key| key.to_string()) == key && key.is_some();
    let mut found = (0..).zip(&memory.segments).filter(|(_, segment)| of_key(segment));
    match (found.next(), found.next()) {
        (Some((index, _)), None) => Ok(index),
        _ => Err(Failure::new(format!(
            "{}: it is not known of which segment these bytes are; --segment says it",
            dumps::shown(path)
        ))),
    }
}

fn segments(target: &dyn Target) -> SharedMemory {
    let mut memory = SharedMemory::of(target);
    memory.add_kinds(target, &Kinds::all());
    memory
}

fn told(target: &dyn Target, path: &Path) -> FillSource {
    let process = target.process();
    let running = target.identity().kind == "process";
    let command = process.command.as_ref().map(|command| Printable(command).to_string());
    FillSource {
        kind: if running { SourceKind::Process } else { SourceKind::Dump },
        name: if running { dumps::shown(path) } else { file_name(path) },
        pid: process.pid,
        command,
        ..FillSource::default()
    }
}

/// The last part of `path`: where a dump was when another was filled is nobody's business later.
fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| dumps::shown(path), |name| dumps::shown(Path::new(name)))
}

fn seconds(time: SystemTime) -> Option<u64> {
    Some(time.duration_since(UNIX_EPOCH).ok()?.as_secs())
}

fn failure(error: FillError) -> Failure {
    Failure::new(error.to_string())
}
