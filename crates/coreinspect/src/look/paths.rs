//! Paths that a process knew: in its arguments, its environment, the names of its mappings, and the rest of its memory.
//!
//! Whoever made a key by ftok(3) had a path. Often it still stands in the memory of the process.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use memchr::memchr_iter;

use crate::memory::Extent;
use crate::position::{Address, Interval, Position};
use crate::shm::Segment;
use crate::targets::Target;

/// Where a path stood; the first are the likelier ones to have made a key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Clue {
    /// Among the arguments of the process.
    Argument,
    /// In a variable of its environment, as far as the shape of a string tells: `NAME=/path`.
    Environment(String),
    /// It is where the program's file lies, or that file.
    Executable,
    /// A mapping is called so.
    Mapping,
    /// A string in saved memory.
    Memory(Address),
    /// A folder above such a path.
    Above(PathBuf),
    /// Every system has it, and programs use it.
    Usual,
}

/// Paths that a process knew, each once, with the best clue.
#[derive(Clone, Debug)]
pub struct KnownPaths {
    how: Extensive,
    /// The paths, absolute.
    pub paths: Vec<(PathBuf, Clue)>,
    /// Bytes of memory that were looked through.
    pub examined: u64,
    /// Whether more was there than was looked through, or kept.
    pub more: bool,
    /// Where each stands in `paths`.
    known: HashMap<PathBuf, usize>,
    /// Folders that could have been the current one.
    folders: Vec<PathBuf>,
}

/// How far paths are looked for.
#[derive(Clone, Copy, Debug)]
pub struct Extensive {
    /// Bytes of memory that are looked through at most.
    pub bytes: u64,
    /// Paths that are kept at most.
    pub paths: usize,
}

impl Extensive {
    /// For whoever asks for nothing else.
    pub const FULLY: Self = Self { bytes: 256 << 20, paths: 100_000 };
    /// Beside something else.
    pub const BRIEFLY: Self = Self { bytes: 4 << 20, paths: 4_000 };
}

/// Bytes that a path has at most (limits.h, PATH_MAX).
const LONGEST: usize = 4096;
/// Bytes that are read at once.
const BLOCK: usize = 256 << 10;
/// Paths that programs give ftok(3) whoever they are.
const USUAL: &[&str] = &["/", "/tmp", "/var/tmp", "/dev/shm", "/dev/null", "/etc/passwd"];
/// Variables that hold the current folder.
const FOLDERS: &[&str] = &["PWD", "OLDPWD", "HOME"];

impl KnownPaths {
    /// Those of `target`, without the contents of `segments`. What cannot be read is passed over.
    pub fn of(target: &dyn Target, segments: &[Segment], how: Extensive) -> Self {
        let mut this = Self::from([], how);
        let process = target.process();
        let executable = process.executable.as_deref().and_then(absolute);
        for mapping in target.mappings().into_iter().flatten() {
            let name = mapping.name.strip_suffix(b" (deleted)").unwrap_or(mapping.name);
            if let Some(path) =
                absolute(name).filter(|_| shmcore::Key::from_mapping_name(mapping.name).is_none())
            {
                let is_program = Some(&path) == executable.as_ref();
                this.add(path, if is_program { Clue::Executable } else { Clue::Mapping });
            }
        }
        let all = Interval::clamped(Address::new(0), u64::MAX);
        let mut saved = target.memory(all);
        saved.retain(Extent::is_there);
        saved.sort_by_key(|extent| extent.range.start());
        let initial = initial_strings(target, &saved);
        let words = this.environment(&initial);
        this.memory(target, segments, &saved);
        // What stands in memory as well is told by the better clue.
        this.folders.extend(executable.iter().filter_map(|path| path.parent().map(Path::to_owned)));
        for folder in this.folders.clone() {
            this.add(folder, Clue::Executable);
        }
        let arguments = process.arguments.clone().unwrap_or_default();
        for word in arguments.split(|byte| *byte == b' ').filter(|word| !word.is_empty()) {
            this.argument(word);
        }
        for word in words {
            this.argument(word);
        }
        for usual in USUAL {
            this.add(PathBuf::from(usual), Clue::Usual);
        }
        this.above();
        this.paths.sort_by(|(path, clue), (other, than)| {
            (rank(clue), path.components().count(), path).cmp(&(
                rank(than),
                other.components().count(),
                other,
            ))
        });
        this
    }

