//! A segment made again from a dump, alive in this kernel.

mod posix;

use std::ffi::OsString;
use std::io::Write;

use clap::Args;
use shmcore::{Access, Attachment, Key, OwnedSegment, Permissions};

use self::posix::PosixFile;
use super::dumps::{DumpFlags, OneSegment};
use super::{Context, Execute, Failure, Status};
use crate::inspection::InspectedSegment;
use crate::kind::Kind;
use crate::position::{Address, Interval, Position, SegmentOffset};
use crate::report::{Hole, MadeAs, RestoredSegment};
use crate::shm::{Segment, Tile};
use crate::targets::Target;

/// Creates a segment again from its saved bytes, so that a program can work on what a dead process left. POSIX shared memory is
/// made under its name.
#[derive(Args, Debug)]
pub(super) struct Restore {
    /// The dump (or its program and then the dump), and which segment: a key in any spelling, @ADDRESS, or its number.
    #[arg(value_name = "DUMP", required = true, allow_negative_numbers = true)]
    words: Vec<OsString>,
    #[command(flatten)]
    dump: DumpFlags,
    /// Create it under this key, in any spelling, not under its own. With 0 (IPC_PRIVATE) only its shmid names it.
    #[arg(long, value_name = "KEY", allow_negative_numbers = true)]
    key: Option<String>,
    /// Make it as POSIX shared memory of this name, /NAME as shm_open takes it. What is POSIX gets its own name without this.
    #[arg(long, value_name = "NAME", conflicts_with = "key")]
    name: Option<String>,
}

/// Where bytes are written to.
trait Destination {
    /// Writes `bytes` at `offset`.
    fn write(&self, offset: usize, bytes: &[u8]) -> Result<(), Failure>;
}

impl Destination for Attachment {
    fn write(&self, offset: usize, bytes: &[u8]) -> Result<(), Failure> {
        Attachment::write(self, offset, bytes).map_err(|error| Failure::new(error.to_string()))
    }
}

impl Execute for Restore {
    fn execute(self, context: &mut Context<'_>) -> Result<Status, Failure> {
        let key = self.key.as_deref().map(str::parse::<Key>).transpose();
        let key = key.map_err(|error| Failure::new(error.to_string()))?;
        let named = OneSegment::read(self.words, self.dump.dump().as_ref(), context)?;
        let kind = named.segment()?.memory.kind;
        if self.name.is_some() || key.is_none() && kind != Kind::SystemV {
            return restore_posix(&named, self.name.as_deref(), context);
        }
        restore(&named, key, context)
    }
}

/// What a segment was, as far as the dump knows.
struct Before {
    size: u64,
    size_known: bool,
    permissions: Permissions,
}

impl Before {
    fn of(segment: &Segment) -> Self {
        let known = segment.facts.size.filter(|size| *size > 0);
        let permissions = segment.facts.permissions;
        Self {
            size: known.unwrap_or_else(|| segment.end().get()),
            size_known: known.is_some(),
            permissions: permissions.map_or(Permissions::OWNER, |known| Permissions::from_bits(known.mode())),
        }
    }
}

fn restore(named: &OneSegment, key: Option<Key>, context: &mut Context<'_>) -> Result<Status, Failure> {
    let chosen = named.segment()?;
    let key = key.or(chosen.memory.key).unwrap_or(Key::PRIVATE);
    let before = Before::of(chosen.memory);
    let bytes = usize::try_from(before.size)
        .map_err(|_| named.failure("the segment is larger than this machine's memory can be"))?;
    let made =
        shmcore::Segment::create(key, bytes, before.permissions).map_err(|error| taken(key, &error))?;
    // Gone again unless all goes well.
    let made = OwnedSegment::new(made);
    let attachment = made.attach(Access::ReadWrite).map_err(|error| Failure::new(error.to_string()))?;
    let written = write(&chosen, before.size, &attachment)?;
    attachment.detach().map_err(|error| Failure::new(error.to_string()))?;
    tell((named, &chosen), MadeAs::SystemV(key, made.id()), &before, written, context)?;
    made.keep();
    Ok(Status::Found)
}

/// Makes the segment again as a file of shm_open(3).
fn restore_posix(
    named: &OneSegment,
    name: Option<&str>,
    context: &mut Context<'_>,
) -> Result<Status, Failure> {
    let chosen = named.segment()?;
    let before = Before::of(chosen.memory);
    let name = posix::name(name, chosen.memory)?;
    let made = PosixFile::create(name, before.size, before.permissions.mode())?;
    let written = write(&chosen, before.size, &made)?;
    tell((named, &chosen), MadeAs::Posix(&made.path()), &before, written, context)?;
    made.keep();
    Ok(Status::Found)
}

