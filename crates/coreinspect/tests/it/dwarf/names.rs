//! How a type is asked for, and what is said of a name that no type has.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use coreinspect::internals::debug_files::dwarf::{Problem, Types};
use coreinspect::types::Type;

use super::no_folders;
use super::process::compile;
use crate::tools::have;

/// A program of these files, or of those that cannot be compiled here none.
fn program_of(folder: &Path, compiler: &str, files: &[(&str, &str)], arguments: &[&str]) -> Option<PathBuf> {
    if !have(compiler) {
        return None;
    }
    for (name, text) in files {
        fs::write(folder.join(name), text).unwrap();
    }
    let built = folder.join("program");
    let mut command = Command::new(compiler);
    command
        .args(arguments)
        .args(files.iter().map(|(name, _)| name))
        .arg("-o")
        .arg(&built)
        .current_dir(folder);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(built)
}

fn size(types: &Types, name: &str) -> u64 {
    types.find(name).unwrap_or_else(|error| panic!("{name}: {error}")).size(types.machine()).unwrap()
}

#[test]
fn names_are_taken_as_people_write_them() {
    let folder = tempfile::tempdir().unwrap();
    let Some(program) = compile(folder.path(), "g++", &["-g"], "sample.cpp") else { return };
    let types = Types::open(&program, &no_folders()).unwrap();
    // By sizeof: two ints' worth of Base, three ints and the bit fields of a Buffer.
    for (name, expected) in [
        ("shapes::Base", 8),
        ("::shapes::Base", 8),
        ("class shapes::Base", 8),
        ("struct shapes::Base::Nested", 2),
        ("Nested", 2),
        ("shapes::Buffer<int, 3>", 16),
        ("shapes::Buffer<int,3>", 16),
        ("Buffer<shapes::Buffer<char, 4>, 2>", 20),
        ("shapes::Outer::Hidden", 4),
        ("enum shapes::Kind", 1),
        ("Anonymous", 4),
        ("other::Base", 8),
        ("other::Base[3]", 24),
    ] {
        assert_eq!(size(&types, name), expected, "{name}");
    }
    let Err(Problem::Ambiguous { candidates, .. }) = types.find("Base") else {
        panic!("two namespaces have a Base")
    };
    assert!(candidates.len() == 2 && candidates[0].contains("shapes::Base"), "{candidates:?}");
    assert!(matches!(types.find("Buffer"), Err(Problem::Ambiguous { .. })), "it has two instances");
    assert!(matches!(types.find("union Base"), Err(Problem::Unknown { .. })), "it is no union");
    let Type::Struct(shape) = types.find("Shape").unwrap() else { panic!("a class is a struct") };
    assert_eq!(shape.name.as_deref(), Some("shapes::Shape"));
}

#[test]
fn a_name_that_is_misspelled_is_told_what_is_like_it() {
    let folder = tempfile::tempdir().unwrap();
    let Some(program) = compile(folder.path(), "gcc", &["-g"], "sample.c") else { return };
    let types = Types::open(&program, &no_folders()).unwrap();
    let message = types.find("struct everythin").unwrap_err().to_string();
    assert!(
        message.ends_with("has no type `struct everythin`; did you mean `struct everything`?"),
        "{message}"
    );
    let message = types.find("strct everything").unwrap_err().to_string();
    assert!(message.ends_with("did you mean `struct everything`?"), "{message}");
    let message = types.find("pont_t").unwrap_err().to_string();
    assert!(message.contains("did you mean `point_t`"), "{message}");
    let message = types.find("zzzzzzzz").unwrap_err().to_string();
    assert!(message.ends_with("has no type `zzzzzzzz`"), "{message}");
}

const QUEUE: &str = "struct queue { int head, tail; void *first; };\n";

#[test]
fn one_name_may_have_two_meanings_in_two_files() {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        ("one.c", "struct item { int a; };\nstruct item one;\nint main(void) { return 0; }\n"),
        ("two.c", "struct item { int a, b; };\nstruct item two;\n"),
        ("three.c", "struct item { int a, b; };\nstruct item three;\n"),
    ];
    let Some(program) = program_of(folder.path(), "gcc", &files, &["-g"]) else { return };
    let types = Types::open(&program, &no_folders()).unwrap();
    let Err(Problem::Ambiguous { candidates, .. }) = types.find("struct item") else {
        panic!("it has two meanings")
    };
    assert_eq!(candidates, ["`one.c:item`, 4 bytes", "`two.c:item`, 8 bytes"]);
    assert_eq!(size(&types, "one.c:struct item"), 4);
    assert_eq!(size(&types, "two.c:item"), 8);
    assert!(matches!(types.find("four.c:item"), Err(Problem::Unknown { .. })));
}

