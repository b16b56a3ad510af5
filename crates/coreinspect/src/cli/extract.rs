//! The bytes of a segment, as a file.

use std::io::{self, IsTerminal, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::inspect::guard;
use super::new_file::NewFile;
use super::show::Window;
use super::{Context, Execute, Failure, Status, dumps};
use crate::memory::Dumped;
use crate::position::{Address, Interval, Position, SegmentOffset};
use crate::render::json;
use crate::report::{Dump, Hole, Holes, Options, SCHEMA, Selector};
use crate::shm::{Piece, Segment, SharedMemory};
use crate::target::{CoreTarget, Target};

/// Writes the bytes of a segment to a sparse file of mode 0600. What is missing is a hole, and is named.
#[derive(Args, Debug)]
pub(super) struct Extract {
    /// The dump.
    #[arg(value_name = "DUMP")]
    dump: PathBuf,
    /// Which segment: a key in any spelling, @ADDRESS, or '#N'.
    #[arg(value_name = "SEGMENT", allow_negative_numbers = true)]
    segment: Selector,
    /// The file to write; - is standard output. It must not exist, unless --force is given.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    window: Window,
}

impl Execute for Extract {
    fn execute(self, context: &mut Context<'_>) -> Result<Status, Failure> {
        guard(&self.dump)?;
        let of_dump =
            |error: &dyn std::fmt::Display| Failure::new(format!("{}: {error}", dumps::shown(&self.dump)));
        let source = dumps::open(&self.dump).map_err(|error| of_dump(&error))?;
        let target = CoreTarget::read(&source).map_err(|error| of_dump(&error))?;
        let memory = SharedMemory::of(&target);
        let no_content = Options { no_content: true, ..Options::default() };
        let report = Dump::of(&self.dump, &target, &memory, &no_content).map_err(|error| of_dump(&error))?;
        let chosen = self.segment.segment(&report).map_err(|error| of_dump(&error))?;
        let number = chosen.number;
        let segment = number.checked_sub(1).and_then(|index| memory.segments.get(index));
        let segment = segment.ok_or_else(|| of_dump(&"the segment is gone"))?;
        let window = self.window.of(segment)?;
        let plan = Plan { target: &target, segment, window };
        let key_is_shared = report.segments.iter().filter(|other| other.key == chosen.key).count() > 1;
        let path = match &self.output {
            Some(path) if path.as_os_str() == "-" => {
                plan.to_stdout(context)?;
                plan.tell_missing(context);
                return Ok(Status::Found);
            }
            Some(path) => path.clone(),
            None if key_is_shared => PathBuf::from(format!("SYSV{:08x}.{number}.bin", segment.key.bits())),
            None => PathBuf::from(format!("SYSV{:08x}.bin", segment.key.bits())),
        };
        let mut file = NewFile::create(&path, context.force, [self.dump.as_path()])?;
        let missing = plan.missing();
        let mut json_path = path.clone().into_os_string();
        json_path.push(".json");
        let json_path = Path::new(&json_path);
        // Both files are begun before either is written: one without the other would mislead.
        let json = if missing.is_empty() {
            if json_path.exists() {
                let json = dumps::shown(json_path);
                context.tell(format_args!("warning: {json} is of an earlier file; this one has no holes"));
            }
            None
        } else {
            let holes =
                Holes { schema: SCHEMA, key: segment.key.to_string(), size: window.length(), missing };
            let mut json = NewFile::create(json_path, context.force, [self.dump.as_path()])?;
            json.write(|file| {
                json::pretty(&holes, file)?;
                file.write_all(b"\n")
            })?;
            Some(json)
        };
        plan.to_file(&mut file)?;
        file.finish()?;
        json.map_or(Ok(()), NewFile::finish)?;
        plan.tell_missing(context);
        if !context.quiet {
            context.tell(format_args!("wrote {} bytes to {}", window.length(), dumps::shown(&path)));
        }
        Ok(Status::Found)
    }
}

/// What is written: a part of a segment.
struct Plan<'a> {
    target: &'a dyn Target,
    segment: &'a Segment,
    window: Interval<SegmentOffset>,
}

