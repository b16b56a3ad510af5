//! The house keeps its shape: data flows one way, one room knows JSON, few rooms hold `unsafe`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms of coreinspect from left to right (ARCHITECTURE.md). A room may use those before it.
const FLOW: &[&str] = &[
    "position",
    "writer",
    "machine",
    "pointer_tags",
    "memory",
    "kind",
    "process",
    "thread",
    "known_keys",
    "lock_shapes",
    "sidecar",
    "source",
    "error",
    "types",
    "notation",
    "proc_files",
    "stopped",
    "namespace",
    "core_writer",
    "core_file",
    "targets",
    "shm",
    "retention",
    "forecast",
    "collector",
    "look",
    "layout",
    "page_map",
    "debug_files",
    "search",
    "refs",
    "locks",
    "address_space",
    "diff",
    "unnamed",
    "fill",
    "report",
    "inspection",
    "render",
    "page",
    "cli",
    "internals",
];

/// Rooms that know nothing of each other, whichever comes first in [`FLOW`]: none on the left uses one on the right, and
/// none on the right one on the left.
const APART: &[(&[&str], &[&str])] = &[
    // A type knows no notation and no dump, and a dump no types.
    (&["types", "notation"], &["source", "core_file", "proc_files", "targets", "shm", "retention"]),
    // What coreinspect writes is read by a reader that shares nothing with the writer.
    (&["core_writer", "collector"], &["source", "core_file", "targets"]),
    // Why bytes are missing, what they say by themselves, and what they mean.
    (&["retention", "forecast"], &["look", "layout"]),
    (&["look"], &["layout"]),
    // The questions that are asked of segments.
    (&["search"], &["refs", "diff", "unnamed"]),
    (&["refs", "locks"], &["diff", "unnamed"]),
    (&["diff"], &["unnamed"]),
];

struct SourceFile {
    path: PathBuf,
    /// Without comments.
    code: String,
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn rust_files(folder: &Path) -> Vec<SourceFile> {
    let walk = walkdir::WalkDir::new(folder).sort_by_file_name();
    let entries = walk.into_iter().map(Result::unwrap);
    let rust = entries.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "rs"));
    rust.map(|entry| {
        let text = fs::read_to_string(entry.path()).unwrap();
        let path = entry.path().strip_prefix(folder).unwrap().to_owned();
        SourceFile { path, code: without_comments(&text) }
    })
    .collect()
}

fn without_comments(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The module path of a file: `core_file/note.rs` is `core_file::note`, `core_file/mod.rs` is `core_file`.
fn module(path: &Path) -> Vec<String> {
    let mut parts: Vec<String> =
        path.with_extension("").iter().map(|part| part.to_string_lossy().into()).collect();
    if ["mod", "lib", "main"].contains(&parts.last().unwrap().as_str()) {
        parts.pop();
    }
    parts
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|char: char| !char.is_alphanumeric() && char != '_').filter(|word| !word.is_empty())
}

/// The top-level modules that the code of `module` names, by `crate::` or by `super::` up to the crate's root.
fn rooms_used(code: &str, module: &[String]) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    let compact: String = code.split_whitespace().collect::<Vec<_>>().join(" ");
    let root = format!("{}::", vec!["super"; module.len()].join("::"));
    for start in ["crate::", root.as_str()] {
        for (at, _) in compact.match_indices(start) {
            let path = &compact[at + start.len()..];
            let longer = compact[..at].ends_with("super::") || compact[..at].ends_with("$");
            if longer || (start != "crate::" && module.is_empty()) {
                continue;
            }
            match path.strip_prefix('{') {
                Some(list) => used.extend(first_words(list)),
                None => used.extend(words(path).next().map(str::to_owned)),
            }
        }
    }
    used
}

/// The first word of each branch of `a::b, c::{d, e}, f};`.
fn first_words(list: &str) -> Vec<String> {
    let (mut depth, mut branch, mut found) = (0, String::new(), vec![]);
    for char in list.chars() {
        match char {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => found.push(std::mem::take(&mut branch)),
            _ => branch.push(char),
        }
    }
    found.push(branch);
    found.iter().filter_map(|branch| words(branch).next().map(str::to_owned)).collect()
}

fn place(room: &str) -> Option<usize> {
    FLOW.iter().position(|other| *other == room)
}