    /// The variables among the strings that exec(2) put onto the stack; answers the others, the arguments.
    fn environment<'s>(&mut self, initial: &'s [Vec<u8>]) -> Vec<&'s [u8]> {
        let mut words = Vec::new();
        for text in initial {
            let sign = text.iter().position(|byte| *byte == b'=');
            let named =
                sign.and_then(|sign| variable(text.get(..=sign)?).zip(text.get(sign.saturating_add(1)..)));
            match named {
                Some((name, value)) => {
                    if let Some(path) = absolute(value) {
                        self.folder(&name, &path);
                        self.add(path, Clue::Environment(name));
                    }
                }
                None => words.push(text.as_slice()),
            }
        }
        words
    }

    /// Remembers a folder that could have been the current one.
    fn folder(&mut self, variable: &str, path: &Path) {
        const MOST: usize = 16;
        let known = self.folders.iter().any(|folder| folder == path);
        if FOLDERS.contains(&variable) && !known && self.folders.len() < MOST {
            self.folders.push(path.to_owned());
        }
    }

    /// These paths.
    pub fn from(paths: impl IntoIterator<Item = (PathBuf, Clue)>, how: Extensive) -> Self {
        let mut this = Self {
            how,
            paths: Vec::new(),
            examined: 0,
            more: false,
            known: HashMap::new(),
            folders: Vec::new(),
        };
        for (path, clue) in paths {
            this.add(path, clue);
        }
        this
    }

    /// A word of the command line: `/path`, `name`, `--key=/path`.
    fn argument(&mut self, word: &[u8]) {
        let value =
            word.iter().position(|byte| *byte == b'=').and_then(|at| word.get(at.saturating_add(1)..));
        for text in [Some(word), value].into_iter().flatten().filter(|text| !text.is_empty()) {
            if let Some(path) = absolute(text) {
                self.add(path, Clue::Argument);
            } else if !text.starts_with(b"-") {
                for folder in self.folders.clone() {
                    self.add(folder.join(OsStr::from_bytes(text)), Clue::Argument);
                }
            }
        }
    }

    /// Adds a path; of one that is known already the better clue counts.
    fn add(&mut self, path: PathBuf, clue: Clue) {
        if let Some(at) = self.known.get(&path) {
            let known = self.paths.get_mut(*at);
            if let Some((_, known)) = known.filter(|(_, known)| rank(&clue) < rank(known)) {
                *known = clue;
            }
            return;
        }
        if self.paths.len() >= self.how.paths {
            self.more = true;
            return;
        }
        self.known.insert(path.clone(), self.paths.len());
        self.paths.push((path, clue));
    }

    /// The folders above all paths.
    fn above(&mut self) {
        let below: Vec<PathBuf> = self.paths.iter().map(|(path, _)| path.clone()).collect();
        for path in below {
            for folder in path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()) {
                if self.known.contains_key(folder) {
                    // Those above it were added with it.
                    break;
                }
                self.add(folder.to_owned(), Clue::Above(path.clone()));
            }
        }
    }

    /// Strings in saved memory: the highest first, where the stack is, then upwards from the heap.
    fn memory(&mut self, target: &dyn Target, segments: &[Segment], saved: &[Extent]) {
        let (low, high) = saved.split_at_checked(saved.len().saturating_sub(HIGHEST)).unwrap_or_default();
        let mut attached: Vec<Interval<Address>> = segments
            .iter()
            .flat_map(|segment| segment.attachments.iter().flat_map(|attachment| &attachment.mappings))
            .map(|mapping| mapping.range)
            .collect();
        attached.sort_by_key(|range| range.start());
        for extent in high.iter().chain(low) {
            let mut at = extent.range.start();
            let next = attached.partition_point(|range| range.end() <= at);
            for hole in attached.get(next..).unwrap_or_default() {
                if hole.start() >= extent.range.end() {
                    break;
                }
                self.range(target, at, hole.start());
                at = at.max(hole.end());
            }
            self.range(target, at, extent.range.end());
        }
    }

    /// Strings between two addresses, all of them saved.
    fn range(&mut self, target: &dyn Target, start: Address, end: Address) {
        let mut block = vec![0; BLOCK.saturating_add(LONGEST)];
        let mut at = start;
        while let Some(left) = end.offset_from(at).filter(|left| *left > 0) {
            if self.examined >= self.how.bytes || self.paths.len() >= self.how.paths {
                self.more = true;
                return;
            }
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
            let read = target.read(at, block.get_mut(..wanted).unwrap_or_default());
            let Ok(count) = read else { return };
            let bytes = block.get(..count).unwrap_or_default();
            let last = count < wanted || count as u64 == left;
            // A path that begins in the last bytes is whole in the next block.
            let begins = if last { count } else { count.saturating_sub(LONGEST) };
            self.strings(bytes, begins, at);
            if last || begins == 0 {
                self.examined = self.examined.saturating_add(count as u64);
                return;
            }
            self.examined = self.examined.saturating_add(begins as u64);
            at = at.checked_add(begins as u64).unwrap_or(end);
        }
    }

    /// The paths that begin in the first `begins` bytes of a block at `start`.
    fn strings(&mut self, block: &[u8], begins: usize, start: Address) {
        let mut passed = 0;
        for slash in memchr_iter(b'/', block.get(..begins).unwrap_or_default()) {
            let before = slash.checked_sub(1).and_then(|at| block.get(at)).copied().unwrap_or(0);
            // Inside a longer path, or of `http://`.
            let inside = before.is_ascii_alphanumeric() || b"/._-~".contains(&before) || before >= 0x80;
            if slash < passed || inside || before == b':' && block.get(slash.saturating_add(1)) == Some(&b'/')
            {
                continue;
            }
            let rest = block.get(slash..).unwrap_or_default();
            let rest = rest.get(..LONGEST).unwrap_or(rest);
            let ends =
                |stops: &dyn Fn(u8) -> bool| rest.iter().position(|byte| stops(*byte)).unwrap_or(rest.len());
            let whole = ends(&|byte| byte < 0x20 || byte == 0x7f);
            let word = ends(&|byte| byte <= 0x20 || byte == 0x7f || b":;,\"'()<>|=".contains(&byte));
            passed = slash.saturating_add(word);
            let clue = match variable(block.get(..slash).unwrap_or_default()) {
                Some(name) => Clue::Environment(name),
                None => match start.checked_add(slash as u64) {
                    Some(address) => Clue::Memory(address),
                    None => continue,
                },
            };
            for length in [word, whole] {
                let Some(path) = rest.get(..length).and_then(absolute) else { continue };
                if let Clue::Environment(name) = &clue {
                    self.folder(name, &path);
                }
                self.add(path, clue.clone());
            }
        }
    }
}

