//! Shared memory that is no System V: what processes have mapped of it, and files in /dev/shm that nobody has.
//!
//! A file in /dev/shm stays until somebody unlinks it, as a System V segment does until IPC_RMID. One that no process maps
//! and none holds open is an orphan, as far as processes may be looked at.

use std::collections::BTreeMap;
use std::io;

use super::Attaching;
use crate::kind::{Kind, Kinds};
use crate::proc_files::{
    Device, FileStatus, MappingKinds, ProcessFolder, VirtualMemoryArea, held_open, maps, pids, posix_files,
};

/// Shared memory of another kind than System V.
#[derive(Clone, Debug)]
pub struct SharedFile {
    /// Its kind.
    pub kind: Kind,
    /// The name of its mappings, or its path.
    pub name: Vec<u8>,
    /// What the file itself says; `None` without the rights to ask.
    pub status: Option<FileStatus>,
    /// The processes that map it, among those that could be read; by id.
    pub attached_by: Vec<Attaching>,
    /// Nobody maps it or holds it open: it stays until somebody removes it.
    pub orphan: bool,
}

/// A file's kind, device and inode.
type Mark = (Kind, (Device, u64));
/// A file, and the processes that map it by their ids.
type Mapped = (SharedFile, BTreeMap<u32, Attaching>);

/// What processes map.
#[derive(Debug, Default)]
pub(super) struct MappedFiles(BTreeMap<Mark, Mapped>);

impl MappedFiles {
    /// Adds what `process`, called `command`, maps as `areas`.
    pub(super) fn add<'a>(
        &mut self,
        process: &ProcessFolder,
        areas: impl Iterator<Item = VirtualMemoryArea<'a>>,
        kinds: &Kinds,
        command: impl Fn() -> Attaching,
    ) {
        let known = MappingKinds::of(process);
        for area in areas {
            let Some((kind, _)) = known.kind(&area).filter(|(kind, _)| *kind != Kind::SystemV) else {
                continue;
            };
            let wanted = if kind == Kind::File { kinds.want_file(area.name) } else { kinds.list(kind) };
            if !wanted {
                continue;
            }
            let (_, processes) = self.0.entry((kind, (area.device, area.inode))).or_insert_with(|| {
                let status = process.file_status(&area.map_file());
                let name = area.name.to_vec();
                (SharedFile { kind, name, status, attached_by: Vec::new(), orphan: false }, BTreeMap::new())
            });
            processes.entry(process.pid()).or_insert_with(&command);
        }
    }

    /// All of them, and the files in our /dev/shm that none of them is.
    pub(super) fn with_those_that_nobody_maps(mut self, kinds: &Kinds) -> Vec<SharedFile> {
        let mut lonely = Vec::new();
        for (name, identity, status) in if kinds.list(Kind::Posix) { posix_files() } else { Vec::new() } {
            let status = Some(status);
            match self.0.get_mut(&(Kind::Posix, identity)) {
                Some((file, _)) => file.status = status,
                None => {
                    let file =
                        SharedFile { kind: Kind::Posix, name, status, attached_by: Vec::new(), orphan: true };
                    lonely.push((identity, file));
                }
            }
        }
        if !lonely.is_empty() {
            let open = held_open(&lonely.iter().map(|(identity, _)| *identity).collect());
            lonely.iter_mut().for_each(|(identity, file)| file.orphan = !open.contains(identity));
        }
        let mapped = self
            .0
            .into_values()
            .map(|(file, processes)| SharedFile { attached_by: processes.into_values().collect(), ..file });
        let mut all: Vec<_> = mapped.chain(lonely.into_iter().map(|(_, file)| file)).collect();
        all.sort_by(|one, two| (one.kind, &one.name).cmp(&(two.kind, &two.name)));
        all
    }
}

/// Reads the shared memory of other kinds than System V that processes map. What may not be read is passed over.
pub(super) fn read(kinds: &Kinds) -> io::Result<Vec<SharedFile>> {
    let mut mapped = MappedFiles::default();
    for process in pids()?.filter_map(|pid| ProcessFolder::open(pid).ok()) {
        let Ok(text) = process.read("maps") else { continue };
        let areas = maps::parse(&text);
        mapped.add(&process, areas, kinds, || Attaching::of(&process));
    }
    Ok(mapped.with_those_that_nobody_maps(kinds))
}
