//! The bytes of a segment, as a file.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::dumps::{self, DumpFlags, OneSegment};
use super::new_file::NewFile;
use super::output::write_json;
use super::show::Window;
use super::{Context, Execute, Failure, Status};
use crate::inspection::{InspectedSegment, Inspection};
use crate::position::{Interval, Position, SegmentOffset};
use crate::report::{Hole, Holes, SCHEMA};

/// Writes the bytes of a segment to a sparse file of mode 0600. Missing bytes become holes, and coreinspect lists them.
#[derive(Args, Debug)]
pub(super) struct Extract {
    /// The dump (or its program and then the dump), and which segment: a key in any spelling, @ADDRESS, or its number.
    #[arg(value_name = "DUMP", required = true, allow_negative_numbers = true)]
    words: Vec<OsString>,
    #[command(flatten)]
    dump: DumpFlags,
    /// The file to write; - is standard output. It must not exist, unless you give --force.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    window: Window,
}

impl Execute for Extract {
    fn execute(self, context: &mut Context<'_>) -> Result<Status, Failure> {
        let named = OneSegment::read(self.words.clone(), self.dump.dump().as_ref(), context)?;
        let segment = named.segment()?;
        let plan = Plan { segment, window: self.window.of(segment.memory)? };
        if self.output.as_deref().is_some_and(|path| path.as_os_str() == "-") {
            plan.to_stdout(context)?;
            plan.tell_missing("zeroes", context);
            return Ok(Status::Found);
        }
        let path = self.output.clone().unwrap_or_else(|| default_name(&named.inspection, segment));
        // Both files are begun before either is written: one without the other would mislead.
        let mut file = NewFile::create(&path, context.force, [named.path.as_path()])?;
        let holes = plan.holes(&path, &named.path, context)?;
        plan.to_file(&mut file)?;
        file.finish()?;
        holes.finish()?;
        plan.tell_missing("a hole", context);
        if !context.quiet {
            context.tell(format_args!("wrote {} bytes to {}", plan.window.length(), dumps::shown(&path)));
        }
        Ok(Status::Found)
    }
}

/// `SYSV7800c028.bin`, with the segment's number where several have its key; `segment.1.bin` without a key, also of what has a
/// name: no name of a dump becomes a file's.
fn default_name(inspection: &Inspection, segment: InspectedSegment<'_>) -> PathBuf {
    let number = segment.number();
    let same_key = inspection.segments().filter(|other| other.memory.key == segment.memory.key).count();
    PathBuf::from(match (segment.memory.key.map(|key| key.bits()), same_key) {
        (Some(key), 1) => format!("SYSV{key:08x}.bin"),
        (Some(key), _) => format!("SYSV{key:08x}.{number}.bin"),
        (None, _) => format!("segment.{number}.bin"),
    })
}

/// `FILE.json`, until the bytes stand at their place: a copy that fails leaves the old pair as it was.
enum HolesFile {
    /// There are holes.
    New(NewFile),
    /// There are none, and a file of an earlier run speaks of some.
    Obsolete(PathBuf),
    /// There are none.
    None,
}

impl HolesFile {
    fn finish(self) -> Result<(), Failure> {
        match self {
            Self::New(file) => file.finish(),
            Self::Obsolete(path) => std::fs::remove_file(&path)
                .map_err(|error| Failure::new(format!("cannot remove {}: {error}", dumps::shown(&path)))),
            Self::None => Ok(()),
        }
    }
}

/// What is written: a part of a segment.
struct Plan<'a> {
    segment: InspectedSegment<'a>,
    window: Interval<SegmentOffset>,
}

/// Bytes beyond which what no attachment covers is not written out as zeroes: somebody would wait for ever.
const MOST_ZEROES: u64 = 1 << 30;

