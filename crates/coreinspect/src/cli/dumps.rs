//! Dumps as the debuggers name them: `DUMP...`, `PROGRAM DUMP`, `PROGRAM -c DUMP`; `-` is standard input. A running process is
//! `-p PID`, or `/proc/PID` in the place of a dump.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::progress::Shown;
use super::{Context, Failure, coredumpctl, mistaken, sisters};
use crate::Error;
use crate::inspection::{InspectedSegment, Inspection};
use crate::render::printable::Printable;
use crate::report::{Dump, Options, Place, PlaceError, Warning};
use crate::source::{self, Amount, MappedFile, Opened, Reading, die_clearly_when_a_mapped_file_shrinks};

/// The dump by a flag.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct DumpFlags {
    /// The dump, by the same flag as in gdb and drgn.
    #[arg(short, long, value_name = "DUMP")]
    core: Option<PathBuf>,
    /// A running process instead of a dump, as /proc/PID means.
    #[arg(short, long, value_name = "PID", conflicts_with = "core", value_parser = process_id)]
    pid: Option<u32>,
}

impl DumpFlags {
    /// The dump that they name.
    pub(super) fn dump(&self) -> Option<PathBuf> {
        self.core.clone().or_else(|| self.pid.map(path_of_process))
    }
}

/// A process id on the command line.
pub(super) fn process_id(text: &str) -> Result<u32, String> {
    let pid = text.parse().ok().filter(|pid| (1..=i32::MAX.cast_unsigned()).contains(pid));
    pid.ok_or_else(|| format!("{text:?} is no process id"))
}

/// A running process in the place of a dump.
pub(super) fn path_of_process(pid: u32) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}"))
}

/// The process that `path` names: `/proc/PID`.
pub(super) fn process_of(path: &Path) -> Option<u32> {
    let digits = path.to_str()?.strip_prefix("/proc/")?.trim_end_matches('/');
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| process_id(digits).ok()).flatten()
}

/// A dump, and the program that it is said to be of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// The dump.
    pub(super) dump: PathBuf,
    /// The program named before it.
    pub(super) program: Option<PathBuf>,
}

/// Pairs each dump among `paths`, in order, with the program that stands before it; `core` comes last.
///
/// A program without a dump behind it is answered as if it were a dump: reading it says what it is and what to do.
///
/// # Errors
/// Standard input is named twice.
pub(super) fn pair(paths: &[PathBuf], core: Option<&PathBuf>) -> Result<Vec<Named>, Failure> {
    if paths.iter().chain(core).filter(|path| path.as_os_str() == "-").count() > 1 {
        return Err(Failure::new("standard input (-) holds one dump, but you named it twice"));
    }
    let mut named = Vec::new();
    let mut program = None;
    for (at, path) in paths.iter().chain(core).enumerate() {
        let more = at.saturating_add(1) < paths.len().saturating_add(core.is_some().into());
        if more && program.is_none() && is_program(path) {
            program = Some(path.clone());
        } else {
            named.push(Named { dump: path.clone(), program: program.take() });
        }
    }
    Ok(named)
}

/// Opens the dump at `path`; `-` is standard input, and a path that [`coredumpctl::place`] made is asked of it.
pub(super) fn open(path: &Path, reading: Reading) -> Result<Opened, Error> {
    let opened = match path.to_str() {
        Some("-") => source::standard_input(reading),
        _ => match coredumpctl::asked(path) {
            Some(asked) => coredumpctl::open(asked, reading),
            None => source::open(path, reading),
        },
    };
    opened.map_err(|source| Error::Open { source: mistaken::explained(path, source) })
}

/// Whether the dump at `path` is gone once it was read: standard input, or another pipe.
pub(super) fn is_read_once(path: &Path) -> bool {
    path.as_os_str() == "-" || source::is_read_once(path)
}

/// The dump among the arguments of a command that takes one, and the words that follow it: `DUMP WORD...`, `PROGRAM DUMP
/// WORD...`, `PROGRAM -c DUMP WORD...`, `-c DUMP WORD...`.
///
/// # Errors
/// There is none.
pub(super) fn one(
    mut words: Vec<OsString>,
    core: Option<&PathBuf>,
    context: &mut Context<'_>,
) -> Result<(PathBuf, Vec<String>), Failure> {
    let is_a_program = words.first().is_some_and(|first| is_program(Path::new(first)));
    let dump_follows = core.is_some() || words.get(1).is_some_and(|second| Path::new(second).is_file());
    let program = (is_a_program && dump_follows).then(|| PathBuf::from(words.remove(0)));
    let dump = match core {
        Some(core) => core.clone(),
        None if words.is_empty() => return Err(Failure::new("name a dump")),
        None => PathBuf::from(words.remove(0)),
    };
    context.programs.push(Named { dump: dump.clone(), program });
    Ok((dump, words.iter().map(|word| Printable(word.as_encoded_bytes()).to_string()).collect()))
}