/// Every use that points to the right, across rooms that are apart, or at the crate's own front door, as `file uses room`.
fn against_the_flow(files: &[SourceFile]) -> Vec<String> {
    let mut wrong = vec![];
    for file in files {
        let module = module(&file.path);
        let Some(room) = module.first() else { continue };
        let Some(own) = place(room) else {
            wrong.push(format!("{}: the room {room} has no place in FLOW", file.path.display()));
            continue;
        };
        let parts = |left: &[&str], right: &[&str], used: &str| {
            left.contains(&room.as_str()) && right.contains(&used)
        };
        let apart = |used: &str| {
            APART.iter().any(|(left, right)| parts(left, right, used) || parts(right, left, used))
        };
        for used in rooms_used(&file.code, &module).iter().filter(|used| *used != room) {
            // What lib.rs names again (`crate::Error`) hides the room that it is of; cli is to the right of all.
            let door = used.starts_with(|char: char| char.is_uppercase()) && room != "cli";
            if door || apart(used) || place(used).is_some_and(|other| other > own) {
                wrong.push(format!("{} uses {used}", file.path.display()));
            }
        }
    }
    wrong
}

#[test]
fn every_room_has_its_own_place() {
    let entries = fs::read_dir(workspace().join("crates/coreinspect/src")).unwrap();
    let names = entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned());
    let rooms: BTreeSet<_> = names.filter(|name| !["lib", "main"].contains(&name.as_str())).collect();
    let held: BTreeSet<_> = FLOW.iter().map(|room| (*room).to_owned()).collect();
    assert_eq!(held, rooms);
    assert_eq!(held.len(), FLOW.len(), "a room stands twice");
    for room in APART.iter().flat_map(|(left, right)| left.iter().chain(*right)) {
        assert!(held.contains(*room), "{room}");
    }
}

#[test]
fn data_flows_one_way() {
    let files = rust_files(&workspace().join("crates/coreinspect/src"));
    assert!(files.len() > 20, "the files are not where this test looks");
    assert_eq!(against_the_flow(&files), Vec::<String>::new());
}

#[test]
fn a_use_against_the_flow_is_seen() {
    for (path, code) in [
        ("core_file/notes/file.rs", "use crate::report::Dump;"),
        ("core_file/mod.rs", "use crate::{position::Address, render::{table, json}};"),
        ("core_file/notes/file.rs", "use super::super::super::shm::Segment;"),
        ("source/mod.rs", "fn f() -> crate :: cli :: Status {}".replace(" :: ", "::").as_str()),
        ("layout/php.rs", "use super::super::report;"),
        ("attic.rs", ""),
        ("diff/mod.rs", "use crate::search::Pattern;"),
        ("search/mod.rs", "use crate::diff::Side;"),
        ("core_file/mod.rs", "use crate::types::Type;"),
        ("core_writer/mod.rs", "use crate::Error;"),
    ] {
        let file = SourceFile { path: path.into(), code: without_comments(code) };
        assert_eq!(against_the_flow(&[file]).len(), 1, "{path}: {code}");
    }
    for (path, code) in [
        ("render/table.rs", "use crate::{position::Address, report::Dump};"),
        ("core_file/notes/file.rs", "// use crate::report::Dump;\nuse super::super::loads::Loads;"),
        ("report/mod.rs", "use super::shm::Segment;"),
    ] {
        let file = SourceFile { path: path.into(), code: without_comments(code) };
        assert_eq!(against_the_flow(&[file]), Vec::<String>::new());
    }
}

fn derives(code: &str, name: &str) -> bool {
    let lists = code.split("derive(").skip(1).map(|rest| rest.split(')').next().unwrap_or_default());
    lists.flat_map(words).any(|word| word == name) || code.contains(&format!("impl {name} for "))
}

#[test]
fn the_contracts_alone_derive_serialize() {
    let files = rust_files(&workspace().join("crates/coreinspect/src"));
    let naming: BTreeSet<_> = files
        .iter()
        .filter(|file| derives(&file.code, "Serialize"))
        .map(|file| module(&file.path).first().cloned().unwrap_or_default())
        .collect();
    assert_eq!(naming, BTreeSet::from(["report", "sidecar"].map(str::to_owned)));
}

#[test]
fn unsafe_stands_in_three_modules_at_most() {
    let files = rust_files(&workspace().join("crates"));
    let shipped = files.iter().filter(|file| file.path.iter().nth(1).is_some_and(|part| part == "src"));
    let holding: Vec<_> = shipped
        .filter(|file| words(&file.code).any(|word| word == "unsafe"))
        .inspect(|file| assert!(file.code.contains("#![allow(unsafe_code)]"), "{}", file.path.display()))
        .map(|file| &file.path)
        .collect();
    assert!((1..=3).contains(&holding.len()), "{holding:?}");
}

/// The words of the outputs, as they stand in the files that are their rows.
fn outputs(files: &[SourceFile]) -> BTreeMap<String, String> {
    let rows = files.iter().filter_map(|file| {
        let row = file.code.split("pub const OUTPUT: Output").nth(1)?;
        let word = row.split('"').nth(1)?;
        Some((module(&file.path).join("::"), word.to_owned()))
    });
    rows.collect()
}