impl Plan<'_> {
    /// The tiles that are missing, and why.
    fn gaps(&self) -> impl Iterator<Item = (Interval<SegmentOffset>, &'static str)> {
        self.segment.memory.tiles(self.window).filter_map(|tile| Some((tile.offsets, tile.missing()?)))
    }

    /// The offset in the output of an offset of the segment.
    fn in_output(&self, offset: SegmentOffset) -> u64 {
        offset.offset_from(self.window.start()).unwrap_or(0)
    }

    /// What the output has as holes although the segment may have bytes there.
    fn missing(&self) -> Vec<Hole> {
        let hole = |(offsets, reason): (Interval<SegmentOffset>, _)| Hole {
            start: self.in_output(offsets.start()),
            end: self.in_output(offsets.end()),
            reason,
        };
        self.gaps().map(hole).collect()
    }

    /// Names what is missing, by its offsets in the segment, and what stands in its place.
    fn tell_missing(&self, instead: &str, context: &mut Context<'_>) {
        const NAMED: usize = 8;
        if context.quiet {
            return;
        }
        for (offsets, reason) in self.gaps().take(NAMED) {
            context.tell(format_args!(
                "warning: {} bytes at offset {offsets} are not in the dump ({reason}): {instead}",
                offsets.length(),
            ));
        }
        let more = self.gaps().count().saturating_sub(NAMED);
        if more > 0 {
            context.tell(format_args!("warning: and {more} more runs are missing"));
        }
    }

    /// What becomes of `FILE.json`, which names the holes.
    fn holes(&self, path: &Path, dump_path: &Path, context: &Context<'_>) -> Result<HolesFile, Failure> {
        let mut json = path.to_owned().into_os_string();
        json.push(".json");
        let json = Path::new(&json);
        let missing = self.missing();
        if missing.is_empty() {
            if json.symlink_metadata().is_err() {
                return Ok(HolesFile::None);
            }
            if !context.force {
                let name = dumps::shown(json);
                let message =
                    format!("{name} exists and would list holes that are not there; --force removes it");
                return Err(Failure::new(message));
            }
            return Ok(HolesFile::Obsolete(json.to_owned()));
        }
        let holes = Holes {
            schema: SCHEMA,
            key: self.segment.memory.key.map(|key| key.to_string()),
            size: self.window.length(),
            missing,
        };
        let mut file = NewFile::create(json, context.force, [dump_path])?;
        write_json(&holes, &mut file)?;
        Ok(HolesFile::New(file))
    }

    fn to_file(&self, file: &mut NewFile) -> Result<(), Failure> {
        file.write(|file| {
            for tile in self.segment.memory.tiles(self.window) {
                let Some(range) = tile.saved_at() else { continue };
                file.seek(SeekFrom::Start(self.in_output(tile.offsets.start())))?;
                self.segment.target.copy(range, file).map_err(|error| match error {
                    crate::Error::Read { source, .. } => source,
                    error => io::Error::other(error),
                })?;
            }
            let length = self.window.length();
            file.set_len(length).map_err(|error| {
                io::Error::other(format!(
                    "a file of {length} bytes ({error}); narrow it with --at and --length"
                ))
            })
        })
    }

    fn to_stdout(&self, context: &mut Context<'_>) -> Result<(), Failure> {
        if io::stdout().is_terminal() && !context.force {
            return Err(Failure::new("standard output is a terminal; pipe it, name a file, or say --force"));
        }
        let unmapped = self.gaps().filter(|(_, reason)| *reason == "not-mapped");
        if let Some((offsets, _)) = unmapped.into_iter().find(|(offsets, _)| offsets.length() > MOST_ZEROES) {
            let message =
                format!("nothing is mapped at offset {offsets}; skip it with --at, or write to a file");
            return Err(Failure::new(message));
        }
        for tile in self.segment.memory.tiles(self.window) {
            match tile.missing() {
                Some(_) => zeroes(tile.offsets.length(), &mut context.out)?,
                None => self.segment.memory.read_tile(self.segment.target, &tile, |bytes| {
                    context.out.write_all(bytes).map_err(Failure::from)
                })?,
            }
        }
        Ok(())
    }
}

fn zeroes(mut count: u64, out: &mut dyn Write) -> io::Result<()> {
    let zeroes = [0; 4096];
    while count > 0 {
        let length = usize::try_from(count).unwrap_or(usize::MAX).min(zeroes.len());
        out.write_all(zeroes.get(..length).unwrap_or_default())?;
        count = count.saturating_sub(length as u64);
    }
    Ok(())
}
