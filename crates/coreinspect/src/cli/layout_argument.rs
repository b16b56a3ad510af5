//! `--layout`: from what a user writes to a layout; and the layouts that are asked where nobody names one.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::{Context, Failure};
use crate::debug_files::debug_information::DebugInformation;
use crate::debug_files::layout_files::{LayoutFile, LayoutFiles, cannot_read};
use crate::debug_files::{DebugFolders, c_header};
use crate::layout::{self, BUILTIN, Layout, Origin, Subject, Verdict, builtin};
use crate::notation::inline;
use crate::notation::problem::meant;
use crate::types::Type;

/// Where layouts come from.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Content")]
pub(super) struct LayoutFlags {
    /// What the bytes are: the name of a layout, a type ('u8 flag; cstr message'), FILE.h:TYPE, FILE.layout:NAME, or a type
    /// of the program. See `coreinspect layouts`.
    #[arg(long, value_name = "LAYOUT")]
    layout: Option<String>,
    /// Try the layouts of this file too.
    #[arg(long, value_name = "FILE")]
    layout_file: Vec<PathBuf>,
    /// The program or library whose debug information has the types.
    #[arg(long, value_name = "PROGRAM")]
    types: Option<PathBuf>,
    /// Look for separate debug information here, not in /usr/lib/debug.
    #[arg(long, value_name = "FOLDER")]
    debug_file_directory: Vec<PathBuf>,
}

/// Layouts for a report.
#[derive(Clone, Debug, Default)]
pub(super) struct Chosen {
    /// The one that is named.
    pub(super) layout: Option<Arc<dyn Layout>>,
    /// Those that are asked besides, before the built-in ones.
    pub(super) layouts: Vec<Arc<dyn Layout>>,
}

impl LayoutFlags {
    /// Flags that name `layout`.
    pub(super) fn of(layout: String, layout_file: Vec<PathBuf>, types: Option<PathBuf>) -> Self {
        Self { layout: Some(layout), layout_file, types, debug_file_directory: Vec::new() }
    }

    /// Whether `--layout` says what the bytes are.
    pub(super) fn names_one(&self) -> bool {
        self.layout.is_some()
    }

    /// Reads the layout files, and finds the layout that is named.
    pub(super) fn chosen(&self, context: &mut Context<'_>) -> Result<Chosen, Failure> {
        let files = read_files(&self.layout_file, context)?;
        let layouts = files.layouts.into_iter().map(|layout| -> Arc<dyn Layout> { layout }).collect();
        let mut chosen = Chosen { layout: None, layouts };
        if let Some(text) = &self.layout {
            chosen.layout = Some(self.resolve(text, &chosen.layouts, context)?);
        } else if self.types.is_some() {
            return Err(Failure::new("--types says where to find the type of --layout: name a type"));
        }
        Ok(chosen)
    }
}

/// Reads layout files; what is wrong with those of the folders is told, and hides no other.
pub(super) fn read_files(named: &[PathBuf], context: &mut Context<'_>) -> Result<LayoutFiles, Failure> {
    let files = LayoutFiles::read(named).map_err(Failure::Screen)?;
    if !context.quiet {
        for problem in &files.problems {
            context.tell_screen(&format!("warning: coreinspect ignores a layout file: {problem}"));
        }
    }
    Ok(files)
}

/// Where a `--layout` leads.
#[derive(Debug, PartialEq, Eq)]
enum Asked<'t> {
    /// `FILE.h:TYPE`; without TYPE the only one.
    Header(&'t Path, Option<&'t str>),
    /// `FILE.layout:NAME` or `FILE.toml:NAME`; without NAME the only one.
    File(&'t Path, Option<&'t str>),
    /// A type in the grammar of `layout::inline`.
    Inline,
    /// The name of a type of the program.
    TypeName,
}

impl<'t> Asked<'t> {
    fn of(text: &'t str) -> Self {
        let ending =
            |path: &str| Path::new(path).extension().map(|ending| ending.to_string_lossy().into_owned());
        let parts = text.rsplit_once(':').filter(|(before, _)| !before.ends_with(':'));
        for (path, name) in
            [Some((text, None)), parts.map(|(path, name)| (path, Some(name)))].into_iter().flatten()
        {
            if path.contains([';', '{']) {
                continue;
            }
            match ending(path).as_deref() {
                Some("h" | "hpp" | "hh" | "hxx") => return Self::Header(Path::new(path), name),
                Some("layout" | "toml") => return Self::File(Path::new(path), name),
                _ => {}
            }
        }
        if text.contains("::") {
            return Self::TypeName;
        }
        let mut words = text.split_whitespace();
        let tagged = ["struct", "union", "enum", "class"].contains(&words.next().unwrap_or_default());
        match text {
            _ if text.contains([';', '{', '[', '@']) => Self::Inline,
            _ if tagged || text.contains('<') => Self::TypeName,
            // Words of C that are a type by themselves are no description: a field has a name.
            _ if words.next().is_some() => Self::Inline,
            _ => Self::TypeName,
        }
    }
}

