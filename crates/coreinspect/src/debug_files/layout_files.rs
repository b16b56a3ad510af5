//! Layout files: of the user, of the system, and those that the command line names.
//!
//! Never those of the current folder or of the dump's: they may come from a stranger.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use nix::libc;

use super::c_header;
use crate::layout::file::{self, Definition, FileLayout, HeaderType};
use crate::layout::{Layout, Subject};
use crate::machine::Machine;
use crate::notation::inline;
use crate::notation::problem::Problem;
use crate::types::Budget;
use crate::types::Type;

/// The system's folders.
const SYSTEM: [&str; 2] = ["/etc/coreinspect/layouts", "/usr/share/coreinspect/layouts"];
/// Files of a folder that are read.
const FILES: usize = 1000;

/// What layout files held.
#[derive(Debug, Default)]
pub(crate) struct LayoutFiles {
    /// The layouts, those that count first first; of two with one name the first counts and the other is left out.
    pub layouts: Vec<Arc<FileLayout>>,
    /// What was wrong, a text of one or several lines each.
    pub problems: Vec<String>,
}

/// A layout file with its text.
#[derive(Debug)]
pub(crate) struct LayoutFile {
    /// The text.
    pub text: String,
    /// The layouts, and what is wrong with the text.
    pub contents: file::Contents,
}

impl LayoutFile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// The file cannot be read, is no regular file, is too large, or no text.
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        let text = read_text(path)?;
        let contents = file::read(path, &text, &mut |wanted| header_type(path, wanted));
        Ok(Self { text, contents })
    }

    /// `problem` with its line and a caret.
    pub(crate) fn tell(&self, path: &Path, problem: &Problem) -> String {
        problem.in_text(&self.text, &path.to_string_lossy()).to_string()
    }
}

/// The folders of the user and of the system in which layout files stand, whether they are there or not.
///
/// `$XDG_CONFIG_HOME/coreinspect/layouts`, by default `~/.config/coreinspect/layouts`; a path that is not absolute is
/// ignored, as the XDG Base Directory Specification has it.
pub(crate) fn folders() -> Vec<PathBuf> {
    let absolute = |path: OsString| Some(PathBuf::from(path)).filter(|path| path.is_absolute());
    let config = std::env::var_os("XDG_CONFIG_HOME").and_then(absolute);
    let config = config.or_else(|| Some(std::env::var_os("HOME").and_then(absolute)?.join(".config")));
    let user = config.map(|config| config.join("coreinspect/layouts"));
    user.into_iter().chain(SYSTEM.iter().map(PathBuf::from)).collect()
}

impl LayoutFiles {
    /// Reads `named` and then all files of [`folders`]. What is wrong with one of those is told and hides no other;
    /// `named` are asked for, and what is wrong with them is an error.
    ///
    /// # Errors
    /// What is wrong with a file of `named`.
    pub(crate) fn read(named: &[PathBuf]) -> Result<Self, String> {
        let mut found = Self::default();
        let mut names = HashSet::new();
        for path in named {
            let file = LayoutFile::read(path).map_err(|error| cannot_read(path, &error))?;
            if let Some(problem) = file.contents.problems.first() {
                return Err(file.tell(path, problem));
            }
            found.add(file.contents.layouts, &mut names);
        }
        for folder in folders() {
            for path in layout_files(&folder) {
                match LayoutFile::read(&path) {
                    Ok(file) => {
                        found
                            .problems
                            .extend(file.contents.problems.iter().map(|problem| file.tell(&path, problem)));
                        found.add(file.contents.layouts, &mut names);
                    }
                    Err(error) => found.problems.push(cannot_read(&path, &error)),
                }
            }
        }
        Ok(found)
    }

    fn add(&mut self, layouts: Vec<FileLayout>, names: &mut HashSet<String>) {
        for layout in layouts {
            match names.insert(layout.name.clone()) {
                true => self.layouts.push(Arc::new(layout)),
                false => self.problems.push(format!(
                    "{}: another file, which takes precedence, has a layout {} too",
                    layout.path.display(),
                    layout.name
                )),
            }
        }
    }
}

/// Why the file at `path` could not be read.
pub(crate) fn cannot_read(path: &Path, error: &io::Error) -> String {
    format!("cannot read {}: {error}", path.display())
}

/// The layout files of a folder, by name.
fn layout_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = folder.read_dir() else { return Vec::new() };
    let paths = entries.filter_map(|entry| entry.ok()).map(|entry| entry.path());
    let is_one = |path: &PathBuf| {
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        !hidden && path.extension().is_some_and(|ending| ending == "toml" || ending == "layout")
    };
    let mut paths: Vec<_> = paths.filter(is_one).take(FILES).collect();
    paths.sort();
    paths
}

/// The text of a regular file. A FIFO in its place does not make us wait.
fn read_text(path: &Path) -> io::Result<String> {
    let file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    let data = file.metadata()?;
    if !data.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let most = inline::LENGTH as u64;
    let mut text = String::new();
    file.take(most.saturating_add(1)).read_to_string(&mut text)?;
    match text.len() as u64 > most {
        true => Err(io::Error::other(format!("a layout file has at most {most} bytes"))),
        false => Ok(text),
    }
}

/// What a layout says of the bytes' meaning.
type Described = Result<Arc<Type>, String>;

/// The type of a header, whose path counts from the folder of the layout file.
fn header_type(file: &Path, wanted: HeaderType<'_>) -> Result<Definition, String> {
    let folder = file.parent().unwrap_or(Path::new(""));
    let layout = c_header::layout(&folder.join(wanted.header), wanted.name)?;
    // A listing asks for each segment; a header is read once a machine.
    let known = Mutex::new(Vec::<(Machine, Described)>::new());
    Ok(Definition::Header(Arc::new(move |machine| {
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, kind)) = known.iter().find(|(of, _)| *of == machine) {
            return kind.clone();
        }
        let nothing: &[u8] = &[];
        let budget = Budget::unlimited();
        let kind = layout.describe(&Subject::new(&nothing, None, machine, None, &budget));
        known.push((machine, kind.clone()));
        kind
    })))
}
