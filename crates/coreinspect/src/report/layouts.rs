//! The JSON of `layouts`.

use std::path::Path;

use serde::Serialize;

use super::{PathText, SCHEMA};
use crate::layout::file::FileLayout;
use crate::layout::{self, Layout};
use crate::machine::Machine;
use crate::notation::problem::Problem;
use crate::types::{self, Type};

/// `layouts`: every layout that is known.
#[derive(Clone, Debug, Serialize)]
pub struct Layouts {
    /// The contract's name.
    pub schema: &'static str,
    /// Those that are asked first come first.
    pub layouts: Vec<LayoutEntry>,
}

/// A layout.
#[derive(Clone, Debug, Serialize)]
pub struct LayoutEntry {
    /// What `--layout` calls it.
    pub name: String,
    /// What it is.
    pub about: String,
    /// Where it comes from.
    pub origin: Origin,
    /// What it recognises, in words; [] if `about` says all.
    pub recognises: Vec<String>,
}

/// Where a layout comes from.
#[derive(Clone, Debug, Serialize)]
pub struct Origin {
    /// "built-in", "file", "command-line", "debug-information".
    pub kind: &'static str,
    /// The file: of a built-in one that of the program's source that it was read from; null for the command line.
    pub path: Option<String>,
    /// The path's bytes, where they are not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_hex: Option<String>,
}

/// `layouts show`: what the bytes of a layout mean on this machine.
#[derive(Clone, Debug, Serialize)]
pub struct LayoutDefinition {
    /// The contract's name.
    pub schema: &'static str,
    /// Which layout.
    pub layout: LayoutEntry,
    /// The machine whose sizes these are.
    pub machine: String,
    /// Bytes; null if the bytes decide.
    pub size: Option<u64>,
    /// The fields, those of a struct behind it.
    pub fields: Vec<LayoutField>,
}

/// A field of a layout.
#[derive(Clone, Debug, Serialize)]
pub struct LayoutField {
    /// Structs around it.
    pub depth: usize,
    /// Bytes from the start; null if the bytes decide, or inside an array.
    pub offset: Option<u64>,
    /// Bytes; null if the bytes decide.
    pub size: Option<u64>,
    /// Its type; of a check the expression.
    pub r#type: String,
    /// Its name; null if it has none.
    pub name: Option<String>,
    /// Conditions, magic, names of values.
    pub notes: Vec<String>,
}

/// `layouts check`.
#[derive(Clone, Debug, Serialize)]
pub struct LayoutCheck {
    /// The contract's name.
    pub schema: &'static str,
    /// The files, in the order of the command line.
    pub files: Vec<CheckedFile>,
}

/// A layout file that was checked.
#[derive(Clone, Debug, Serialize)]
pub struct CheckedFile {
    /// The file.
    #[serde(flatten)]
    pub path: PathText,
    /// Why it could not be read; null if it could.
    pub error: Option<String>,
    /// What is wrong with it.
    pub problems: Vec<FileProblem>,
    /// The layouts that are in order.
    pub layouts: Vec<LayoutDefinition>,
}

/// What is wrong with a layout file.
#[derive(Clone, Debug, Serialize)]
pub struct FileProblem {
    /// What is wrong.
    pub message: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What to do; null if nothing comes to mind.
    pub help: Option<String>,
}

impl Layouts {
    /// All of `layouts`.
    pub fn of<'l>(layouts: impl IntoIterator<Item = &'l dyn Layout>) -> Self {
        Self { schema: SCHEMA, layouts: layouts.into_iter().map(LayoutEntry::of).collect() }
    }
}

impl LayoutEntry {
    /// What is known of `layout` without bytes.
    pub fn of(layout: &dyn Layout) -> Self {
        Self {
            name: layout.name().into_owned(),
            about: layout.about().into_owned(),
            origin: Origin::from(layout.origin()),
            recognises: layout.recognises(),
        }
    }
}

impl From<layout::Origin> for Origin {
    fn from(origin: layout::Origin) -> Self {
        let (kind, path) = match origin {
            layout::Origin::BuiltIn(source) => ("built-in", Some(PathText::from(Path::new(source)))),
            layout::Origin::File(path) => ("file", Some(path.as_path().into())),
            layout::Origin::CommandLine => ("command-line", None),
            layout::Origin::DebugInformation(path) => ("debug-information", Some(path.as_path().into())),
        };
        let (path, path_hex) = path.map_or((None, None), |path| (Some(path.path), path.path_hex));
        Self { kind, path, path_hex }
    }
}

impl LayoutDefinition {
    /// What `layout`, whose bytes mean `kind`, says on `machine`.
    pub fn of(layout: &dyn Layout, kind: &Type, machine: Machine) -> Self {
        let fields = types::outline(kind, machine).into_iter().map(|line| LayoutField {
            depth: line.depth,
            offset: line.offset,
            size: line.size,
            r#type: line.kind,
            name: line.name.map(|name| name.to_string()),
            notes: line.notes,
        });
        Self {
            schema: SCHEMA,
            layout: LayoutEntry::of(layout),
            machine: machine.to_string(),
            size: kind.size(machine),
            fields: fields.collect(),
        }
    }
}

impl CheckedFile {
    /// A file that could not be read.
    pub fn unreadable(path: &Path, error: String) -> Self {
        Self { path: path.into(), error: Some(error), problems: Vec::new(), layouts: Vec::new() }
    }

    /// What a file with this text holds.
    pub fn of(path: &Path, text: &str, layouts: &[FileLayout], problems: &[Problem]) -> Self {
        let machine = Machine::HOST;
        let defined = layouts.iter().filter_map(|layout| {
            let kind = layout.definition.on(machine).ok()?;
            Some(LayoutDefinition::of(layout, &kind, machine))
        });
        let problems = problems.iter().map(|problem| {
            let (line, column) = problem.place(text);
            FileProblem { message: problem.message.clone(), line, column, help: problem.help.clone() }
        });
        Self { path: path.into(), error: None, problems: problems.collect(), layouts: defined.collect() }
    }
}
