//! Where the debug information of a program is, if it is not in the program: gdb's rules (gdb manual, "Separate Debug
//! Files"), and what the debuginfod client downloaded before. Nothing is asked of a server.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use object::read::Object;

use super::elf_file::ElfFile;

/// Folders of debug files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DebugFolders {
    folders: Vec<PathBuf>,
    /// Programs that the user named: of the build that is sought, they are taken first.
    programs: Vec<PathBuf>,
    /// The cache of the debuginfod client.
    cache: Option<PathBuf>,
}

impl DebugFolders {
    /// `/usr/lib/debug`, and the user's cache of debuginfod: `$DEBUGINFOD_CACHE_PATH`, else `debuginfod_client` in
    /// `$XDG_CACHE_HOME` or `~/.cache` (debuginfod-find(1)).
    pub fn of_the_system() -> Self {
        let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let cache = variable("DEBUGINFOD_CACHE_PATH").or_else(|| {
            let caches = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
            Some(caches?.join("debuginfod_client"))
        });
        Self { folders: vec![PathBuf::from("/usr/lib/debug")], programs: Vec::new(), cache }
    }

    /// These alone.
    pub fn of(folders: Vec<PathBuf>) -> Self {
        Self { folders, programs: Vec::new(), cache: None }
    }

    /// These, and programs that the user named.
    #[must_use]
    pub fn with_programs(self, programs: impl IntoIterator<Item = PathBuf>) -> Self {
        Self { programs: programs.into_iter().collect(), ..self }
    }

    /// The program that the user named whose build-id is `id`.
    pub(super) fn named(&self, id: &[u8]) -> Option<ElfFile> {
        let mut files = self.programs.iter().filter_map(|path| ElfFile::open(path).ok());
        files.find(|file| file.build_id() == Some(id))
    }

    /// The file of debug information, or the program itself, whose build-id is `id`.
    ///
    /// # Errors
    /// Where it was looked for.
    pub fn by_build_id(&self, id: &[u8]) -> Result<ElfFile, Vec<PathBuf>> {
        let paths = self.build_id_paths(id);
        let found =
            paths.iter().find_map(|path| ElfFile::open(path).ok().filter(|file| file.build_id() == Some(id)));
        found.ok_or(paths)
    }

    /// The separate debug file of `file`: of its build-id, or that of its link (`.gnu_debuglink`).
    ///
    /// # Errors
    /// Where it was looked for.
    pub(crate) fn separate(&self, file: &ElfFile) -> Result<ElfFile, Vec<PathBuf>> {
        let mut looked_for = Vec::new();
        if let Some(id) = file.build_id() {
            match self.by_build_id(id) {
                Ok(found) => return Ok(found),
                Err(paths) => looked_for = paths,
            }
        }
        let object = file.object().ok();
        let link = object.as_ref().and_then(|object| object.gnu_debuglink().ok().flatten());
        let Some((name, crc)) = link.filter(|(name, _)| is_plain(name)) else { return Err(looked_for) };
        for path in self.link_paths(file.path(), OsStr::from_bytes(name)) {
            match ElfFile::open(&path) {
                Ok(found) if belongs(file, &found, crc) => return Ok(found),
                _ => looked_for.push(path),
            }
        }
        Err(looked_for)
    }

    /// The file that `file` shares parts with (`dwz -m` writes `.gnu_debugaltlink`); `None` if it shares none.
    ///
    /// # Errors
    /// In words, why it cannot be had.
    pub(super) fn supplementary(&self, file: &ElfFile) -> Result<Option<ElfFile>, String> {
        let object = file.object()?;
        let Some((name, id)) = object.gnu_debugaltlink().map_err(|error| error.to_string())? else {
            return Ok(None);
        };
        let name = Path::new(OsStr::from_bytes(name));
        let folder = file.path().parent().unwrap_or(Path::new("."));
        // A relative name is meant from where the file truly is, not from a link to it in .build-id.
        let real = std::fs::canonicalize(file.path()).ok();
        let real = real.as_deref().and_then(Path::parent).unwrap_or(folder);
        let beside = ElfFile::open(&real.join(name)).ok().filter(|file| file.build_id() == Some(id));
        match beside.map_or_else(|| self.by_build_id(id), Ok) {
            Ok(file) => Ok(Some(file)),
            Err(_) => Err(format!(
                "a part of its debug information is in {} (build-id {}), which is not there",
                name.display(),
                hex(id)
            )),
        }
    }

    fn build_id_paths(&self, id: &[u8]) -> Vec<PathBuf> {
        let Some((first, rest)) = id.split_first().filter(|(_, rest)| !rest.is_empty()) else {
            return Vec::new();
        };
        let name = format!(".build-id/{first:02x}/{}.debug", hex(rest));
        let mut paths: Vec<_> = self.folders.iter().map(|folder| folder.join(&name)).collect();
        if let Some(cache) = &self.cache {
            let cached = cache.join(hex(id));
            paths.extend([cached.join("debuginfo"), cached.join("executable")]);
        }
        paths
    }

    fn link_paths(&self, program: &Path, name: &OsStr) -> Vec<PathBuf> {
        let real = std::fs::canonicalize(program).unwrap_or_else(|_| program.to_owned());
        let folder = real.parent().unwrap_or(Path::new("/"));
        let mut paths = vec![folder.join(name), folder.join(".debug").join(name)];
        let below = folder.strip_prefix("/").unwrap_or(folder);
        paths.extend(self.folders.iter().map(|debug| debug.join(below).join(name)));
        // A link may name the program itself.
        paths.retain(|path| *path != real);
        paths
    }
}

/// Whether a link's name stays in the folder that it is looked for in.
fn is_plain(name: &[u8]) -> bool {
    !name.is_empty() && !name.contains(&b'/') && name != b".." && name != b"."
}

/// Whether `found` was made from `file`: by the build-id, or by the sum that the link has of it.
fn belongs(file: &ElfFile, found: &ElfFile, crc: u32) -> bool {
    match (file.build_id(), found.build_id()) {
        (Some(one), Some(other)) => one == other,
        _ => crc32(found.bytes()) == crc,
    }
}

/// The sum of `.gnu_debuglink` (gdb manual, "Separate Debug Files": the CRC-32 of ISO 3309, 0xedb88320 reversed).
fn crc32(bytes: &[u8]) -> u32 {
    let mut table = [0_u32; 256];
    for (index, entry) in (0..).zip(&mut table) {
        *entry = (0..8).fold(index, |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 });
    }
    !bytes.iter().fold(!0, |sum, byte| {
        let index = (sum ^ u32::from(*byte)) & 0xff;
        table.get(index as usize).copied().unwrap_or(0) ^ sum >> 8
    })
}

/// Bytes as lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value of CRC-32/ISO-HDLC.
    #[test]
    fn the_sum_is_the_known_one() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn a_link_does_not_lead_out_of_its_folder() {
        assert!(is_plain(b"program.debug"));
        for name in [b"../program".as_slice(), b"/etc/shadow", b"..", b""] {
            assert!(!is_plain(name));
        }
    }
}
