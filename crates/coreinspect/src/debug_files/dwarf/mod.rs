//! The types of a program or library, as its compiler wrote them down: DWARF 2 to 5, of C, C++, Rust and whatever else
//! has structs.
//!
//! Nothing is built before it is asked for: a name is found by one pass over the entries (`search`), and only its
//! type and what it holds by value become a [`Type`] (`build`). Pointers are not followed.

mod build;
mod numbers;
mod scalars;
mod search;
mod sections;
mod spelling;
mod structs;
mod units;
mod variants;
mod wanted;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::debug_folders::DebugFolders;
use super::elf_file::ElfFile;
use crate::machine::Machine;
use crate::types::{Array, Count, Type};
use build::{Builder, Failure, Standing};
use search::{Candidate, Found};
use sections::Sections;
use units::{Place, Units};
use wanted::Wanted;

/// The types of a program or library.
#[derive(Debug)]
pub struct Types {
    /// What was asked for, whose debug information may be in another file.
    program: PathBuf,
    sections: Sections,
    supplementary: Option<Sections>,
}

/// Why there is no such type.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The file cannot be read, or what it says of its types.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Neither the file nor a file beside it says what types it has.
    #[error("{}: it has no debug information{}", path.display(), hint(looked_for))]
    NoDebugInformation {
        /// The file.
        path: PathBuf,
        /// Where a separate file was looked for.
        looked_for: Vec<PathBuf>,
    },
    /// No type has the name.
    #[error("{} has no type `{name}`{}", path.display(), unknown(suggestions, note))]
    Unknown {
        /// The name.
        name: String,
        /// The file.
        path: PathBuf,
        /// Names that are like it, the nearest first.
        suggestions: Vec<String>,
        /// What else is to be known: that it is only declared, that types are in other files.
        note: Option<String>,
    },
    /// Several types that differ have the name.
    #[error("{} has several types `{name}`: {}", path.display(), candidates.join("; "))]
    Ambiguous {
        /// The name.
        name: String,
        /// The file.
        path: PathBuf,
        /// Each, and how to ask for it.
        candidates: Vec<String>,
    },
    /// The type has more parts than anybody can read, or holds itself.
    #[error("{}: the type `{name}` {reason}", path.display())]
    Unusable {
        /// The name.
        name: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

fn hint(looked_for: &[PathBuf]) -> String {
    // The caches of debuginfod make them many.
    const NAMED: usize = 3;
    let advice = "compile it with -g, or install its debug package";
    let mut places: Vec<_> = looked_for.iter().take(NAMED).map(|path| path.display().to_string()).collect();
    let more = looked_for.len().saturating_sub(NAMED);
    places.extend((more > 0).then(|| format!("{more} other files")));
    match places.is_empty() {
        true => format!("; {advice}"),
        false => format!(", nor is there one of {}; {advice}", places.join(", ")),
    }
}

fn unknown(suggestions: &[String], note: &Option<String>) -> String {
    let note = note.as_ref().map_or(String::new(), |note| format!(": {note}"));
    let quoted: Vec<_> = suggestions.iter().map(|name| format!("`{name}`")).collect();
    match quoted.is_empty() {
        true => note,
        false => format!("{note}; did you mean {}?", quoted.join(", ")),
    }
}

/// Passes over the file to find what is declared in one unit and defined in another, each for what the last one found.
const PASSES: usize = 4;
/// Types that are told of those that have the same name.
const TOLD: usize = 6;

impl Types {
    /// The types of the program or library at `path`, or of its separate debug file.
    ///
    /// # Errors
    /// [`Problem::Unreadable`], [`Problem::NoDebugInformation`].
    pub fn open(path: &Path, folders: &DebugFolders) -> Result<Self, Problem> {
        let file =
            ElfFile::open(path).map_err(|reason| Problem::Unreadable { path: path.to_owned(), reason })?;
        Self::of(file, folders)
    }

    /// The types of `file`, or of its separate debug file.
    ///
    /// # Errors
    /// As [`Types::open`].
    pub fn of(file: ElfFile, folders: &DebugFolders) -> Result<Self, Problem> {
        let program = file.path().to_owned();
        let unreadable = |path: &Path, reason| Problem::Unreadable { path: path.to_owned(), reason };
        let sections = Sections::of(file).map_err(|reason| unreadable(&program, reason))?;
        let sections = match sections.has_types() {
            true => sections,
            false => match folders.separate(sections.file()) {
                Ok(file) => {
                    let path = file.path().to_owned();
                    Sections::of(file).map_err(|reason| unreadable(&path, reason))?
                }
                Err(looked_for) => return Err(Problem::NoDebugInformation { path: program, looked_for }),
            },
        };
        if !sections.has_types() {
            return Err(Problem::NoDebugInformation {
                path: program,
                looked_for: vec![sections.file().path().to_owned()],
            });
        }
        let supplementary = match folders.supplementary(sections.file()) {
            Ok(Some(file)) => {
                let path = file.path().to_owned();
                Some(Sections::of(file).map_err(|reason| unreadable(&path, reason))?)
            }
            Ok(None) => None,
            Err(reason) => return Err(unreadable(sections.file().path(), reason)),
        };
        Ok(Self { program, sections, supplementary })
    }

    /// The program or library.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The file that the types are read from: the program, or its debug file.
    pub fn path(&self) -> &Path {
        self.sections.file().path()
    }

    /// The machine that they are for.
    pub fn machine(&self) -> Machine {
        self.sections.file().machine()
    }

    /// The type called `name`: `struct queue`, `queue_t`, `ns::Class<int>`, `crate::Enum`; `queue.c:struct queue` for the
    /// one that a source file has; `struct item[4]` and `struct item[]` for an array of them.
    ///
    /// Namespaces and a template's arguments may be left out as long as the name stays clear.
    ///
    /// # Errors
    /// [`Problem::Unknown`], [`Problem::Ambiguous`], [`Problem::Unusable`], [`Problem::Unreadable`].
    pub fn find(&self, name: &str) -> Result<Type, Problem> {
        let units = Units::of(std::iter::once(&self.sections).chain(&self.supplementary));
        let wanted = Wanted::parse(name);
        let found = units.search(&wanted);
        let standing = if wanted.array.is_none() { Standing::Last } else { Standing::Inside };
        let built = self.build_all(&units, name, &found, standing)?;
        let Some((first, _)) = built.first() else { return Err(self.unknown(&units, name, &wanted, &found)) };
        if built.len() > 1 {
            let told = built.iter().take(TOLD).map(|(kind, candidate)| self.told(&units, kind, candidate));
            let mut candidates: Vec<_> = told.collect();
            if built.len() > TOLD {
                candidates.push(format!("{} more", built.len().saturating_sub(TOLD)));
            }
            return Err(Problem::Ambiguous {
                name: name.to_owned(),
                path: self.path().to_owned(),
                candidates,
            });
        }
        let kind = first.clone();
        Ok(match wanted.array {
            None => kind,
            Some(count) => {
                let count = count.map_or(Count::ToEnd, |count| Count::Exactly(count.into()));
                Type::Array(Arc::new(Array { element: kind, count }))
            }
        })
    }

    /// The types that `found` defines, each that differs from those before it.
    fn build_all(
        &self,
        units: &Units<'_>,
        name: &str,
        found: &Found,
        standing: Standing,
    ) -> Result<Vec<(Type, Candidate)>, Problem> {
        let mut definitions = HashMap::new();
        let mut built: Vec<(Type, Candidate)> = Vec::new();
        for _ in 0..PASSES {
            built.clear();
            let mut builder = Builder::new(units, self.machine(), &definitions);
            for candidate in &found.definitions {
                let kind = builder.kind(candidate.place, standing, 0);
                let kind = kind.map_err(|failure| self.failure(name, failure))?.kind;
                if built.iter().all(|(known, _)| *known != kind) {
                    built.push((kind, candidate.clone()));
                }
            }
            let undefined = std::mem::take(&mut builder.undefined);
            if undefined.is_empty() {
                break;
            }
            let new: HashMap<String, Place> = units.definitions(&undefined);
            if new.is_empty() {
                break;
            }
            definitions.extend(new);
        }
        Ok(built)
    }

    fn failure(&self, name: &str, failure: Failure) -> Problem {
        let reason = match failure {
            Failure::Damaged(error) => {
                let reason = format!("its debug information is damaged: {error}");
                return Problem::Unreadable { path: self.path().to_owned(), reason };
            }
            Failure::TooLarge => "has too many parts",
            Failure::Circle => "holds itself: the debug information is damaged",
        };
        Problem::Unusable { name: name.to_owned(), path: self.path().to_owned(), reason: reason.to_owned() }
    }

    /// A type among others of its name: its size, where it is, and how to ask for it.
    fn told(&self, units: &Units<'_>, kind: &Type, candidate: &Candidate) -> String {
        let size = kind.size(self.machine()).map_or(String::new(), |size| format!(", {size} bytes"));
        match units.root(candidate.place.unit).name {
            Some(unit) => {
                let unit = String::from_utf8_lossy(unit.slice());
                format!("`{unit}:{}`{size}", candidate.name)
            }
            None => format!("`{}`{size}", candidate.name),
        }
    }

    fn unknown(&self, units: &Units<'_>, name: &str, wanted: &Wanted, found: &Found) -> Problem {
        let split = (0..units.count()).find_map(|unit| units.root(unit).split);
        let note = match (found.declared, split, &units.damage) {
            (_, Some(file), _) => Some(format!(
                "its types are in split DWARF files ({} and others), which are not read; compile it with -gno-split-dwarf",
                String::from_utf8_lossy(file.slice())
            )),
            (true, None, _) => Some("it is declared there, but not defined".to_owned()),
            (false, None, Some(error)) => Some(format!("its debug information is damaged ({error})")),
            (false, None, None) => None,
        };
        let suggestions = units.similar(wanted);
        Problem::Unknown { name: name.to_owned(), path: self.path().to_owned(), suggestions, note }
    }
}
