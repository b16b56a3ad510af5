//! The kinds of shared memory: which a mapping is of, as its name tells, and which of them a report is asked for.
//!
//! The kernel names what has no path itself (Linux ipc/shm.c `newseg`, mm/memfd.c, mm/shmem.c `shmem_zero_setup`,
//! mm/hugetlb.c), and d_path adds ` (deleted)` to the path of a file that has no link left. shm_open(3) makes files in
//! /dev/shm. An unlinked regular file can have any of these names: a name is strong evidence, and no proof.

use std::fmt;
use std::str::FromStr;

use shmcore::Key;

/// A kind of shared memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// shmget(2): `/SYSV%08x (deleted)`.
    SystemV,
    /// shm_open(3): a file in /dev/shm.
    Posix,
    /// memfd_create(2): `/memfd:NAME (deleted)`.
    Memfd,
    /// mmap(2) with MAP_SHARED and MAP_ANONYMOUS: `/dev/zero (deleted)`, of huge pages `/anon_hugepage (deleted)`.
    Anonymous,
    /// A file of a mounted hugetlbfs.
    Hugetlbfs,
    /// Any other file.
    File,
}

const DELETED: &[u8] = b" (deleted)";

impl Kind {
    /// All of them, in the order in which a listing has them: the numbers of System V segments are the same whatever else is
    /// listed.
    pub const ALL: [Self; 6] =
        [Self::SystemV, Self::Posix, Self::Memfd, Self::Anonymous, Self::Hugetlbfs, Self::File];

    /// The word of the JSON contract, and of `--kind`.
    pub fn word(self) -> &'static str {
        match self {
            Self::SystemV => "sysv",
            Self::Posix => "posix",
            Self::Memfd => "memfd",
            Self::Anonymous => "anonymous",
            Self::Hugetlbfs => "hugetlbfs",
            Self::File => "file",
        }
    }

    /// What a sentence calls it: "no POSIX segment".
    pub fn label(self) -> &'static str {
        match self {
            Self::SystemV => "System V",
            Self::Posix => "POSIX",
            Self::Memfd => "memfd",
            Self::Anonymous => "shared anonymous",
            Self::Hugetlbfs => "hugetlbfs",
            Self::File => "file",
        }
    }

    /// The kind of the mapping called `name`; `None` for what is no file's name.
    pub fn of_name(name: &[u8]) -> Option<Self> {
        if !name.starts_with(b"/") {
            return None;
        }
        Some(match name {
            b"/dev/zero (deleted)" | b"/anon_hugepage (deleted)" => Self::Anonymous,
            name if name.starts_with(b"/memfd:") && name.ends_with(DELETED) => Self::Memfd,
            name if Key::from_mapping_name(name).is_some_and(|name| name.deleted) => Self::SystemV,
            name if posix_name(name).is_some() => Self::Posix,
            name if is_in_a_folder_of_huge_pages(name) => Self::Hugetlbfs,
            _ => Self::File,
        })
    }

    /// Whether the name says which segment it is. All shared anonymous memory is called alike, and memfds can be.
    pub fn is_told_apart_by_name(self) -> bool {
        !matches!(self, Self::Memfd | Self::Anonymous)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// `name` without ` (deleted)`, and whether that stood there.
pub fn without_deleted(name: &[u8]) -> (&[u8], bool) {
    name.strip_suffix(DELETED).map_or((name, false), |name| (name, true))
}

/// `mapping_name` without what the names of its kind have all: `memfd:NAME`, `/dev/zero`.
pub fn short_name(mapping_name: &[u8]) -> &[u8] {
    let (path, _) = without_deleted(mapping_name);
    match Kind::of_name(mapping_name) {
        Some(Kind::Memfd) => path.strip_prefix(b"/").unwrap_or(path),
        Some(Kind::Anonymous) => path,
        _ => mapping_name,
    }
}

/// What shm_open(3) was given, without its `/`: the file's name in /dev/shm, or in /run/shm, which was its place in Debian 7 and
/// Ubuntu 11.10. A process with another root has that before it where it is seen from outside.
pub fn posix_name(mapping_name: &[u8]) -> Option<&[u8]> {
    let (path, _) = without_deleted(mapping_name);
    let behind = |folder: &[u8]| {
        let at = memchr::memmem::find(path, folder)?;
        path.get(at.checked_add(folder.len())?..)
    };
    behind(b"/dev/shm/").or_else(|| behind(b"/run/shm/")).filter(|name| !name.is_empty())
}

/// Whether one of the folders of `path` is called as mounts of hugetlbfs are: /dev/hugepages (systemd), /mnt/huge (DPDK),
/// /var/lib/hugetlbfs (libhugetlbfs). A name alone does not prove it.
fn is_in_a_folder_of_huge_pages(path: &[u8]) -> bool {
    let folders = path.rsplit(|byte| *byte == b'/').skip(1);
    let starts = [b"hugepages".as_slice(), b"hugetlbfs", b"huge_", b"huge-"];
    folders
        .into_iter()
        .any(|folder| folder == b"huge" || starts.iter().any(|start| folder.starts_with(start)))
}

/// A pattern of file names: `*` is any run of bytes, `/` too, `?` is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(Vec<u8>);

impl Glob {
    /// The pattern `text`.
    pub fn new(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }

    /// Whether all of `name` fits, with or without its ` (deleted)`.
    pub fn fits(&self, name: &[u8]) -> bool {
        fits(&self.0, name) || fits(&self.0, without_deleted(name).0)
    }
}

/// Goes back to the last `*` alone, so it takes no more steps than the product of both lengths.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut seen) = (0_usize, 0_usize);
    let mut star: Option<(usize, usize)> = None;
    while let Some(byte) = name.get(seen) {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, seen));
                at = at.saturating_add(1);
            }
            Some(one) if one == byte || *one == b'?' => {
                (at, seen) = (at.saturating_add(1), seen.saturating_add(1));
            }
            _ => {
                let Some((place, from)) = star else { return false };
                let from = from.saturating_add(1);
                star = Some((place, from));
                (at, seen) = (place.saturating_add(1), from);
            }
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}

