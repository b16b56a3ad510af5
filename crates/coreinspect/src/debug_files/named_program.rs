//! A program that the user names, held against the programs of the dump: by the build-id, where both have one.
//!
//! The dump's own is in its memory (coredump_filter bit 4); a file of another build has its types and symbols at other places.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::debug_folders::hex;
use super::elf_file::ElfFile;
use super::programs::{self, Build, Program};
use crate::targets::Target;

/// What a named program is to a dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// A program of the dump, or the debug file of one.
    Same,
    /// Another build than the dump's: a sentence that names both.
    Other(String),
    /// The dump does not hold a build-id to compare with, or the file is none that has one.
    Unknown,
}

impl Held {
    /// Holds the file at `path` against the programs that `target` had mapped: the one of its name, else the executable.
    pub(crate) fn against(path: &Path, target: &dyn Target) -> Self {
        let Ok(file) = ElfFile::open(path) else { return Self::Unknown };
        let ours = file.build_id();
        let programs = programs::mapped(target);
        let is_ours =
            |program: &Program| matches!(&program.build, Build::Id(id) if Some(id.as_slice()) == ours);
        if programs.iter().any(is_ours) {
            return Self::Same;
        }
        let namesake = programs.iter().find(|program| program.path().file_name() == path.file_name());
        let executable = target.process().executable.as_deref();
        let executable = programs.first().filter(|first| executable == Some(&first.name));
        let Some(meant) = namesake.or(executable) else { return Self::Unknown };
        let (path, name) = (path.display(), meant.path().display());
        match (ours, &meant.build) {
            (Some(ours), Build::Id(theirs)) => Self::Other(format!(
                "{path} is build {}, and the dump's {name} is build {}: types and symbols of it may be wrong",
                hex(ours),
                hex(theirs)
            )),
            (None, Build::Id(theirs)) => Self::Other(format!(
                "{path} has no build-id, and the dump's {name} is build {}: types and symbols of it may be wrong",
                hex(theirs)
            )),
            (Some(ours), Build::Unnamed) => Self::Other(format!(
                "{path} is build {}, and the dump's {name} has no build-id: types and symbols of it may be wrong",
                hex(ours)
            )),
            (None, Build::Unnamed) | (_, Build::NotSaved) => Self::Unknown,
        }
    }
}

/// Whether the process of `target` can have run the program at `path`, by the file's name: that of the executable, or the 15 bytes
/// of comm (proc(5)).
pub(crate) fn can_have_run(target: &dyn Target, path: &Path) -> bool {
    let Some(name) = path.file_name().map(OsStrExt::as_bytes) else { return false };
    let process = target.process();
    let base = |path: &[u8]| path.rsplit(|byte| *byte == b'/').next().map(<[u8]>::to_vec);
    let executable = process.executable.as_deref().and_then(base);
    match (executable, &process.command) {
        (None, None) => true,
        (executable, command) => {
            executable.is_some_and(|executable| executable == name)
                || command.as_ref().is_some_and(|command| name.starts_with(command))
        }
    }
}
