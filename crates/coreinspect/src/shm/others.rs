//! Segments of the other kinds of shared memory, found by the names of their mappings, or by what the target knows beyond
//! those.
//!
//! A file is a segment: all that is called alike. A dump does not say whether a file was mapped shared or private; where the
//! target does, private mappings are left out. Memfds may be called alike, and all shared anonymous memory is: each base is
//! a segment of its own there, unless device and inode say which is which.

use super::find::leave_out_overlapping;
use super::group::{Called, Row, segments};
use super::{SharedMemory, private};
use crate::error::Warning;
use crate::kind::{Kind, Kinds, Named, posix_name, without_deleted};
use crate::position::Address;
use crate::targets::{FoundBy, Mapping, Target, Told};

/// Numbers beyond this are no segments' numbers: more mappings than a process has by default (vm.max_map_count).
const MOST_SEGMENTS: usize = 65_536;

impl SharedMemory {
    /// Adds the segments of `target` of the other kinds that `kinds` asks for, behind all that are there: files last.
    pub fn add_kinds(&mut self, target: &dyn Target, kinds: &Kinds) {
        if !kinds.want_others(|named| self.has(named)) {
            if self.segments.is_empty() {
                self.other_mappings = count(target);
            }
            return;
        }
        let Some(mappings) = target.mappings() else { return };
        let drops_deleted = drops_deleted(target);
        let (mut rows, mut files) = (Vec::new(), Vec::new());
        let mut impossible = 0_usize;
        for mapping in mappings {
            let Some((kind, found_by)) = kind_of(target, &mapping, drops_deleted) else { continue };
            if kind == Kind::SystemV || kind == Kind::File && !kinds.want_file(mapping.name) {
                continue;
            }
            let offset = mapping.offset.filter(|offset| offset.checked_add(mapping.range.length()).is_some());
            let Some(offset) = offset else {
                impossible = impossible.saturating_add(1);
                continue;
            };
            let facts = match mapping.told {
                Told::Of(_, _, facts) => Some(facts),
                _ => None,
            };
            let called = Called::Name(kind, mapping.name);
            let row = Row { called, range: mapping.range, offset, found_by, facts };
            if kind == Kind::File { files.push(row) } else { rows.push(row) }
        }
        for mut rows in [rows, files] {
            impossible = impossible.saturating_add(leave_out_overlapping(&mut rows));
            let mut found = segments(target, &mut rows, "");
            for segment in &mut found {
                segment.reasons.extend(doubts(segment.kind, segment.found_by, segment.name.as_deref()));
            }
            self.segments.extend(found);
        }
        if impossible > 0 {
            self.warnings.push(Warning::new(
                "mappings",
                format!(
                    "{impossible} mappings of shared memory lie where no mapping can (over another, or past the end of every \
                     file); they are left out"
                ),
            ));
        }
        private::tell_others(target, &mut self.segments, &mut self.warnings);
    }

    /// Whether one of the segments is what `named` names.
    fn has(&self, named: &Named) -> bool {
        match named {
            // A larger one is a key, written as a number.
            Named::Number(number) => *number <= self.segments.len() || *number > MOST_SEGMENTS,
            Named::Address(address) => {
                let address = Address::new(*address);
                let mut mappings = self
                    .segments
                    .iter()
                    .flat_map(|segment| &segment.attachments)
                    .flat_map(|attachment| &attachment.mappings);
                mappings.any(|mapping| mapping.range.contains(address))
            }
            Named::Name(_) => false,
        }
    }
}

/// The kind of `mapping`, if it can be shared, and how that is known.
fn kind_of(target: &dyn Target, mapping: &Mapping<'_>, drops_deleted: bool) -> Option<(Kind, FoundBy)> {
    let kind = match mapping.told {
        Told::Of(kind, found_by, _) => return Some((kind, found_by)),
        Told::Private => return None,
        Told::ByName if drops_deleted => Kind::of_name(&[mapping.name, b" (deleted)"].concat())?,
        Told::ByName => Kind::of_name(mapping.name)?,
    };
    // What has huge pages begins and ends with one.
    let huge = target.identity().machine.smallest_huge_page();
    let aligned =
        mapping.range.start().get().is_multiple_of(huge) && mapping.range.length().is_multiple_of(huge);
    match kind {
        Kind::Hugetlbfs if !aligned => Some((Kind::File, FoundBy::Name)),
        kind => Some((kind, FoundBy::Name)),
    }
}

/// Whether the writer of `target` left ` (deleted)` out of every name.
fn drops_deleted(target: &dyn Target) -> bool {
    let mut mappings = target.mappings().into_iter().flatten();
    target.identity().habits().drops_deleted && !mappings.any(|mapping| without_deleted(mapping.name).1)
}

/// How many mappings of each other kind there are, but of files.
fn count(target: &dyn Target) -> Vec<(Kind, usize)> {
    let drops_deleted = drops_deleted(target);
    let mut counts = Kind::ALL.map(|kind| (kind, 0_usize));
    for mapping in target.mappings().into_iter().flatten() {
        let kind = kind_of(target, &mapping, drops_deleted).map(|(kind, _)| kind);
        let count = counts.iter_mut().find(|(other, _)| Some(*other) == kind);
        if let Some((_, count)) = count {
            *count = count.saturating_add(1);
        }
    }
    let told = |(kind, count): &(Kind, usize)| *count > 0 && ![Kind::SystemV, Kind::File].contains(kind);
    counts.into_iter().filter(told).collect()
}

/// What a name does not prove.
fn doubts(kind: Kind, found_by: FoundBy, name: Option<&[u8]>) -> Option<String> {
    let name = name.filter(|_| found_by == FoundBy::Name)?;
    let doubt = match kind {
        Kind::Hugetlbfs => {
            "a folder of its path is called as mounts of hugetlbfs are; the dump does not say what is mounted there"
        }
        Kind::Anonymous if name == b"/anon_hugepage (deleted)" => {
            "private anonymous memory of huge pages has the same name"
        }
        Kind::File => "the dump does not say whether the file was mapped shared or private",
        Kind::Posix => {
            let (path, _) = without_deleted(name);
            let behind = posix_name(name)?.len();
            let folder = path.get(..path.len().checked_sub(behind)?)?;
            if [b"/dev/shm/".as_slice(), b"/run/shm/"].contains(&folder) {
                return None;
            }
            "its /dev/shm is that of another root folder, if it is one"
        }
        _ => return None,
    };
    Some(doubt.to_owned())
}