/// Writes the first `size` bytes of a segment; answers how many the dump has, and what it lacks.
fn write(
    chosen: &InspectedSegment<'_>,
    size: u64,
    into: &dyn Destination,
) -> Result<(u64, Vec<Hole>), Failure> {
    let window = Interval::clamped(SegmentOffset::new(0), size);
    let mut missing = Vec::new();
    let mut written = 0_u64;
    for tile in chosen.memory.tiles(window) {
        match tile.missing() {
            Some(reason) => {
                let (start, end) = (tile.offsets.start().get(), tile.offsets.end().get());
                missing.push(Hole { start, end, reason });
            }
            None => {
                copy(chosen.target, &tile, into)?;
                written = written.saturating_add(tile.offsets.length());
            }
        }
    }
    Ok((written, missing))
}

/// Copies the bytes of `tile` that may be something else than zero, which a new segment is all over.
fn copy(target: &dyn Target, tile: &Tile, into: &dyn Destination) -> Result<(), Failure> {
    let Some(range) = tile.saved_at() else { return Ok(()) };
    let mut block = vec![0; 256 << 10];
    let mut at = range.start();
    while let Some(data) = rest(at, range).map(|rest| target.data(rest)).filter(|data| !data.is_empty()) {
        let wanted = usize::try_from(data.length()).unwrap_or(usize::MAX).min(block.len());
        let count = target.read(data.start(), block.get_mut(..wanted).unwrap_or_default())?;
        let offset = data.start().offset_from(range.start());
        let offset = offset.and_then(|offset| tile.offsets.start().get().checked_add(offset));
        let offset = offset.and_then(|offset| usize::try_from(offset).ok());
        let (Some(offset), Some(next)) = (offset, data.start().checked_add(count as u64)) else { break };
        let bytes = block.get(..count).unwrap_or_default();
        if count == 0 {
            return Err(Failure::new("the dump became shorter while it was read"));
        }
        // A page that nobody writes to takes no memory.
        for (number, page) in bytes.chunks(4096).enumerate() {
            if page.iter().any(|byte| *byte != 0) {
                let offset = offset.saturating_add(number.saturating_mul(4096));
                into.write(offset, page)?;
            }
        }
        at = next;
    }
    Ok(())
}

/// What is left of `range` from `at` on.
fn rest(at: Address, range: Interval<Address>) -> Option<Interval<Address>> {
    Interval::new(at, range.end()).filter(|rest| !rest.is_empty())
}

/// Why the segment could not be made; of a key that is taken, by whom.
fn taken(key: Key, error: &shmcore::Error) -> Failure {
    let holder = match error {
        shmcore::Error::Exists { .. } => shmcore::Segment::open(key).ok(),
        _ => None,
    };
    Failure::new(match holder {
        Some(holder) => {
            let id = holder.id();
            format!(
                "the key {key} is taken by the segment with shmid {id}; remove that (`ipcrm -m {id}`) or name another (--key)"
            )
        }
        None => error.to_string(),
    })
}

/// Tells what was made: only then may it stay, for who does not learn of it could not remove it.
fn tell(
    (named, chosen): (&OneSegment, &InspectedSegment<'_>),
    made: MadeAs<'_>,
    before: &Before,
    bytes: (u64, Vec<Hole>),
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let size = (before.size, before.size_known);
    let dump = (named.path.as_path(), chosen.number());
    let restored = RestoredSegment::new(dump, made, size, before.permissions, bytes);
    context.print(&restored)?;
    tell_missing(&restored, context);
    Ok(context.out.flush()?)
}

fn tell_missing(restored: &RestoredSegment, context: &mut Context<'_>) {
    const NAMED: usize = 8;
    if context.quiet {
        return;
    }
    for hole in restored.missing.iter().take(NAMED) {
        let Hole { start, end, reason } = hole;
        let bytes = end.saturating_sub(*start);
        context.tell(format_args!(
            "warning: {bytes} bytes at offset {start:#x}-{end:#x} are not in the dump ({reason}): left zero"
        ));
    }
    let more = restored.missing.len().saturating_sub(NAMED);
    if more > 0 {
        context.tell(format_args!("warning: and {more} more runs are missing"));
    }
    if !restored.size_known {
        context.tell("the dump does not hold the size that shmget was asked for, so the new segment has that of the mapping, in whole pages");
    }
}
