//! Which kind of shared memory the mappings of a running process are of: proof where the kernel gives it.

use std::sync::OnceLock;

use super::{Mounts, ProcessFolder, SegmentDevices, VirtualMemoryArea};
use crate::kind::Kind;

/// Tells the kinds of one process's mappings. What the kernel is asked for is asked once, and only where a name calls for it.
#[derive(Debug)]
pub(crate) struct MappingKinds<'f> {
    folder: &'f ProcessFolder,
    devices: OnceLock<SegmentDevices>,
    mounts: OnceLock<Mounts>,
}

impl<'f> MappingKinds<'f> {
    /// Those of the process behind `folder`.
    pub(crate) fn of(folder: &'f ProcessFolder) -> Self {
        Self { folder, devices: OnceLock::new(), mounts: OnceLock::new() }
    }

    /// The devices on which the kernel keeps what has no path.
    pub(crate) fn devices(&self) -> &SegmentDevices {
        self.devices.get_or_init(SegmentDevices::of_this_kernel)
    }

    /// The kind of the mapping `area`, and whether its device proves it; `None` for what nobody shares, and what is no file.
    ///
    /// What is kept where the kernel alone makes files is what its name says: the kernel made that too. A file on tmpfs or
    /// hugetlbfs is known by its file system. The `s` of a mapping is VM_MAYSHARE: also what was opened read-only has it.
    pub(crate) fn kind(&self, area: &VirtualMemoryArea<'_>) -> Option<(Kind, bool)> {
        let by_name = Kind::of_name(area.name).filter(|_| area.permissions.last() == Some(&b's'))?;
        if matches!(by_name, Kind::SystemV | Kind::Memfd | Kind::Anonymous) {
            match self.devices().hold(area.device) {
                Some(true) => return Some((by_name, true)),
                None => return Some((by_name, false)),
                // An unlinked file of that name.
                Some(false) => {}
            }
        }
        let mounts = self.mounts.get_or_init(|| Mounts::of(self.folder));
        Some(match (by_name, mounts.file_system(area.device)) {
            (_, Some(b"hugetlbfs")) => (Kind::Hugetlbfs, true),
            (Kind::Posix, Some(b"tmpfs")) => (Kind::Posix, true),
            (Kind::Posix, _) => (Kind::Posix, false),
            // It was mapped in another mount namespace, or its mount is gone.
            (Kind::Hugetlbfs, None) => (Kind::Hugetlbfs, false),
            _ => (Kind::File, true),
        })
    }
}