/// Runs of memory at the top among which the stack is: the kernel maps its vdso above it, and on x86 the vsyscall page.
const HIGHEST: usize = 6;

/// The strings that exec(2) put at the end of the stack (Linux fs/exec.c, fs/binfmt_elf.c): arguments, environment, and the name of
/// the program's file, with a long of zeroes behind it. Found from its end backwards; empty if that is not saved.
fn initial_strings(target: &dyn Target, saved: &[Extent]) -> Vec<Vec<u8>> {
    let highest = saved.iter().rev().take(HIGHEST);
    let strings = highest.map(|extent| {
        let length = extent.range.length().min(BLOCK as u64);
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        let start = extent.range.end().checked_sub(length);
        let count = start.and_then(|start| target.read(start, &mut bytes).ok());
        let word = target.identity().machine.class.long();
        let text = bytes.get(..bytes.len().saturating_sub(word)).filter(|_| count == Some(bytes.len()));
        let ends = bytes.iter().rev().take(word).all(|byte| *byte == 0);
        strings_before_the_end(text.filter(|_| ends).unwrap_or_default())
    });
    strings.max_by_key(Vec::len).unwrap_or_default()
}

/// The texts, each ended by a NUL, that `bytes` ends with.
fn strings_before_the_end(bytes: &[u8]) -> Vec<Vec<u8>> {
    let Some(bytes) = bytes.strip_suffix(b"\0") else { return Vec::new() };
    let is_text =
        |text: &&[u8]| text.iter().all(|byte| *byte >= 0x20 && *byte != 0x7f || b"\t\n\r".contains(byte));
    // An empty argument is one; many are the padding before them all.
    let texts: Vec<_> = bytes.rsplit(|byte| *byte == 0).take_while(is_text).collect();
    let padding = texts.windows(2).position(|pair| pair.iter().all(|text| text.is_empty()));
    let texts = texts.get(..padding.unwrap_or(texts.len())).unwrap_or_default();
    texts.iter().rev().filter(|text| !text.is_empty()).map(|text| text.to_vec()).collect()
}

/// The name of the variable whose value follows `before`.
fn variable(before: &[u8]) -> Option<String> {
    const LONGEST_NAME: usize = 64;
    let before = before.strip_suffix(b"=")?;
    let start = before.len().saturating_sub(LONGEST_NAME);
    let near = before.get(start..).unwrap_or_default();
    let name = near.rsplit(|byte| *byte == 0).next().unwrap_or_default();
    let first = name.first().filter(|byte| byte.is_ascii_alphabetic() || **byte == b'_');
    first?;
    let fits = name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    fits.then(|| String::from_utf8_lossy(name).into_owned())
}

/// `text` as a path, if it can be an absolute one that is worth looking at.
fn absolute(text: &[u8]) -> Option<PathBuf> {
    let text = match text {
        [b'/', rest @ ..] if rest.iter().all(|byte| *byte == b'/') => b"/",
        text => text.trim_ascii_end(),
    };
    let whole = text.starts_with(b"/") && text.len() <= LONGEST && !text.contains(&0);
    let text = text.strip_suffix(b"/").filter(|rest| !rest.is_empty()).unwrap_or(text);
    whole.then(|| PathBuf::from(OsStr::from_bytes(text)))
}

/// The order of clues; that of equal ones says nothing.
fn rank(clue: &Clue) -> u8 {
    match clue {
        Clue::Argument => 0,
        Clue::Environment(_) => 1,
        Clue::Executable => 2,
        Clue::Mapping => 3,
        Clue::Memory(_) => 4,
        Clue::Above(_) => 5,
        Clue::Usual => 6,
    }
}