impl Plan<'_> {
    /// The pieces in the window, each with the part of it that lies there.
    fn parts(&self) -> impl Iterator<Item = (&Piece, Interval<SegmentOffset>)> {
        self.segment
            .pieces()
            .iter()
            .filter_map(|piece| Some((piece, piece.offsets.intersection(self.window)?)))
    }

    /// The offset in the output of an offset of the segment.
    fn in_output(&self, offset: SegmentOffset) -> u64 {
        offset.offset_from(self.window.start()).unwrap_or(0)
    }

    /// What the output has as holes although the segment may have bytes there.
    fn missing(&self) -> Vec<Hole> {
        let mut holes = Vec::new();
        let mut at = self.window.start();
        let mut hole = |start, end, reason| {
            let (start, end) = (self.in_output(start), self.in_output(end));
            if start < end {
                holes.push(Hole { start, end, reason });
            }
        };
        for (piece, part) in self.parts() {
            hole(at, part.start(), "not-mapped");
            if let Some(reason) = piece.dumped.reason() {
                hole(part.start(), part.end(), reason);
            }
            at = part.end();
        }
        hole(at, self.window.end(), "not-mapped");
        holes
    }

    fn tell_missing(&self, context: &mut Context<'_>) {
        const NAMED: usize = 8;
        let missing = self.missing();
        for hole in missing.iter().take(NAMED) {
            context.tell(format_args!(
                "warning: {} bytes at {:#x}-{:#x} are not in the dump ({}); they are a hole",
                hole.end - hole.start,
                hole.start,
                hole.end,
                hole.reason
            ));
        }
        if let Some(more) = missing.len().checked_sub(NAMED).filter(|more| *more > 0) {
            context.tell(format_args!("warning: and {more} more holes, named in the .json beside the file"));
        }
    }

    fn to_file(&self, file: &mut NewFile) -> Result<(), Failure> {
        file.write(|file| {
            for (piece, part) in self.parts().filter(|(piece, _)| piece.dumped == Dumped::Saved) {
                file.seek(SeekFrom::Start(self.in_output(part.start())))?;
                let range = addresses(piece, part).ok_or(io::ErrorKind::InvalidInput)?;
                self.target.copy(range, file).map_err(|error| match error {
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
        let mut block = vec![0; 256 << 10];
        let mut at = self.window.start();
        for (piece, part) in self.parts() {
            zeroes(part.start().offset_from(at).unwrap_or(0), context.out)?;
            at = part.start();
            while piece.dumped == Dumped::Saved && at < part.end() {
                let left = usize::try_from(part.end().offset_from(at).unwrap_or(0)).unwrap_or(usize::MAX);
                let wanted = block.len().min(left);
                let Some(into) = block.get_mut(..wanted) else { break };
                let count = self
                    .segment
                    .read(self.target, at, into)
                    .map_err(|error| Failure::new(error.to_string()))?;
                let Some(bytes) = into.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
                context.out.write_all(bytes)?;
                at = at.checked_add(count as u64).unwrap_or(part.end());
            }
            zeroes(part.end().offset_from(at).unwrap_or(0), context.out)?;
            at = part.end();
        }
        zeroes(self.window.end().offset_from(at).unwrap_or(0), context.out)?;
        Ok(())
    }
}

/// The addresses of `part` of `piece`.
fn addresses(piece: &Piece, part: Interval<SegmentOffset>) -> Option<Interval<Address>> {
    let inside = part.start().offset_from(piece.offsets.start())?;
    Interval::with_length(piece.address.checked_add(inside)?, part.length())
}

fn zeroes(mut count: u64, out: &mut dyn Write) -> io::Result<()> {
    let zeroes = [0; 4096];
    while count > 0 {
        let length = usize::try_from(count).unwrap_or(usize::MAX).min(zeroes.len());
        out.write_all(zeroes.get(..length).unwrap_or_default())?;
        count -= length as u64;
    }
    Ok(())
}
