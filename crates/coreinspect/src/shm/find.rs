//! Rows of a target's table that are System V by their names. Those of other kinds: `others.rs`.

use shmcore::Key;

use super::group::{Called, Row, segments};
use super::{Segment, SharedMemory, lookalike, private};
use crate::error::Warning;
use crate::kind::Kind;
use crate::memory::Dumped;
use crate::position::{Address, Interval};
use crate::targets::{FoundBy, Target, Told};

impl SharedMemory {
    /// Finds the segments of `target` by the names of its mappings.
    pub fn of(target: &dyn Target) -> Self {
        let mut this = Self::default();
        let Some(mappings) = target.mappings() else { return this };
        let (mut rows, mut bare) = (Vec::new(), Vec::new());
        // Only of a writer that drops it from every name does it matter whether any has it.
        let drops_deleted = target.identity().habits().drops_deleted;
        let mut any_deleted = false;
        let mut impossible = 0_usize;
        // One is enough, and most dumps save the first; a hostile one could offer a million that are not.
        let mut anonymous_left = 16_u8;
        for mapping in mappings {
            any_deleted = any_deleted || drops_deleted && mapping.name.ends_with(b" (deleted)");
            let (found_by, facts) = match mapping.told {
                Told::Of(Kind::SystemV, found_by, facts) => (found_by, Some(facts)),
                Told::ByName => (FoundBy::Name, None),
                Told::Of(..) | Told::Private => {
                    this.posix_mappings =
                        this.posix_mappings.saturating_add(mapping.name.starts_with(b"/dev/shm/").into());
                    continue;
                }
            };
            let Some(name) = Key::from_mapping_name(mapping.name) else {
                this.posix_mappings =
                    this.posix_mappings.saturating_add(mapping.name.starts_with(b"/dev/shm/").into());
                if this.saved_anonymous.is_none()
                    && anonymous_left > 0
                    && mapping.name == b"/dev/zero (deleted)"
                {
                    anonymous_left = anonymous_left.saturating_sub(1);
                    this.saved_anonymous =
                        Some(mapping.range).filter(|range| is_saved_and_writable(target, *range));
                }
                continue;
            };
            let offset = mapping.offset.filter(|offset| offset.checked_add(mapping.range.length()).is_some());
            let Some(offset) = offset else {
                impossible = impossible.saturating_add(1);
                continue;
            };
            let called = Called::Key(name.key);
            let row = Row { called, range: mapping.range, offset, found_by, facts };
            if name.deleted || found_by != FoundBy::Name { rows.push(row) } else { bare.push(row) }
        }
        // Unless the writer drops " (deleted)" from every name, one without it is that of a regular file which still exists.
        let deleted = if drops_deleted && !any_deleted {
            rows.append(&mut bare);
            ""
        } else {
            " (deleted)"
        };
        let impossible = leave_out_overlapping(&mut rows).saturating_add(impossible);
        if impossible > 0 {
            this.warnings.push(Warning::new(
                "mappings",
                format!(
                    "{} System V mappings lie where no mapping can (over another, or past the end of every segment); they \
                     are left out",
                    impossible
                ),
            ));
        }
        this.segments = segments(target, &mut rows, deleted);
        lookalike::tell(target, &this.segments, &mut this.warnings);
        private::tell(target, &mut this.segments, &mut this.warnings);
        warn_of_twins(&this.segments, &mut this.warnings);
        this
    }
}

/// Leaves one row of those that overlap, and sorts them by address; answers how many it left out.
pub(super) fn leave_out_overlapping(rows: &mut Vec<Row<'_>>) -> usize {
    rows.sort_by_key(|row| row.range.start());
    let mut end = Address::new(0);
    let before = rows.len();
    rows.retain(|row| {
        let apart = row.range.start() >= end;
        end = end.max(row.range.end());
        apart
    });
    before.saturating_sub(rows.len())
}

/// Says which segments the names cannot tell apart, and which they would have joined.
fn warn_of_twins(segments: &[Segment], warnings: &mut Vec<Warning>) {
    let numbers = |keyed: &dyn Fn(&Segment) -> bool| {
        let numbered = (1_usize..).zip(segments).filter(|(_, segment)| keyed(segment));
        let numbers: Vec<_> = numbered.map(|(number, _)| number).collect();
        let named =
            numbers.iter().take(MOST_NAMED).map(|number| number.to_string()).collect::<Vec<_>>().join(", ");
        let more = numbers.len().saturating_sub(MOST_NAMED);
        (numbers.len(), if more > 0 { format!("{named} and {more} more") } else { named })
    };
    let (count, torn) = numbers(&|segment| segment.torn);
    if count > 0 {
        let message = format!(
            "the attachments of {torn} differ in bytes: a process wrote to it during the dump, or its key was used again (IPC_RMID) and these are two segments; coreinspect shows the attachment with most saved bytes"
        );
        warnings.push(Warning::new("torn", message));
    }
    let keys =
        segments.iter().filter(|segment| segment.facts.shmid.is_none()).filter_map(|segment| segment.key);
    let mut keys: Vec<Key> = keys.filter(|key| !key.is_private()).collect();
    keys.sort_unstable();
    for twins in keys.chunk_by(PartialEq::eq).filter(|same| same.len() > 1).take(MOST_TWINS_TOLD) {
        let Some(key) = twins.first() else { continue };
        let message = format!(
            "{} have the key {key} but differ in size and bytes: probably one was removed (IPC_RMID) and created again",
            numbers(&|segment| segment.key == Some(*key)).1
        );
        warnings.push(Warning::new("same-key", message));
    }
}

/// Segments that a sentence names.
const MOST_NAMED: usize = 8;
/// Keys with several segments that are told; in an honest dump there is hardly one.
const MOST_TWINS_TOLD: usize = 5;

fn is_saved_and_writable(target: &dyn Target, range: Interval<Address>) -> bool {
    let writable = target.permissions(range).is_some_and(|permissions| permissions.write);
    writable && target.memory(range).iter().all(|extent| extent.dumped != Dumped::NotSaved)
}
