//! Dumps as the debuggers name them: `DUMP...`, `PROGRAM DUMP`, `PROGRAM -c DUMP`.

use std::path::{Path, PathBuf};

use crate::source::{Format, MappedFile};

/// A dump, and the program that it is said to be of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The dump.
    pub dump: PathBuf,
    /// The program named before it.
    pub program: Option<PathBuf>,
}

/// Pairs each dump among `paths`, in order, with the program that stands before it; `core` comes last.
///
/// A program without a dump behind it is answered as if it were a dump: reading it says what it is and what to do.
pub fn pair(paths: &[PathBuf], core: Option<&PathBuf>) -> Vec<Named> {
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

fn is_program(path: &Path) -> bool {
    let format = MappedFile::open(path).ok().and_then(|file| Format::of(&file).ok());
    format == Some(Format::ElfProgram)
}
