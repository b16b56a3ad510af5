//! A type of a program as a layout: `--layout 'struct queue'`, of the program that `--types` names or of those that the
//! dump itself names.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::debug_folders::DebugFolders;
use super::dwarf::{Problem, Types};
use super::named_program::Held;
use super::programs::{self, Program};
use crate::layout::{Layout, Origin, Subject, Verdict};
use crate::machine::Machine;
use crate::targets::Target;
use crate::types::Type;

/// A type that debug information describes. What was found is kept: several segments, and several dumps of one
/// program, cost one search.
#[derive(Debug)]
pub struct DebugInformation {
    name: String,
    /// The program that the user named; `None` are those of the dump.
    program: Option<PathBuf>,
    folders: DebugFolders,
    named: OnceLock<Result<Found, String>>,
    /// By the programs that the dumps so far had mapped.
    by_itself: Mutex<Vec<Known>>,
}

/// What the programs of a dump said, or why they did not.
type Known = (Vec<Program>, Result<Found, String>);

/// A type, and where it was found.
#[derive(Clone, Debug)]
struct Found {
    kind: Arc<Type>,
    machine: Machine,
    path: PathBuf,
}

impl DebugInformation {
    /// The type `name` (as [`Types::find`] takes it) of `program`, or, without one, of the executable of each dump and
    /// then of its libraries.
    pub fn new(name: &str, program: Option<PathBuf>, folders: DebugFolders) -> Self {
        Self { name: name.to_owned(), program, folders, named: OnceLock::new(), by_itself: Mutex::default() }
    }

    /// Reads the type of the program that the user named, so that a wrong name is told before any dump is read. Nothing
    /// without a program.
    ///
    /// # Errors
    /// In words, why there is no such type.
    pub fn check(&self) -> Result<(), String> {
        self.program.as_ref().map_or(Ok(()), |program| self.of_program(program).map(|_| ()))
    }

    fn of_program(&self, program: &Path) -> Result<Found, String> {
        let find = || {
            let types = Types::open(program, &self.folders)?;
            self.found(&types)
        };
        self.named.get_or_init(|| find().map_err(|problem: Problem| problem.to_string())).clone()
    }

    fn found(&self, types: &Types) -> Result<Found, Problem> {
        let kind = Arc::new(types.find(&self.name)?);
        Ok(Found { kind, machine: types.machine(), path: types.path().to_owned() })
    }

    fn of_target(&self, target: &dyn Target) -> Result<Found, String> {
        let programs = programs::mapped(target);
        let mut known = self.by_itself.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, found)) = known.iter().find(|(of, _)| *of == programs) {
            return found.clone();
        }
        let found = self.search(&programs);
        known.push((programs, found.clone()));
        found
    }

    /// Asks each program in turn.
    fn search(&self, programs: &[Program]) -> Result<Found, String> {
        let mut reasons = Vec::new();
        let mut executable_searched = false;
        let mut libraries = 0_u32;
        for (index, program) in programs.iter().enumerate() {
            let file = match program.open(&self.folders) {
                Ok(file) => file,
                Err(reason) => {
                    // Of libraries nobody expects debug information.
                    reasons.extend((index == 0).then_some(reason));
                    continue;
                }
            };
            let problem = match Types::of(file, &self.folders).and_then(|types| self.found(&types)) {
                Ok(found) => return Ok(found),
                Err(problem) => problem,
            };
            match &problem {
                Problem::NoDebugInformation { .. } => {
                    reasons.extend((index == 0).then(|| problem.to_string()))
                }
                Problem::Unknown { .. } if index == 0 => {
                    executable_searched = true;
                    reasons.push(problem.to_string());
                }
                Problem::Unknown { suggestions, .. } => {
                    // What is like the name may be the library's.
                    let tells = reasons.len() < 2 && !suggestions.is_empty();
                    reasons.extend(tells.then(|| problem.to_string()));
                    libraries = libraries.saturating_add(u32::from(!tells));
                }
                _ => return Err(problem.to_string()),
            }
        }
        match libraries {
            0 => {}
            1 => reasons.push("nor has a library that was searched".to_owned()),
            count => reasons.push(format!("nor have {count} libraries that were searched")),
        }
        if programs.is_empty() {
            reasons.push("the dump names no program of which it holds the headers".to_owned());
        }
        let advice = if executable_searched { "" } else { "; name the program by --types" };
        Err(format!("{}{advice}", reasons.join("; ")))
    }
}

impl Layout for DebugInformation {
    fn name(&self) -> Cow<'_, str> {
        self.name.as_str().into()
    }

    fn about(&self) -> Cow<'_, str> {
        match &self.program {
            Some(program) => format!("the type of {}", program.display()).into(),
            None => "the type of the dump's program".into(),
        }
    }

    fn origin(&self) -> Origin {
        let named = self.named.get().and_then(|found| found.as_ref().ok()).map(|found| found.path.clone());
        let by_itself = || {
            let known = self.by_itself.lock().unwrap_or_else(PoisonError::into_inner);
            let mut found = known.iter().rev().filter_map(|(_, found)| found.as_ref().ok());
            found.next().map(|found| found.path.clone())
        };
        let path = named.or_else(by_itself).or_else(|| self.program.clone());
        Origin::DebugInformation(path.unwrap_or_default())
    }

    /// A type says what bytes mean, not whose they are.
    fn recognise(&self, _: &Subject<'_>) -> Verdict {
        Verdict::No
    }

    fn describe(&self, subject: &Subject<'_>) -> Result<Arc<Type>, String> {
        let found = match (&self.program, subject.target) {
            (Some(program), _) => self.of_program(program)?,
            (None, Some(target)) => self.of_target(target)?,
            (None, None) => {
                return Err("the bytes come from no process: name its program by --types".to_owned());
            }
        };
        if found.machine != subject.machine {
            let (path, program, dump) = (found.path.display(), found.machine, subject.machine);
            return Err(format!(
                "{path} is for {program}, the dump is of {dump}: its types have other offsets there"
            ));
        }
        Ok(found.kind)
    }

    /// The program that the user named can be of another build than the dump's.
    fn doubt(&self, target: &dyn Target) -> Option<String> {
        match Held::against(self.program.as_deref()?, target) {
            Held::Other(doubt) => Some(doubt),
            Held::Same | Held::Unknown => None,
        }
    }
}
