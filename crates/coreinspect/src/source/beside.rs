//! What `coreinspect collect` stored beside a dump: found by the dump's own name, never by a name within.

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::MappedFile;

/// Bytes of a sidecar at most: that of a process with 2^16 mappings is 20 MB.
const MOST: u64 = 64 << 20;

/// Suffixes that a compressed dump has and what lies beside it has not.
const COMPRESSED: [&str; 5] = ["zst", "lz4", "xz", "gz", "bz2"];

/// The files beside a dump.
#[derive(Debug, Default)]
pub struct Beside {
    /// The text of `NAME.json`, which may be anything's.
    pub sidecar: Option<Vec<u8>>,
    /// `NAME.shm`, only where there is a sidecar.
    pub segments: Option<MappedFile>,
}

impl Beside {
    /// Those of the dump at `path`: `core.12.7.zst` and `core.12.7` both have `core.12.7.json` and `core.12.7.shm`.
    pub fn of(path: &Path) -> Self {
        let compressed = path.extension().is_some_and(|suffix| COMPRESSED.iter().any(|name| suffix == *name));
        let base = if compressed { path.with_extension("") } else { path.to_owned() };
        let with = |suffix: &str| {
            let mut name = OsString::from(&base);
            name.push(suffix);
            PathBuf::from(name)
        };
        let Some(sidecar) = read(&with(".json")) else { return Self::default() };
        Self { sidecar: Some(sidecar), segments: MappedFile::open(&with(".shm")).ok() }
    }
}

/// A file that is not there, or cannot be read, is none.
fn read(path: &Path) -> Option<Vec<u8>> {
    // Opened as dumps are: a FIFO of that name must not keep us waiting.
    let file = MappedFile::open(path).ok()?.into_file();
    let mut text = Vec::new();
    file.take(MOST).read_to_end(&mut text).ok()?;
    Some(text)
}