/// What `--kind` can say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// One kind.
    Kind(Kind),
    /// All but files.
    All,
    /// Files whose names fit.
    Files(Glob),
}

impl FromStr for Asked {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        if word == "all" {
            return Ok(Self::All);
        }
        if let Some(glob) = word.strip_prefix("file:").filter(|glob| !glob.is_empty()) {
            return Ok(Self::Files(Glob::new(glob)));
        }
        let kind = Kind::ALL.into_iter().find(|kind| kind.word() == word);
        kind.map(Self::Kind).ok_or_else(|| {
            let words = Kind::ALL.map(Kind::word).join(", ");
            format!("there is no kind {word:?}; known: {words}, file:GLOB, all")
        })
    }
}

/// What a user named: it is found whatever kinds are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// A number of the listing.
    Number(usize),
    /// An address.
    Address(u64),
    /// A name.
    Name(String),
}

/// Which kinds of shared memory a report is of. By default System V alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kinds {
    kinds: Vec<Kind>,
    files: Vec<Glob>,
    named: Vec<Named>,
}

impl Default for Kinds {
    fn default() -> Self {
        Self { kinds: vec![Kind::SystemV], files: Vec::new(), named: Vec::new() }
    }
}

impl Kinds {
    /// All but files.
    pub fn all() -> Self {
        Self::of(&[Asked::All])
    }

    /// What `asked` says; System V if it says nothing.
    pub fn of(asked: &[Asked]) -> Self {
        if asked.is_empty() {
            return Self::default();
        }
        let mut this = Self { kinds: Vec::new(), files: Vec::new(), named: Vec::new() };
        for one in asked {
            match one {
                Asked::Kind(Kind::File) => this.files.push(Glob::new("*")),
                Asked::Kind(kind) => this.kinds.push(*kind),
                Asked::All => this.kinds.extend(Kind::ALL.iter().filter(|kind| **kind != Kind::File)),
                Asked::Files(glob) => this.files.push(glob.clone()),
            }
        }
        this
    }

    /// The same, and what `named` names.
    pub fn and(mut self, named: impl IntoIterator<Item = Named>) -> Self {
        self.named.extend(named);
        self
    }

    /// Whether System V is all that is asked for, by kind or by name.
    pub fn is_system_v_alone(&self) -> bool {
        self.kinds.iter().all(|kind| *kind == Kind::SystemV) && self.files.is_empty() && self.named.is_empty()
    }

    /// What was named.
    pub fn named(&self) -> &[Named] {
        &self.named
    }