impl LayoutFlags {
    /// The layout that `text` means.
    fn resolve(
        &self,
        text: &str,
        files: &[Arc<dyn Layout>],
        context: &Context<'_>,
    ) -> Result<Arc<dyn Layout>, Failure> {
        if let Some(layout) = files.iter().find(|layout| layout.name() == text) {
            return Ok(layout.clone());
        }
        if let Some(layout) = builtin::named(text) {
            return Ok(Arc::new(layout));
        }
        match Asked::of(text) {
            Asked::Header(path, name) => match c_header::layout(path, name) {
                Ok(layout) => Ok(Arc::new(layout)),
                Err(screen) => Err(Failure::Screen(screen)),
            },
            Asked::File(path, name) => in_file(path, name),
            Asked::Inline => match inline::parse(text) {
                Ok(kind) => Ok(Arc::new(Inline(Arc::new(kind)))),
                // `point_t[3]` are three of the program's.
                Err(_) if !text.contains([';', '{', '@']) && !text.trim().contains(' ') => {
                    type_of_program(text, self, files, context)
                }
                Err(problem) => Err(Failure::Screen(problem.in_text(text, "--layout").to_string())),
            },
            Asked::TypeName => type_of_program(text, self, files, context),
        }
    }
}

/// The layout `name` of a layout file, or its only one.
fn in_file(path: &Path, name: Option<&str>) -> Result<Arc<dyn Layout>, Failure> {
    let file = LayoutFile::read(path).map_err(|error| Failure::new(cannot_read(path, &error)))?;
    let known = &file.contents.layouts;
    let found = match name {
        Some(name) => known.iter().find(|layout| layout.name == name),
        None => known.first().filter(|_| known.len() == 1),
    };
    if let Some(layout) = found {
        return Ok(Arc::new(layout.clone()));
    }
    if let Some(problem) = file.contents.problems.first() {
        return Err(Failure::Screen(file.tell(path, problem)));
    }
    let names: Vec<_> = known.iter().map(|layout| layout.name.as_str()).collect();
    let path = path.display();
    Err(Failure::new(match name {
        Some(name) => format!("{path} has no layout {name}; it has {}", names.join(", ")),
        None => {
            format!("{path} has several layouts: name one, as {path}:{}", names.first().unwrap_or(&"NAME"))
        }
    }))
}

/// A type of the program: of `--types`, or of the dump's own.
fn type_of_program(
    name: &str,
    flags: &LayoutFlags,
    files: &[Arc<dyn Layout>],
    context: &Context<'_>,
) -> Result<Arc<dyn Layout>, Failure> {
    if let (Some(meant), None) = (misspelt(name, files), &flags.types) {
        return Err(Failure::new(format!("there is no layout {name:?}; did you mean {meant}?")));
    }
    let folders = match flags.debug_file_directory.is_empty() {
        true => context.debug_folders(),
        false => DebugFolders::of(flags.debug_file_directory.clone()).with_programs(context.named_programs()),
    };
    let information = DebugInformation::new(name, flags.types.clone(), folders);
    information.check().map_err(Failure::new)?;
    Ok(Arc::new(information))
}

/// The known layout whose name was likely meant by `name`.
fn misspelt(name: &str, files: &[Arc<dyn Layout>]) -> Option<String> {
    let files = files.iter().map(|layout| layout.name().into_owned());
    let known: Vec<String> = files.chain(BUILTIN.iter().map(|layout| layout.name().into_owned())).collect();
    meant(name, known.iter().map(String::as_str)).map(str::to_owned)
}

/// A type that was written on the command line.
#[derive(Debug)]
struct Inline(Arc<Type>);

impl Layout for Inline {
    fn name(&self) -> Cow<'_, str> {
        "inline".into()
    }

    fn about(&self) -> Cow<'_, str> {
        "a type on the command line".into()
    }

    fn origin(&self) -> Origin {
        Origin::CommandLine
    }

    fn recognise(&self, _: &Subject<'_>) -> Verdict {
        Verdict::No
    }

    fn describe(&self, _: &Subject<'_>) -> Result<Arc<Type>, String> {
        Ok(self.0.clone())
    }
}

/// Every layout that is known: those of files first, as they are asked first.
pub(super) fn all(files: &LayoutFiles) -> Vec<&dyn Layout> {
    let files = files.layouts.iter().map(|layout| layout.as_ref() as &dyn Layout);
    files.chain(layout::BUILTIN.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_says_what_is_meant() {
        for (text, expected) in [
            ("queue.h:struct queue", Asked::Header(Path::new("queue.h"), Some("struct queue"))),
            ("dir:x/queue.h", Asked::Header(Path::new("dir:x/queue.h"), None)),
            ("/etc/q.toml", Asked::File(Path::new("/etc/q.toml"), None)),
            ("q.layout:queue", Asked::File(Path::new("q.layout"), Some("queue"))),
            ("u8 flag; cstr message", Asked::Inline),
            ("u32 x", Asked::Inline),
            ("unsigned int list[]", Asked::Inline),
            ("u32[]", Asked::Inline),
            ("struct { u8 a; }", Asked::Inline),
            ("u32 a : 3", Asked::Inline),
            ("struct queue", Asked::TypeName),
            ("queue_t", Asked::TypeName),
            ("ns::Queue<int, 4>", Asked::TypeName),
            ("std::pair<int, char *>", Asked::TypeName),
            ("crate::Row<[u8; 4]>", Asked::TypeName),
        ] {
            assert_eq!(Asked::of(text), expected, "{text}");
        }
    }
}
