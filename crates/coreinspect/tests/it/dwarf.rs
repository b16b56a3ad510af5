//! Types from DWARF, held against gdb: where each member lies, and what it says of the same dump.

mod command;
mod hostile;
mod names;
mod other_build;
mod process;
mod rust;
mod separate;
mod symbols;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use coreinspect::internals::debug_files::DebugFolders;
use coreinspect::internals::debug_files::debug_information::DebugInformation;
use coreinspect::internals::debug_files::dwarf::Types;
use coreinspect::types::Budget;
use coreinspect::types::contents::Window;
use coreinspect::types::decode::{Decoded, Limits, decode};

use crate::tools::{have, output};
use process::{Dumped, Leaf, compile, leaves, program};

/// Folders of debug files that hold nothing.
fn no_folders() -> DebugFolders {
    DebugFolders::of(vec![])
}

type ByPath = BTreeMap<String, (u64, String)>;

fn by_path(leaves: &[Leaf]) -> ByPath {
    leaves.iter().map(|leaf| (leaf.path.clone(), (leaf.byte, leaf.value.clone()))).collect()
}

/// Asserts that `name` of the dump's program is what gdb makes of it, member by member.
fn as_gdb_says(dumped: &Dumped, name: &str) -> Decoded {
    let layout = DebugInformation::new(name, None, no_folders());
    let decoded = dumped.decode(&layout).unwrap();
    assert!(
        decoded.remarks.findings.is_empty() && decoded.remarks.limits.is_empty(),
        "{:?}",
        decoded.remarks
    );
    let Some((size, theirs)) = dumped.gdb(name) else { return decoded };
    assert_eq!(decoded.value.offsets.length(), size, "{name}");
    let (ours, theirs) = (by_path(&leaves(&decoded)), by_path(&theirs));
    for (path, said) in &theirs {
        assert_eq!(ours.get(path), Some(said), "{path} of {name} in {}", dumped.program.display());
    }
    assert!(theirs.len() > 20, "gdb names only {} members", theirs.len());
    // Of a pointer to a member the script makes no number.
    let more: Vec<_> = ours.keys().filter(|path| !theirs.contains_key(*path)).collect();
    assert!(more.iter().all(|path| path.starts_with("member") || path.starts_with("function")), "{more:?}");
    decoded
}

fn dumped(folder: &Path, compiler: &str, arguments: &[&str], source: &str) -> Option<Dumped> {
    Dumped::of(&compile(folder, compiler, arguments, source)?, |_| true)
}

fn c_is_as_gdb_says(arguments: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let Some(dumped) = dumped(folder.path(), "gcc", arguments, "sample.c") else { return };
    as_gdb_says(&dumped, "struct everything");
}

#[test]
fn c_with_dwarf_5_is_as_gdb_says() {
    c_is_as_gdb_says(&["-gdwarf-5"]);
}

/// The kernel keeps of a program's file just the page that has its build-id.
#[test]
fn the_program_of_a_core_of_the_kernel_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let Some(program) = compile(folder.path(), "gcc", &["-g"], "sample.c") else { return };
    let Some(dumped) = Dumped::by_the_kernel(&program) else { return };
    as_gdb_says(&dumped, "struct everything");
}

#[test]
fn c_with_dwarf_4_is_as_gdb_says() {
    c_is_as_gdb_says(&["-gdwarf-4"]);
}

#[test]
fn c_with_dwarf_2_is_as_gdb_says() {
    c_is_as_gdb_says(&["-gdwarf-2", "-gstrict-dwarf"]);
}

#[test]
fn c_with_type_units_is_as_gdb_says() {
    c_is_as_gdb_says(&["-gdwarf-4", "-fdebug-types-section"]);
    c_is_as_gdb_says(&["-gdwarf-5", "-fdebug-types-section"]);
}

#[test]
fn c_with_compressed_sections_is_as_gdb_says() {
    c_is_as_gdb_says(&["-g", "-gz=zlib"]);
}

#[test]
fn c_of_i386_is_as_gdb_says() {
    c_is_as_gdb_says(&["-g", "-m32"]);
    c_is_as_gdb_says(&["-gdwarf-3", "-m32"]);
}

