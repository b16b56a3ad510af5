//! A core that `coreinspect fill` completed with bytes of others: what it held before is read as it was, and the note of what was
//! filled says which bytes stand beside that.

use std::fs::File;
use std::sync::Arc;

use super::{AuxiliaryVector, CoreTarget, Identity, Mapping, Target};
use crate::error::{Error, Warning};
use crate::memory::{Extent, Permissions};
use crate::position::{Address, Coverage, FileOffset, Interval, Position};
use crate::process::Process;
use crate::sidecar::{FILL, FillNote, FillSource};
use crate::source::{BeforeFill, Source};
use crate::thread::Thread;

/// Cores that were filled, and filled again: as many are read inside one another.
const MOST_TIMES: u8 = 8;
/// Bytes of a note at most: that of some 200,000 ranges.
const MOST: usize = 64 << 20;

/// Memory whose bytes stand at `at` in the file, and the index of where they are from.
#[derive(Clone, Copy, Debug)]
struct Fill {
    range: Interval<Address>,
    at: FileOffset,
    from: usize,
}

/// A core and what it was filled with. What the core itself holds comes first.
pub struct Filled {
    core: Box<dyn Target>,
    source: Arc<dyn Source>,
    identity: Identity,
    /// Sorted, without overlap.
    fills: Vec<Fill>,
    from: Vec<FillSource>,
    warnings: Vec<Warning>,
}

/// The core in `source`, and what it was filled with if it was.
///
/// # Errors
/// Those of [`CoreTarget::read`]. A note that cannot be used is a warning.
pub(super) fn open(source: Arc<dyn Source>) -> Result<Box<dyn Target>, Error> {
    opened(source, MOST_TIMES)
}

fn opened(source: Arc<dyn Source>, times: u8) -> Result<Box<dyn Target>, Error> {
    let core = CoreTarget::read(Arc::clone(&source))?;
    let Some(range) = core.fill_note() else { return Ok(Box::new(core)) };
    let damaged = |why: String| {
        let message = format!(
            "the note of what coreinspect fill added cannot be used, so bytes that were filled count as saved: {why}"
        );
        Warning::new("filled", message)
    };
    let note = match range.length() > MOST as u64 {
        true => Err(format!("it has {} bytes, more than {MOST}", range.length())),
        false => source.bytes(range).map_err(|error| error.to_string()).and_then(|json| read(&json)),
    };
    let note = match note {
        Ok(note) if times > 0 => note,
        Ok(_) => {
            return Ok(Box::new(core.warned(damaged(format!("it was filled more than {MOST_TIMES} times")))));
        }
        Err(why) => return Ok(Box::new(core.warned(damaged(why)))),
    };
    let header = bytes_of(&note.core.header);
    let before = header.and_then(|header| BeforeFill::new(Arc::clone(&source), header, note.core.size));
    let before = before.ok_or_else(|| "the core before it was filled cannot be told".to_owned());
    match before.and_then(|before| {
        opened(Arc::new(before), times.saturating_sub(1)).map_err(|error| error.to_string())
    }) {
        Ok(core) => Ok(Box::new(Filled::new(core, source, note))),
        Err(why) => Ok(Box::new(core.warned(damaged(why)))),
    }
}

/// The note in `json`.
fn read(json: &[u8]) -> Result<FillNote, String> {
    let note: FillNote = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    match note.format == FILL {
        true => Ok(note),
        false => Err(format!("its format is not {FILL}")),
    }
}

/// The bytes that `hex` writes, two digits each.
fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    let (digits, rest) = hex.as_bytes().as_chunks::<2>();
    let byte = |digits: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
    rest.is_empty().then(|| digits.iter().map(byte).collect()).flatten()
}

fn address(text: &str) -> Option<Address> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok().map(Address::new)
}

/// The names of sources, as many as a line has room for.
fn names(from: &[FillSource]) -> String {
    const NAMED: usize = 4;
    let mut names: Vec<_> = from.iter().take(NAMED).map(|from| from.name.clone()).collect();
    let more = from.len().saturating_sub(NAMED);
    names.extend((more > 0).then(|| format!("{more} more")));
    names.join(", ")
}

impl Filled {
    fn new(core: Box<dyn Target>, source: Arc<dyn Source>, note: FillNote) -> Self {
        let mut from = core.filled_from().to_vec();
        let first = from.len();
        from.extend(note.sources);
        let mut fills: Vec<Fill> = Vec::new();
        let mut covered = Coverage::default();
        let mut lost = 0_usize;
        for fill in note.fills {
            let place = || {
                let range = Interval::new(address(&fill.start)?, address(&fill.end)?)?;
                let end = fill.at.checked_add(range.length())?;
                let known = first.checked_add(fill.source).filter(|source| *source < from.len())?;
                (fill.at >= note.core.size && end <= source.size()).then_some((range, known))
            };
            let Some((range, from)) = place() else {
                lost = lost.saturating_add(1);
                continue;
            };
            covered.add(range, |part| {
                let behind = part.start().offset_from(range.start()).unwrap_or(0);
                let at = FileOffset::new(fill.at.saturating_add(behind));
                fills.push(Fill { range: part, at, from });
            });
        }
        fills.sort_unstable_by_key(|fill| fill.range.start());
        let mut warnings = core.warnings().to_vec();
        if lost > 0 {
            let message = format!(
                "{lost} of the ranges that coreinspect fill noted are not in the file; they are left out"
            );
            warnings.push(Warning::new("filled", message));
        }
        if !fills.is_empty() {
            let bytes = fills.iter().fold(0_u64, |sum, fill| sum.saturating_add(fill.range.length()));
            let message = format!(
                "{bytes} bytes of its memory are not of this dump: coreinspect fill took them from {}",
                names(from.get(first..).unwrap_or_default())
            );
            warnings.push(Warning::new("filled", message));
        }
        let identity = Identity { file_size: Some(source.size()), ..core.identity().clone() };
        Self { core, source, identity, fills, from, warnings }
    }