/// One unit knows a struct by its name alone, another what it holds.
#[test]
fn a_declaration_is_completed_by_another_unit() {
    let folder = tempfile::tempdir().unwrap();
    let full = format!("{QUEUE}struct queue queue;\n");
    let files = [
        (
            "user.c",
            "struct queue;\nextern struct queue queue;\nstruct queue *pointer = &queue;\nint main(void) { return 0; }\n",
        ),
        ("queue.c", full.as_str()),
    ];
    let Some(program) = program_of(folder.path(), "gcc", &files, &["-g"]) else { return };
    let types = Types::open(&program, &no_folders()).unwrap();
    assert_eq!(size(&types, "struct queue"), 16);

    let folder = tempfile::tempdir().unwrap();
    let Some(program) = program_of(
        folder.path(),
        "gcc",
        &[("user.c", "struct queue *pointer;\nint main(void) { return 0; }\n")],
        &["-g"],
    ) else {
        return;
    };
    let types = Types::open(&program, &no_folders()).unwrap();
    let message = types.find("struct queue").unwrap_err().to_string();
    assert!(message.contains("it is declared there, but not defined"), "{message}");
}

/// A type that only a function knows is found as well.
#[test]
fn a_type_inside_a_function_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let text = "int main(void) { struct local { long a, b; } local = {1, 2}; return (int)local.a; }\n";
    let Some(program) = program_of(folder.path(), "gcc", &[("main.c", text)], &["-g"]) else { return };
    assert_eq!(size(&Types::open(&program, &no_folders()).unwrap(), "struct local"), 16);
}

#[test]
fn split_dwarf_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("{QUEUE}struct queue queue;\nint main(void) {{ return 0; }}\n");
    for version in ["-gdwarf-4", "-gdwarf-5"] {
        let arguments = [version, "-gsplit-dwarf"];
        let Some(program) = program_of(folder.path(), "gcc", &[("main.c", &text)], &arguments) else {
            return;
        };
        let message =
            Types::open(&program, &no_folders()).unwrap().find("struct queue").unwrap_err().to_string();
        assert!(message.contains("split DWARF files (") && message.contains(".dwo and others)"), "{message}");
    }
}

#[test]
fn a_program_without_debug_information_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let Some(program) =
        program_of(folder.path(), "gcc", &[("main.c", "int main(void) { return 0; }\n")], &["-s"])
    else {
        return;
    };
    let message = Types::open(&program, &no_folders()).unwrap_err().to_string();
    assert!(message.contains("it has no debug information; compile it with -g"), "{message}");
    let message = Types::open(Path::new("/dev/null"), &no_folders()).unwrap_err().to_string();
    assert_eq!(message, "/dev/null: it is no regular file");
    let message = Types::open(folder.path(), &no_folders()).unwrap_err().to_string();
    assert!(message.ends_with("it is a directory"), "{message}");
    let message = Types::open(&folder.path().join("main.c"), &no_folders()).unwrap_err().to_string();
    assert!(message.ends_with("it is no ELF file"), "{message}");
}

/// Where a virtual base lies stands in a table of the running program.
#[test]
fn a_virtual_base_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let text = "struct Base { int a; };\nstruct Heir : virtual Base { int b; };\nHeir heir;\nint main() {}\n";
    for version in ["-gdwarf-4", "-gdwarf-5"] {
        let Some(program) = program_of(folder.path(), "g++", &[("main.cpp", text)], &[version]) else {
            return;
        };
        let Type::Struct(heir) = Types::open(&program, &no_folders()).unwrap().find("Heir").unwrap() else {
            panic!()
        };
        let names: Vec<_> = heir.fields.iter().map(|field| field.name.as_deref().unwrap()).collect();
        assert_eq!(names, ["_vptr.Heir", "b"]);
    }
}