    /// Whether segments of `kind` are listed.
    pub fn list(&self, kind: Kind) -> bool {
        self.kinds.contains(&kind) || kind == Kind::File && !self.files.is_empty()
    }

    /// Whether the file called `name`, of no other kind, is asked for.
    pub fn want_file(&self, name: &[u8]) -> bool {
        let is_named = |named: &Named| matches!(named, Named::Name(word) if is_called(name, word));
        self.files.iter().any(|glob| glob.fits(name)) || self.named.iter().any(is_named)
    }

    /// Whether other kinds than System V have to be looked for. `is_system_v` answers whether a number or an address is one of
    /// a System V segment.
    pub fn want_others(&self, is_system_v: impl Fn(&Named) -> bool) -> bool {
        self.kinds.iter().any(|kind| *kind != Kind::SystemV)
            || !self.files.is_empty()
            || self.named.iter().any(|named| !is_system_v(named))
    }

    /// The kinds that are listed, as `--kind` takes them; files are none of them.
    pub fn words(&self) -> String {
        let kinds = Kind::ALL.into_iter().filter(|kind| self.kinds.contains(kind));
        kinds.map(Kind::word).collect::<Vec<_>>().join(",")
    }

    /// The kinds that are listed, as a sentence names them: "POSIX or memfd".
    pub fn label(&self) -> String {
        let labels = Kind::ALL.into_iter().filter(|kind| self.list(*kind)).map(Kind::label);
        labels.collect::<Vec<_>>().join(" or ")
    }
}

/// Whether the mapping called `name` is what `word` names: its whole name, with or without ` (deleted)`; `/NAME` as shm_open(3)
/// takes it; `memfd:NAME`.
pub fn is_called(name: &[u8], word: &str) -> bool {
    let (path, _) = without_deleted(name);
    let word = word.as_bytes();
    name == word
        || path == word
        || path.strip_prefix(b"/") == Some(word) && word.starts_with(b"memfd:")
        || posix_name(name).is_some_and(|name| word.strip_prefix(b"/") == Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_kinds() {
        let kinds: [(&[u8], Option<Kind>); 14] = [
            (b"/SYSV7800c028 (deleted)", Some(Kind::SystemV)),
            (b"/SYSV7800c028", Some(Kind::File)),
            (b"/memfd:SYSV12345678 (deleted)", Some(Kind::Memfd)),
            (b"/memfd:a/b (deleted)", Some(Kind::Memfd)),
            (b"/memfd:x", Some(Kind::File)),
            (b"/dev/zero (deleted)", Some(Kind::Anonymous)),
            (b"/dev/zero", Some(Kind::File)),
            (b"/anon_hugepage (deleted)", Some(Kind::Anonymous)),
            (b"/dev/shm/ring", Some(Kind::Posix)),
            (b"/srv/root/dev/shm/ring (deleted)", Some(Kind::Posix)),
            (b"/dev/hugepages/rtemap_0", Some(Kind::Hugetlbfs)),
            (b"/mnt/huge/x", Some(Kind::Hugetlbfs)),
            (b"/usr/lib/hugetest/x.so", Some(Kind::File)),
            (b"[tmpfs]", None),
        ];
        for (name, kind) in kinds {
            assert_eq!(Kind::of_name(name), kind, "{}", String::from_utf8_lossy(name));
        }
    }

    #[test]
    fn words_name_segments() {
        assert!(is_called(b"/dev/shm/ring (deleted)", "/ring"));
        assert!(is_called(b"/dev/shm/ring (deleted)", "/dev/shm/ring"));
        assert!(is_called(b"/memfd:x (deleted)", "memfd:x"));
        assert!(is_called(b"/srv/x.db", "/srv/x.db"));
        assert!(!is_called(b"/srv/ring", "/ring") && !is_called(b"/dev/shm/ring", "ring"));
    }

    #[test]
    fn globs_fit_whole_names() {
        let fits = |glob: &str, name: &[u8]| Glob::new(glob).fits(name);
        assert!(
            fits("*.db", b"/srv/x.db (deleted)") && fits("/srv/*", b"/srv/a/b") && fits("/s?v/x", b"/srv/x")
        );
        assert!(!fits("*.db", b"/srv/x.dbx") && !fits("", b"/") && !fits("a*b", b"ac"));
        assert!(fits(&"*a".repeat(40), &[b'a'; 4096]) && !fits(&"*a".repeat(40), &[b'b'; 4096]));
    }
}
