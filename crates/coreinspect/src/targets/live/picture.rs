//! The segments of processes as they were at one moment, in an unlinked file.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::Duration;

use super::{Area, LiveTarget};
use crate::error::{Error, Warning};
use crate::position::{Address, Interval, Position};
use crate::proc_files::ProcessFolder;
use crate::stopped::while_stopped;
use crate::targets::{FoundBy, Target};

/// What the segments of a process held while it stood still.
#[derive(Debug)]
pub(super) struct Picture {
    copy: Arc<File>,
    /// By address: the mapping, where its copy begins, and how much of it could be copied.
    parts: Vec<(Interval<Address>, u64, u64)>,
}

impl Picture {
    /// Whether it has the mapping at `range`.
    pub(super) fn has(&self, range: Interval<Address>) -> bool {
        self.part(range.start()).is_some()
    }

    /// The bytes at `at`; `None` where it has no copy.
    pub(super) fn read(&self, at: Address, into: &mut [u8]) -> Option<usize> {
        let (range, place, copied) = self.part(at)?;
        let inside = at.offset_from(range.start())?;
        let left = usize::try_from(copied.saturating_sub(inside)).unwrap_or(usize::MAX);
        let length = into.len().min(left);
        let count = self.copy.read_at(into.get_mut(..length)?, place.checked_add(inside)?);
        Some(count.unwrap_or(0))
    }

    fn part(&self, at: Address) -> Option<(Interval<Address>, u64, u64)> {
        let after = self.parts.partition_point(|(range, ..)| range.start() <= at);
        self.parts.get(after.checked_sub(1)?).copied().filter(|(range, ..)| range.contains(at))
    }
}

/// Takes a picture of all `targets` while all stand still; tells for how long they did.
pub(super) fn take(targets: &mut [LiveTarget]) -> Result<Duration, Error> {
    let pid = targets.first().map_or(0, |target| target.folder.pid());
    let failed = |source| Error::Process { pid, what: "its segments into a file of their own", source };
    let mut copy = tempfile::tempfile().map_err(failed)?;
    // All that takes time and can be done before is done; what changed since is done again.
    let folders = targets
        .iter()
        .map(|target| ProcessFolder::open(target.folder.pid()))
        .collect::<Result<Vec<_>, _>>()?;
    let folders: Vec<_> = folders.iter().collect();
    let (parts, paused) = while_stopped(&folders, |_| {
        let mut all = Vec::new();
        for target in targets.iter_mut() {
            if target.folder.read("maps").is_ok_and(|maps| maps != target.maps) {
                *target = LiveTarget::open(target.folder.pid(), &target.kinds)?;
            }
            all.push(copy_segments(target, &mut copy).map_err(failed)?);
        }
        Ok::<_, Error>(all)
    })?;
    let copy = Arc::new(copy);
    for (target, parts) in targets.iter_mut().zip(parts?) {
        target.picture = Some(Picture { copy: Arc::clone(&copy), parts });
        let message = format!(
            "the process was stopped for {:.1} ms while its segments were copied; others that attach them kept running, unless you named them too",
            paused.as_secs_f64() * 1000.0
        );
        target.warnings.retain(|warning| warning.code != "live");
        target.warnings.insert(0, Warning::new("stopped", message));
    }
    Ok(paused)
}

/// The part of a segment that a mapping shows: the same for all mappings of it in one process.
type Shown<'a> = (u64, &'a [u8], u64, u64);

fn copy_segments(target: &LiveTarget, copy: &mut File) -> io::Result<Vec<(Interval<Address>, u64, u64)>> {
    let mut parts = Vec::new();
    let mut copied = HashMap::<Shown<'_>, (u64, u64)>::new();
    for (area, found_by) in target.segments() {
        let shown = shown(area, found_by);
        let (place, length) = match shown.and_then(|shown| copied.get(&shown)) {
            Some(known) => *known,
            None => {
                let place = copy.seek(SeekFrom::End(0))?;
                let length = copy_area(target, area.range, place, copy)?;
                copied.extend(shown.map(|shown| (shown, (place, length))));
                (place, length)
            }
        };
        if length > 0 {
            parts.push((area.range, place, length));
        }
    }
    Ok(parts)
}

/// What tells that two mappings show the same bytes; only a device is proof of that.
fn shown(area: &Area, found_by: FoundBy) -> Option<Shown<'_>> {
    (found_by == FoundBy::Device)
        .then(|| (area.inode, area.name.as_slice(), area.offset, area.range.length()))
}

/// Copies the bytes at `range` to `place`, holes as holes; answers how many there are, holes too.
fn copy_area(target: &LiveTarget, range: Interval<Address>, place: u64, copy: &mut File) -> io::Result<u64> {
    const BLOCK: u64 = 256 << 10;
    let mut block = vec![0; usize::try_from(range.length().min(BLOCK)).unwrap_or(0)];
    let mut at = range.start();
    while let Some(rest) = Interval::new(at, range.end()).filter(|rest| !rest.is_empty()) {
        let data = target.data(rest);
        at = data.start();
        let inside = at.offset_from(range.start()).unwrap_or(0);
        let wanted = usize::try_from(data.length()).unwrap_or(usize::MAX).min(block.len());
        if wanted == 0 {
            continue;
        }
        let count = target.read(at, block.get_mut(..wanted).unwrap_or_default()).unwrap_or(0);
        let Some(bytes) = block.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
        copy.seek(SeekFrom::Start(place.saturating_add(inside)))?;
        copy.write_all(bytes)?;
        at = at.checked_add(count as u64).unwrap_or(range.end());
    }
    let length = at.offset_from(range.start()).unwrap_or(0);
    let end = place.saturating_add(length);
    if copy.metadata()?.len() < end {
        copy.set_len(end)?;
    }
    Ok(length)
}