#[test]
fn cpp_is_as_gdb_says() {
    for arguments in [["-gdwarf-5", "-O0"], ["-gdwarf-4", "-O0"], ["-gdwarf-4", "-fdebug-types-section"]] {
        let folder = tempfile::tempdir().unwrap();
        let Some(dumped) = dumped(folder.path(), "g++", &arguments, "sample.cpp") else { return };
        let decoded = as_gdb_says(&dumped, "shapes::Shape");
        // What its own initialisers say.
        let said = by_path(&leaves(&decoded));
        for (path, value) in [
            ("Virtual.stamp", "99"),
            ("Base.id", "7"),
            ("Base.nested.depth", "3"),
            ("Other.id", "8"),
            ("kind", "2"),
            ("wide", "'abc'"),
            ("rune", "8364"),
            ("texts.items[1].items", "'two'"),
            ("numbers.used", "9"),
            ("hidden.secret", "5"),
            ("last", "-1"),
        ] {
            assert_eq!(said.get(path).map(|(_, value)| value.as_str()), Some(value), "{path} of {said:?}");
        }
    }
}

#[test]
fn an_open_array_reaches_to_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let Some(dumped) = dumped(folder.path(), "gcc", &["-g"], "sample.c") else { return };
    let layout = DebugInformation::new("struct flexible", None, no_folders());
    let said = by_path(&leaves(&dumped.decode_at(&layout, 4096).unwrap()));
    assert_eq!(said["count"], (4096, "3".to_owned()));
    assert_eq!(said["items[2].x"], (4096 + 4 + 16, "2".to_owned()));
    assert_eq!(said["items[2].y"], (4096 + 4 + 20, "-2".to_owned()));
    // The last that fits into the page; the four bytes behind it are no element.
    assert_eq!(said["items[510].y"], (8192 - 8, "0".to_owned()));
    assert!(
        !said.contains_key("items[511].y") || said["items[511].y"].1 == "Missing",
        "{:?}",
        said.get("items[511].y")
    );
    let array = DebugInformation::new("point_t[3]", None, no_folders());
    let said = by_path(&leaves(&dumped.decode_at(&array, 4100).unwrap()));
    assert_eq!(said["[2].y"], (4100 + 20, "-2".to_owned()));
    assert_eq!(said.len(), 6);
}

/// The bytes of the variable `name`, as the linker laid them out.
fn variable(program: &Path, name: &str) -> Vec<u8> {
    let symbols = output(Command::new("readelf").args(["-sW"]).arg(program));
    let symbol = symbols.lines().find(|line| line.ends_with(&format!(" {name}"))).unwrap();
    let symbol: Vec<_> = symbol.split_whitespace().collect();
    let (address, size) = (u64::from_str_radix(symbol[1], 16).unwrap(), symbol[2].parse::<usize>().unwrap());
    let sections = output(Command::new("readelf").args(["-SW"]).arg(program));
    let data = sections.lines().find(|line| line.contains(" .data ")).unwrap();
    let data: Vec<_> = data.split(']').nth(1).unwrap().split_whitespace().collect();
    let hex = |text: &str| u64::from_str_radix(text, 16).unwrap();
    let start = usize::try_from(address - hex(data[2]) + hex(data[3])).unwrap();
    std::fs::read(program).unwrap()[start..start + size].to_vec()
}

/// What the initialiser of `program` says, read by its own debug information; four bytes that are read one by one are
/// another matter.
fn initial_values(program: &Path) -> Vec<(String, String)> {
    let types = Types::open(program, &no_folders()).unwrap();
    let kind = types.find("struct everything").unwrap();
    let bytes = variable(program, "template");
    let contents = bytes.as_slice();
    let mut window = Window::new(&contents);
    let budget = &Budget::unlimited();
    let decoded = decode(&kind, 0, &mut window, types.machine(), Limits::default(), budget).unwrap();
    let leaves = leaves(&decoded).into_iter().filter(|leaf| !leaf.path.starts_with("number.bytes"));
    leaves.map(|leaf| (leaf.path, leaf.value)).collect()
}

/// The same initialiser on a big-endian machine: the same values, wherever they lie. The program was made by Debian's
/// cross compiler, which cannot be installed beside gcc's i386 (programs/README.md).
#[test]
fn a_big_endian_machine_says_the_same() {
    let folder = tempfile::tempdir().unwrap();
    if !have("readelf") {
        return;
    }
    for version in [3, 5] {
        let flag = format!("-gdwarf-{version}");
        let Some(own) = compile(folder.path(), "gcc", &[&flag], "sample.c") else { return };
        let packed = std::fs::read(program(&format!("sample.s390x.dwarf{version}.zst"))).unwrap();
        let mut bytes = vec![];
        let mut unpacked = ruzstd::decoding::StreamingDecoder::new(packed.as_slice()).unwrap();
        std::io::Read::read_to_end(&mut unpacked, &mut bytes).unwrap();
        let foreign = folder.path().join("foreign");
        std::fs::write(&foreign, bytes).unwrap();
        let (ours, theirs) = (initial_values(&own), initial_values(&foreign));
        assert_eq!(ours, theirs);
        assert!(ours.len() > 100);
    }
}
