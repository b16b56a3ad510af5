//! The stream LinuxMaps: the text of /proc/PID/maps, which names the mappings and tells the shmid of segments.

use std::ops::Range;

use shmcore::{Key, ShmId};

use crate::kind::Kind;
use crate::memory::Permissions;
use crate::position::{Address, Interval};
use crate::proc_files::maps::{self, Device, VirtualMemoryArea};
use crate::source::Table;
use crate::targets::{Facts, FoundBy, Mapping, Told};

/// The kernel's own mount of tmpfs, which it makes first of all at boot: segments are there, and no folder is
/// (Linux mm/shmem.c `shmem_init`; older kernels numbered it later).
const KERNEL_MOUNT: Device = Device { major: 0, minor: 1 };

/// The mappings that a text of /proc/PID/maps names.
pub(crate) struct Names {
    text: Table,
    rows: Vec<Row>,
    rights: Vec<(Interval<Address>, Permissions)>,
}

/// A mapping with a file's name.
struct Row {
    range: Interval<Address>,
    offset: u64,
    /// Where in the text its name stands.
    name: Range<usize>,
    /// Whether nobody shares it.
    private: bool,
    like_a_segment: Option<Box<Place>>,
}

/// What the text says of a mapping that is named like a segment.
struct Place {
    device: Device,
    deleted: bool,
    facts: Facts,
}

impl Names {
    /// Reads `text`.
    pub(crate) fn of(text: Table) -> Self {
        let (mut rows, mut rights) = (Vec::new(), Vec::new());
        let mut at = 0_usize;
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            let end = at.saturating_add(line.len());
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            let line_end = at.saturating_add(text.len());
            for area in maps::parse(text) {
                let Some(range) = Interval::new(Address::new(area.start), Address::new(area.end)) else {
                    continue;
                };
                if range.is_empty() {
                    continue;
                }
                rights.push((range, permissions(&area)));
                if area.name.starts_with(b"/") {
                    let name = line_end.saturating_sub(area.name.len())..line_end;
                    rows.push(Row {
                        range,
                        offset: area.offset,
                        name,
                        private: area.permissions.last() == Some(&b'p'),
                        like_a_segment: place(&area).map(Box::new),
                    });
                }
            }
            at = end;
        }
        Self { text, rows, rights }
    }

    /// The named mappings.
    pub(crate) fn mappings(&self) -> impl Iterator<Item = Mapping<'_>> {
        self.rows.iter().map(|row| Mapping {
            range: row.range,
            offset: Some(row.offset),
            name: self.name(row),
            told: match &row.like_a_segment {
                Some(place) => place.told(),
                None if row.private => Told::Private,
                None => Told::ByName,
            },
        })
    }

    /// The rights of every mapping, named or not.
    pub(crate) fn rights(&self) -> impl Iterator<Item = (Interval<Address>, Permissions)> + '_ {
        self.rights.iter().copied()
    }

    /// The name of the mapping that holds `address`.
    pub(crate) fn holding(&self, address: Address) -> Option<&[u8]> {
        let row = self.rows.iter().find(|row| row.range.contains(address))?;
        Some(self.name(row))
    }

    fn name(&self, row: &Row) -> &[u8] {
        self.text.get(row.name.clone()).unwrap_or_default()
    }
}

impl Place {
    fn told(&self) -> Told<'_> {
        match self.device {
            // A file of a disk, whatever it is called.
            Device { major: 1.., .. } => Told::Of(Kind::File, FoundBy::Device, &self.facts),
            KERNEL_MOUNT if self.deleted => Told::Of(Kind::SystemV, FoundBy::Device, &self.facts),
            _ => Told::Of(Kind::SystemV, FoundBy::Name, &self.facts),
        }
    }
}

fn place(area: &VirtualMemoryArea<'_>) -> Option<Place> {
    let name = Key::from_mapping_name(area.name)?;
    // The inode of a segment is its shmid (Linux ipc/shm.c `newseg`).
    let shmid = i32::try_from(area.inode).ok().filter(|_| area.device.major == 0).map(ShmId::from_raw);
    Some(Place { device: area.device, deleted: name.deleted, facts: Facts { shmid, ..Facts::default() } })
}

fn permissions(area: &VirtualMemoryArea<'_>) -> Permissions {
    let [read, write, execute, _] = area.permissions;
    Permissions { read: read == b'r', write: write == b'w', execute: execute == b'x' }
}
