//! Dumps as the debuggers name them: `DUMP...`, `PROGRAM DUMP`, `PROGRAM -c DUMP`; `-` is standard input.

use std::path::{Path, PathBuf};

use crate::Error;
use crate::render::printable::Printable;
use crate::source::{Format, MappedFile};

/// A dump, and the program that it is said to be of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// The dump.
    pub(super) dump: PathBuf,
    /// The program named before it.
    pub(super) program: Option<PathBuf>,
}

/// Pairs each dump among `paths`, in order, with the program that stands before it; `core` comes last.
///
/// A program without a dump behind it is answered as if it were a dump: reading it says what it is and what to do.
pub(super) fn pair(paths: &[PathBuf], core: Option<&PathBuf>) -> Vec<Named> {
    let mut named = Vec::new();
    let mut program = None;
    for (at, path) in paths.iter().chain(core).enumerate() {
        let more = at + 1 < paths.len() + usize::from(core.is_some());
        if more && program.is_none() && is_program(path) {
            program = Some(path.clone());
        } else {
            named.push(Named { dump: path.clone(), program: program.take() });
        }
    }
    named
}

/// Opens the dump at `path`; `-` is standard input, which is spooled into an unlinked file if it is a pipe.
pub(super) fn open(path: &Path) -> Result<MappedFile, Error> {
    let opened = if path.as_os_str() == "-" { MappedFile::standard_input() } else { MappedFile::open(path) };
    opened.map_err(|source| Error::Open { source })
}

/// A path as it may be shown on a terminal.
pub(super) fn shown(path: &Path) -> String {
    Printable(path.as_os_str().as_encoded_bytes()).to_string()
}

fn is_program(path: &Path) -> bool {
    let format = MappedFile::open(path).ok().and_then(|file| Format::of(&file).ok());
    format == Some(Format::ElfProgram)
}