/// Whether `file`, which is no output, names one: by its module, its row or, where commands are, its word.
fn names_an_output(file: &SourceFile, outputs: &BTreeMap<String, String>) -> bool {
    let module = module(&file.path);
    let compact: String = file.code.split_whitespace().collect();
    let by_module = outputs.keys().any(|output| {
        let name = output.rsplit("::").next().unwrap_or_default();
        compact.contains(&format!("{output}::"))
            || compact.split("render::{").skip(1).any(|list| first_words(list).contains(&name.to_owned()))
    });
    let in_command = module.first().is_some_and(|room| room == "cli");
    let by_word = in_command && outputs.values().any(|word| compact.contains(&format!("\"{word}\"")));
    by_module || by_word || compact.contains("OUTPUTS") || compact.contains("Format::Json")
}

#[test]
fn an_output_is_a_file_and_a_row() {
    let files = rust_files(&workspace().join("crates/coreinspect/src"));
    let outputs = outputs(&files);
    assert!(outputs.len() > 3, "{outputs:?}");
    assert!(outputs.keys().all(|module| module.starts_with("render::")), "{outputs:?}");
    let invited = ["render", "cli::output"];
    let naming = files.iter().filter(|file| {
        let module = module(&file.path).join("::");
        !invited.iter().any(|room| module.starts_with(room)) && names_an_output(file, &outputs)
    });
    assert_eq!(naming.map(|file| &file.path).collect::<Vec<_>>(), Vec::<&PathBuf>::new());
}

#[test]
fn a_file_that_names_an_output_is_seen() {
    let outputs = BTreeMap::from([("render::json".to_owned(), "json".to_owned())]);
    let file = |path: &str, code: &str| SourceFile { path: path.into(), code: code.to_owned() };
    for (path, code) in [
        ("cli/show.rs", "use crate::render::{self, json};"),
        ("cli/show.rs", "use crate::render::json::pretty;"),
        ("cli/show.rs", "if context.output.name == \"json\" {}"),
        ("cli/show.rs", "for output in OUTPUTS {}"),
        ("report/mod.rs", "render :: json :: pretty(&report)"),
    ] {
        assert!(names_an_output(&file(path, code), &outputs), "{path}: {code}");
    }
    for (path, code) in [
        ("cli/show.rs", "context.print(&report)?; use crate::render::{Draw, table};"),
        ("cli/plugin/file.rs", "use serde_json::{Value, json};"),
        ("types/encoding/json.rs", "fn name(&self) -> &str { \"json\" }"),
    ] {
        assert!(!names_an_output(&file(path, code), &outputs), "{path}: {code}");
    }
}

/// Rooms that may open files: bytes of dumps, /proc, debug files, and what the user names.
const OPENERS: &[&str] =
    &["source", "proc_files", "targets::live", "debug_files", "core_writer", "collector", "cli"];

#[test]
fn few_rooms_open_files() {
    let files = rust_files(&workspace().join("crates/coreinspect/src"));
    let opens = |file: &&SourceFile| {
        // A MappedFile is opened by source/, whoever asks for it.
        let shipped =
            file.code.split("#[cfg(test)]").next().unwrap_or_default().replace("MappedFile::open", "");
        ["File::open", "File::create", "OpenOptions", "fs::read", "fs::write", "fs::metadata"]
            .iter()
            .any(|call| shipped.contains(call))
    };
    let opening: Vec<_> = files.iter().filter(opens).map(|file| module(&file.path).join("::")).collect();
    assert!(opening.iter().any(|module| module.starts_with("source")), "{opening:?}");
    let uninvited = |module: &&String| !OPENERS.iter().any(|room| module.starts_with(room));
    assert_eq!(opening.iter().filter(uninvited).collect::<Vec<_>>(), Vec::<&String>::new());
}

/// Rooms that may name a program that writes dumps; all others ask for its habits.
const KNOW_WRITERS: &[&str] = &["writer", "retention", "core_file::writer", "targets::minidump"];

