//! The plugin as one file: the Python package of `plugin/coreinspect_plugin`, and the table of verbs.

use std::path::Path;

use serde_json::json;

use super::Debugger;
use crate::cli::{Verb, verbs as all_verbs};
use crate::layout::BUILTIN;

/// A module of the package: its name and its text.
macro_rules! module {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../plugin/coreinspect_plugin/", $name, ".py")))
    };
}

const LOADER: &str = include_str!("../../../plugin/loader.py");
/// What both debuggers need, in the order in which it can be loaded.
const SHARED: &[(&str, &str)] = &[
    module!("__init__"),
    module!("binary"),
    module!("arguments"),
    module!("ranges"),
    module!("verbs"),
    module!("session"),
    module!("settings"),
];

impl Debugger {
    fn modules(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Gdb => &[module!("gdb_types"), module!("in_gdb")],
            Self::Lldb => &[module!("in_lldb")],
        }
    }

    fn how_to_load(self) -> &'static str {
        match self {
            Self::Gdb => "source FILE",
            Self::Lldb => "command script import FILE",
        }
    }

    /// What runs when the file is loaded.
    fn start(self) -> &'static str {
        match self {
            Self::Gdb => "load_coreinspect()\ndel load_coreinspect, SOURCES, VERBS, INSTALLED_BY",
            Self::Lldb => {
                "def __lldb_init_module(debugger, internal_dict):\n    import sys\n\n    \
                 load_coreinspect(debugger, sys.modules[__name__])"
            }
        }
    }
}

/// The file for `debugger`; where it is installed, it runs the binary at `installed_by` before any in $PATH.
///
/// A file that is only printed names no binary: it may go to another machine, where that path is somebody else's.
pub(super) fn plugin(debugger: Debugger, installed_by: Option<&Path>) -> String {
    let modules = SHARED.iter().chain(debugger.modules());
    let sources: String = modules.map(|(name, text)| format!("    {name:?}: {},\n", raw(text))).collect();
    // A JSON string is a Python string too.
    let installed_by =
        installed_by.and_then(Path::to_str).map_or("None".to_owned(), |path| json!(path).to_string());
    let parts = [
        ("@DEBUGGER@", debugger.name()),
        ("@VERSION@", env!("CARGO_PKG_VERSION")),
        ("@HOW@", debugger.how_to_load()),
        ("@INSTALLED_BY@", &installed_by),
        ("@START@", debugger.start()),
        ("@VERBS@", &raw(&verbs())),
        ("@SOURCES@", &format!("{{\n{sources}}}")),
    ];
    parts.iter().fold(LOADER.to_owned(), |file, (place, text)| file.replace(place, text))
}

/// A Python literal in which nothing is escaped. (A test holds that no text of ours ends it.)
fn raw(text: &str) -> String {
    format!("r'''{text}'''")
}

/// The table of verbs as JSON: {`version`, `layouts` \[name\], `verbs` \[{`name`, `words` \[text\] (what it is on the command
/// line), `takes` (a word of [`Takes::name`](crate::cli::Takes::name)), `process_option` (what a PID in the place of the dump
/// stands behind, or null), `about`, `help`, `options` \[text\]}\]}.
pub(super) fn verbs() -> String {
    let layouts: Vec<_> = BUILTIN.iter().map(|layout| layout.name()).collect();
    let verbs: Vec<_> = all_verbs().map(|verb| row(&verb)).collect();
    json!({ "version": env!("CARGO_PKG_VERSION"), "layouts": layouts, "verbs": verbs }).to_string()
}

fn row(verb: &Verb) -> serde_json::Value {
    const COLUMNS: usize = 80;
    let clap = verb.clap();
    let shown = clap.get_arguments().filter(|arg| !arg.is_hide_set());
    let options: Vec<_> = shown.filter_map(|arg| Some(format!("--{}", arg.get_long()?))).collect();
    json!({
        "name": verb.name,
        "words": verb.words().collect::<Vec<_>>(),
        "takes": verb.command.takes.name(),
        "about": verb.about(),
        "help": verb.help("shm ", COLUMNS),
        "options": options,
    })
}