    /// The fills of `range`, cut to it.
    fn fills_in(&self, range: Interval<Address>) -> impl Iterator<Item = Fill> + '_ {
        let first = self.fills.partition_point(|fill| fill.range.end() <= range.start());
        let inside = self.fills.iter().skip(first).take_while(move |fill| fill.range.start() < range.end());
        inside.filter_map(move |fill| {
            let part = fill.range.intersection(range).filter(|part| !part.is_empty())?;
            let at = fill.at.checked_add(part.start().offset_from(fill.range.start())?)?;
            Some(Fill { range: part, at, from: fill.from })
        })
    }

    /// The first part of `range` that is there, and where it was filled; `None` if its start is missing.
    fn part(&self, range: Interval<Address>) -> Option<(Interval<Address>, Option<Fill>)> {
        let own = self.core.memory(range).into_iter().next()?;
        if own.is_there() {
            return Some((own.range, None));
        }
        let fill = self.fills_in(own.range).next().filter(|fill| fill.range.start() == range.start())?;
        Some((fill.range, Some(fill)))
    }
}

impl Target for Filled {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn process(&self) -> &Process {
        self.core.process()
    }

    fn threads(&self) -> &[Thread] {
        self.core.threads()
    }

    fn mappings(&self) -> Option<Box<dyn Iterator<Item = Mapping<'_>> + '_>> {
        self.core.mappings()
    }

    fn regions(&self) -> Vec<Interval<Address>> {
        self.core.regions()
    }

    fn permissions(&self, range: Interval<Address>) -> Option<Permissions> {
        self.core.permissions(range)
    }

    fn auxiliary(&self) -> AuxiliaryVector {
        self.core.auxiliary()
    }

    fn filled_from(&self) -> &[FillSource] {
        &self.from
    }

    fn memory(&self, range: Interval<Address>) -> Vec<Extent> {
        let mut all = Vec::new();
        for extent in self.core.memory(range) {
            if extent.is_there() {
                all.push(extent);
                continue;
            }
            let mut at = extent.range.start();
            for fill in self.fills_in(extent.range) {
                let gap = Interval::new(at, fill.range.start()).filter(|gap| !gap.is_empty());
                all.extend(gap.map(|range| Extent { range, ..extent }));
                at = fill.range.end();
                all.push(Extent { range: fill.range, filled: Some(fill.from), ..extent });
            }
            let rest = Interval::new(at, extent.range.end()).filter(|rest| !rest.is_empty());
            all.extend(rest.map(|range| Extent { range, ..extent }));
        }
        all
    }

    fn read(&self, at: Address, into: &mut [u8]) -> Result<usize, Error> {
        let mut done = 0_usize;
        while let Some(rest) = into.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let Some(at) = at.checked_add(done as u64) else { break };
            let Some((part, fill)) = self.part(Interval::clamped(at, rest.len() as u64)) else { break };
            let length = usize::try_from(part.length()).unwrap_or(usize::MAX).min(rest.len());
            let Some(rest) = rest.get_mut(..length).filter(|rest| !rest.is_empty()) else { break };
            let count = match fill {
                None => self.core.read(at, rest)?,
                Some(fill) => self.source.read_at(fill.at, rest).map_err(|source| Error::Read {
                    what: "the filled memory",
                    at: fill.at,
                    source,
                })?,
            };
            done = done.saturating_add(count);
            if count < length {
                break;
            }
        }
        Ok(done)
    }

    fn data(&self, range: Interval<Address>) -> Interval<Address> {
        match self.part(range) {
            Some((part, None)) if part == range => self.core.data(range),
            _ => range,
        }
    }

    fn copy(&self, range: Interval<Address>, file: &mut File) -> Result<(), Error> {
        let mut at = range.start();
        while let Some(rest) = Interval::new(at, range.end()).filter(|rest| !rest.is_empty()) {
            let Some((part, fill)) = self.part(rest).filter(|(part, _)| !part.is_empty()) else { break };
            match fill {
                None => self.core.copy(part, file)?,
                Some(fill) => {
                    let place = Interval::clamped(fill.at, part.length());
                    self.source.copy(place, file).map_err(|source| Error::Read {
                        what: "the filled memory",
                        at: fill.at,
                        source,
                    })?;
                }
            }
            at = part.end();
        }
        Ok(())
    }

    fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}