/// Inspects the dump at `path`, and tells its warnings where they are not in the output. What could not be read is in the
/// report. `amount` of the dump's memory is all that will be looked at, and all that is kept of a compressed or piped one.
///
/// # Errors
/// A dump of `--sister` cannot be used.
pub(super) fn inspect(
    path: &Path,
    amount: Amount,
    options: &Options,
    context: &mut Context<'_>,
) -> Result<Inspection, Failure> {
    let named = context.programs.iter().find(|named| named.dump == path);
    let program = named.and_then(|named| named.program.clone());
    let options = &Options { program, kinds: context.kinds.clone(), ..options.clone() };
    if let Some(pid) = process_of(path) {
        let picture = context.pictures.iter().find(|target| target.folder().pid() == pid);
        let inspection = match picture {
            Some(target) => Inspection::of_running(Arc::clone(target), options),
            None => Inspection::of_process(pid, options),
        };
        tell_warnings(inspection.report(), context);
        return Ok(inspection);
    }
    let sisters = sisters::of(path, context)?;
    guard(path)?;
    let options = Options { find_unnamed: context.find_unnamed, sisters, ..options.clone() };
    let amount = if context.find_unnamed { Amount::Everything } else { amount };
    let progress = Shown::to(context);
    let kinds = options.kinds.clone();
    let reading = Reading { amount, kinds, limits: context.limits, progress: progress.listener() };
    let inspection = match open(path, reading) {
        Ok(opened) => Inspection::of_opened(path, opened, &options),
        Err(error) => Inspection::unreadable(path, None, &error),
    };
    progress.erase();
    tell_warnings(inspection.report(), context);
    Ok(inspection)
}

/// A dump that is read, and the one segment of it that a command is about.
pub(super) struct OneSegment {
    pub(super) path: PathBuf,
    pub(super) inspection: Inspection,
    place: Place,
}

impl OneSegment {
    /// Reads the dump among `words` (see [`one`]), behind which a segment is named.
    ///
    /// # Errors
    /// As [`one`] and [`inspect`]; no segment is named, or several.
    pub(super) fn read(
        words: Vec<OsString>,
        core: Option<&PathBuf>,
        context: &mut Context<'_>,
    ) -> Result<Self, Failure> {
        let (path, words) = one(words, core, context)?;
        let [word] = words.as_slice() else {
            return Err(Failure::new(
                "name one SEGMENT after the dump: a key, @ADDRESS, its number or its name",
            ));
        };
        let place = place(word)?;
        context.find(std::slice::from_ref(&place));
        let inspection = inspect(&path, Amount::Segments, &Options::without_content(), context)?;
        Ok(Self { path, inspection, place })
    }

    /// The segment.
    ///
    /// # Errors
    /// The dump could not be read, or has no such segment.
    pub(super) fn segment(&self) -> Result<InspectedSegment<'_>, Failure> {
        match &self.inspection.report().error {
            Some(error) => Err(self.failure(&error.message)),
            None => self.inspection.select(&self.place).map_err(|error| self.failure(error)),
        }
    }

    /// A failure that names the dump.
    pub(super) fn failure(&self, what: impl std::fmt::Display) -> Failure {
        Failure::new(format!("{}: {what}", self.inspection.report().path.path))
    }
}

/// The segment that a word names.
pub(super) fn place(word: &str) -> Result<Place, Failure> {
    word.parse().map_err(|error: PlaceError| Failure::new(error.to_string()))
}

/// From here on a mapped dump that shrinks ends the program with a line that names it.
pub(super) fn guard(path: &Path) -> Result<(), Failure> {
    die_clearly_when_a_mapped_file_shrinks(shown(path).as_ref())
        .map_err(|errno| Failure::new(format!("cannot handle SIGBUS: {errno}")))
}

/// Tells the warnings of `dump`; not those that the reason for an empty listing says anyway, nor where JSON has them.
pub(super) fn tell_warnings(dump: &Dump, context: &mut Context<'_>) {
    if context.quiet || !context.output.for_people {
        return;
    }
    let nothing = dump.nothing_found().unwrap_or_default();
    // The listing itself says what it means that segments were found by content.
    let listed = |warning: &&Warning| warning.code == "unnamed" && !dump.segments.is_empty();
    let warnings = dump.warnings.iter().filter(|warning| !listed(warning));
    for warning in warnings.filter(|warning| !nothing.contains(&warning.message)) {
        context.tell(format_args!("{}: warning: {}", dump.path.path, warning.message));
    }
}

/// A path as it may be shown on a terminal.
pub(super) fn shown(path: &Path) -> String {
    Printable(path.as_os_str().as_encoded_bytes()).to_string()
}

/// Each folder of several dumps becomes these, by name; a folder of one dump stays, for what else its handler put there.
pub(super) fn unfolded(named: Vec<Named>) -> Vec<Named> {
    let unfold = |named: Named| {
        let is_folder = process_of(&named.dump).is_none() && named.dump.is_dir();
        let dumps = if is_folder { source::dumps_in(&named.dump).unwrap_or_default() } else { Vec::new() };
        match dumps.len() {
            0 | 1 => vec![named],
            _ => dumps.into_iter().map(|dump| Named { dump, program: named.program.clone() }).collect(),
        }
    };
    named.into_iter().flat_map(unfold).collect()
}

fn is_program(path: &Path) -> bool {
    let format = MappedFile::open(path).ok().and_then(|file| source::Format::of(&file).ok());
    format == Some(source::Format::ElfProgram)
}
