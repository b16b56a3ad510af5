//! A folder that holds a dump: abrt's, apport-unpack's, or one into which somebody put it; or many.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::layers::Layer;
use super::{Format, MappedFile, Reading, Stream};

/// Files that are looked at; a folder of more is not one dump's.
const MOST_FILES: usize = 1000;
/// Names that a message lists.
const MOST_NAMES: usize = 5;

/// The dumps in `folder`, by name; not those in folders below it. What is compressed counts if a dump is inside.
///
/// # Errors
/// What reading the folder said.
pub fn dumps_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths: Vec<_> =
        std::fs::read_dir(folder)?.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.sort();
    paths.retain(|path| holds_a_dump(path));
    Ok(paths)
}

/// The one dump in `folder`.
///
/// # Errors
/// [`io::ErrorKind::IsADirectory`] with a message that names what is in it, and what reading it said.
pub(super) fn dump_in(folder: &Path) -> io::Result<PathBuf> {
    let entries = std::fs::read_dir(folder)?.take(MOST_FILES).filter_map(Result::ok);
    let mut names: Vec<OsString> = entries.map(|entry| entry.file_name()).collect();
    names.sort();
    let stored: Vec<_> = names.iter().filter(|name| is_stored_name(name)).collect();
    let dumps: Vec<_> = match stored.as_slice() {
        [_] => stored,
        _ => names.iter().filter(|name| holds_a_dump(&folder.join(name))).collect(),
    };
    match dumps.as_slice() {
        [dump] => Ok(folder.join(dump)),
        [] => Err(told(format!(
            "it is a directory without a dump (it holds {}); name the dump inside it",
            list(&names.iter().collect::<Vec<_>>())
        ))),
        dumps => Err(told(format!(
            "it is a directory with {} dumps ({}); name one of them",
            dumps.len(),
            list(dumps)
        ))),
    }
}

/// As abrt (`coredump`, perhaps compressed) and apport-unpack (`CoreDump`) call it.
fn is_stored_name(name: &OsString) -> bool {
    name == "coredump" || name == "CoreDump" || name.to_string_lossy().starts_with("coredump.")
}

fn holds_a_dump(path: &Path) -> bool {
    let Ok(file) = MappedFile::open(path) else { return false };
    match Format::of(&file) {
        Ok(format) if Layer::of(format).is_some() => {
            let inside = Stream::of_file(file.into_file(), Reading::default());
            // One that is damaged is told so, and not passed over.
            inside.and_then(|inside| Format::of(&inside)).map_or(true, is_read)
        }
        Ok(format) => is_read(format),
        Err(_) => false,
    }
}

/// Whether dumps of this format are read.
fn is_read(format: Format) -> bool {
    matches!(format, Format::ElfCore | Format::Minidump)
}

fn list(names: &[&OsString]) -> String {
    let shown: Vec<_> = names.iter().take(MOST_NAMES).map(|name| name.to_string_lossy()).collect();
    let more = names.len().saturating_sub(MOST_NAMES);
    match (shown.is_empty(), more) {
        (true, _) => "nothing".to_owned(),
        (_, 0) => shown.join(", "),
        _ => format!("{} and {more} more", shown.join(", ")),
    }
}

fn told(message: String) -> io::Error {
    io::Error::other(message)
}
