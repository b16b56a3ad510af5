//! Layouts that stand in files: what they are called, what they recognise, and what the bytes mean.
//!
//! Two kinds of file hold one or many. `NAME.layout` is the grammar of `notation::inline`, headed by lines that
//! begin with `//!`:
//!
//! ```text
//! //! name: queue
//! //! about: the jobs of example
//! //! keys: 0x51000000..0x510000ff
//! u32 magic = 0x4a4f4253; u32 count; struct { u64 id; time_t since; } jobs[count]
//! ```
//!
//! `NAME.toml` says the same in TOML, for one layout or for several (`[[layout]]`), and can take the type from a C header:
//!
//! ```text
//! name = "queue"
//! about = "the jobs of example"
//! keys = ["0x510000??"]
//! magic = { offset = 0, number = 0x4a4f4253 }
//! type = "u32 magic; u32 count; struct { u64 id; time_t since; } jobs[count]"
//! ```
//!
//! This room gets texts; `debug_files` reads the files.

mod key_pattern;
mod plain;
mod recognition;
#[cfg(feature = "toml")]
mod toml_file;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use crate::layout::{Layout, Origin, Subject, Verdict};
use crate::machine::Machine;
use crate::notation::problem::Problem;
use crate::types::Type;
pub use key_pattern::KeyPattern;
pub use recognition::{Magic, Recognition};

/// A layout of a file.
#[derive(Clone, Debug)]
pub struct FileLayout {
    /// What `--layout` calls it.
    pub name: String,
    /// What it is, in a line.
    pub about: String,
    /// The file.
    pub path: PathBuf,
    /// What it recognises.
    pub recognition: Recognition,
    /// What the bytes mean.
    pub definition: Definition,
}

/// What the bytes mean.
#[derive(Clone)]
pub enum Definition {
    /// The same on every machine, or what the decoder fits to it.
    Type(Arc<Type>),
    /// A type of a C header, which each machine's compiler lays out.
    Header(Arc<OnMachine>),
}

/// The type on a machine, or what is wrong with it.
pub type OnMachine = dyn Fn(Machine) -> Result<Arc<Type>, String> + Send + Sync;

impl Definition {
    /// The type on `machine`.
    ///
    /// # Errors
    /// What is wrong with the header.
    pub fn on(&self, machine: Machine) -> Result<Arc<Type>, String> {
        match self {
            Self::Type(kind) => Ok(kind.clone()),
            Self::Header(on) => on(machine),
        }
    }
}

impl fmt::Debug for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type(kind) => kind.fmt(f),
            Self::Header(_) => f.write_str("a type of a C header"),
        }
    }
}

/// What a text held: layouts, and what is wrong with it. One that is wrong does not hide the others.
#[derive(Debug, Default)]
pub struct Contents {
    /// The layouts.
    pub layouts: Vec<FileLayout>,
    /// What is wrong, in the order of the text.
    pub problems: Vec<Problem>,
}

/// Where a type comes from that does not stand in the file itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderType<'a> {
    /// The header, as the file names it.
    pub header: &'a str,
    /// The type in it; `None` is the only one.
    pub name: Option<&'a str>,
}

/// Finds the type of a C header.
pub type FindHeader<'f> = &'f mut dyn FnMut(HeaderType<'_>) -> Result<Definition, String>;

/// Reads the text of the file at `path`, whose ending says what kind it is.
pub fn read(path: &std::path::Path, text: &str, header: FindHeader<'_>) -> Contents {
    let mut contents = match path.extension().is_some_and(|ending| ending == "toml") {
        #[cfg(feature = "toml")]
        true => toml_file::read(path, text, header),
        #[cfg(not(feature = "toml"))]
        true => Contents {
            problems: vec![Problem::new("this build of coreinspect reads no TOML: write NAME.layout", 0..0)],
            ..Contents::default()
        },
        false => plain::read(path, text),
    };
    if contents.layouts.is_empty() && contents.problems.is_empty() {
        contents.problems.push(Problem::new("the file describes no layout", 0..0));
    }
    contents
}

/// The name of a layout: what can stand on a command line as it is.
fn check_name(name: &str, span: Range<usize>) -> Result<(), Problem> {
    let may = |char: char| char.is_ascii_alphanumeric() || "-_.+".contains(char);
    let begins = name.starts_with(|char: char| char.is_ascii_alphabetic());
    match begins && name.len() <= 64 && name.chars().all(may) {
        true => Ok(()),
        false => Err(Problem::new("this is not a layout name", span)
            .help("a letter, and then letters, digits, `-`, `_`, `.` or `+`: `my-queue`")),
    }
}

impl Layout for FileLayout {
    fn name(&self) -> Cow<'_, str> {
        self.name.as_str().into()
    }

    fn about(&self) -> Cow<'_, str> {
        self.about.as_str().into()
    }

    fn origin(&self) -> Origin {
        Origin::File(self.path.clone())
    }

    fn recognises(&self) -> Vec<String> {
        self.definition.on(Machine::HOST).map(|kind| self.recognition.words(&kind)).unwrap_or_default()
    }

    fn recognise(&self, subject: &Subject<'_>) -> Verdict {
        match self.definition.on(subject.machine) {
            Ok(kind) => self.recognition.judge(&kind, subject),
            Err(_) => Verdict::No,
        }
    }

    fn describe(&self, subject: &Subject<'_>) -> Result<Arc<Type>, String> {
        self.definition.on(subject.machine)
    }
}