/// The files outside those rooms that name a writer: a variant, or its word as a text that can be compared. `table` is the
/// code of writer.rs.
fn naming_a_writer(files: &[SourceFile], table: &str) -> Vec<String> {
    let words = table.split("named(\"").skip(1).filter_map(|rest| rest.split('"').next());
    // The program's own name is everywhere, uname(1) speaks of a kernel too, a plugin is of a debugger, and the tour runs a
    // program of that name.
    let ours = [
        ("", "coreinspect"),
        ("", "unknown"),
        ("cli::version", "kernel"),
        ("cli::plugin", "lldb"),
        ("cli::tour", "gcore"),
    ];
    let words: Vec<_> = words.collect();
    assert!(words.len() > 10, "{words:?}");
    let mut naming = vec![];
    for file in files {
        let module = module(&file.path).join("::");
        if KNOW_WRITERS.iter().any(|room| module == *room || module.starts_with(&format!("{room}::"))) {
            continue;
        }
        let code = file.code.split("#[cfg(test)]").next().unwrap_or_default();
        let variant = code
            .split("Writer::")
            .skip(1)
            .any(|rest| rest.starts_with(|char: char| char.is_ascii_uppercase()));
        let text = words.iter().any(|word| {
            let allowed = ours.iter().any(|(room, own)| own == word && module.starts_with(room));
            !allowed && code.contains(&format!("\"{word}\""))
        });
        if variant || text {
            naming.push(module);
        }
    }
    naming
}

#[test]
fn a_writer_is_named_in_its_rooms_alone() {
    let files = rust_files(&workspace().join("crates/coreinspect/src"));
    let table = files.iter().find(|file| file.path == Path::new("writer.rs")).unwrap();
    assert_eq!(naming_a_writer(&files, &table.code), Vec::<String>::new());
    for code in [
        "if identity.writer == Some(Writer::Gcore) {}",
        "matches!(dump.writer.as_deref(), Some(\"drgn\"))",
        "const COLUMNS: &[&str] = &[\"kernel\"];",
    ] {
        let stray = |path: &str| SourceFile { path: path.into(), code: code.to_owned() };
        assert_eq!(naming_a_writer(&[stray("render/about.rs")], &table.code), ["render::about"], "{code}");
        assert_eq!(naming_a_writer(&[stray("retention/gcore.rs")], &table.code), Vec::<String>::new());
    }
}

/// What could end the program, or lose bits of a number, where a file is hostile.
const DENIED: &[&str] = &[
    "arithmetic_side_effects",
    "cast_possible_truncation",
    "cast_possible_wrap",
    "cast_sign_loss",
    "expect_used",
    "indexing_slicing",
    "panic",
    "string_slice",
    "unreachable",
    "unwrap_used",
];

/// The lints that `code` switches off, but for those of its own unit tests.
fn lints_switched_off(code: &str) -> BTreeSet<String> {
    let compact: String = code.split_whitespace().collect();
    let lists = ["[allow(", "[expect(", "[warn("].into_iter().flat_map(|start| {
        compact.split(start).skip(1).filter_map(|rest| rest.split_once(")]")).map(|(list, _)| list.to_owned())
    });
    let names = lists.flat_map(|list| words(&list).map(str::to_owned).collect::<Vec<_>>());
    names.filter(|name| DENIED.contains(&name.as_str())).collect()
}

#[test]
fn the_workspace_denies_what_can_panic() {
    let workspace = workspace();
    let manifest = |path: &str| -> toml::Table {
        fs::read_to_string(workspace.join(path).join("Cargo.toml")).unwrap().parse().unwrap()
    };
    let root = manifest("");
    for lint in DENIED {
        assert_eq!(root["workspace"]["lints"]["clippy"][*lint].as_str(), Some("deny"), "{lint}");
    }
    for member in root["workspace"]["members"].as_array().unwrap() {
        let member = manifest(member.as_str().unwrap());
        assert_eq!(member["lints"]["workspace"].as_bool(), Some(true), "{member:?}");
    }
    let files = rust_files(&workspace.join("crates"));
    let shipped = files.iter().filter(|file| file.path.iter().nth(1).is_some_and(|part| part == "src"));
    let off: Vec<_> = shipped
        .map(|file| (file.path.as_path(), lints_switched_off(&file.code)))
        .filter(|(_, lints)| !lints.is_empty())
        .map(|(path, lints)| format!("{}: {lints:?}", path.display()))
        .collect();
    let seconds =
        r#"coreinspect/src/look/times.rs: {"cast_possible_truncation", "cast_sign_loss"}"#.to_owned();
    assert_eq!(off, [seconds]);
}

#[test]
fn a_lint_that_is_switched_off_is_seen() {
    for code in [
        "#![allow(clippy::indexing_slicing)]",
        "#[expect(clippy::dbg_macro,\n clippy::panic, reason = \"no\")]",
        "#[cfg_attr(x, y)]\n#[warn(\n    clippy::unwrap_used\n)]",
    ] {
        assert_eq!(lints_switched_off(code).len(), 1, "{code}");
    }
    assert!(lints_switched_off("#![cfg_attr(test, allow(clippy::panic))] #[allow(dead_code)]").is_empty());
}
