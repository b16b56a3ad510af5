//! Addresses by symbols, held against gdb's `info symbol` on the same dump.

use std::process::Command;

use coreinspect::internals::debug_files::symbols::{Symbols, demangled};
use coreinspect::position::Address;

use super::no_folders;
use super::process::{Dumped, compile};
use crate::tools::have;

/// What gdb says of addresses: "name", or "name + 4"; `None` for those without a symbol.
fn gdb(dumped: &Dumped, addresses: &[u64]) -> Option<Vec<Option<String>>> {
    if !have("gdb") {
        return None;
    }
    let mut gdb = Command::new("gdb");
    gdb.args(["-batch", "-nx", "-iex", "set debuginfod enabled off"]).arg(&dumped.program).arg(&dumped.core);
    for address in addresses {
        gdb.args(["-ex", "echo @", "-ex", &format!("info symbol {address:#x}")]);
    }
    let output = gdb.env_remove("DEBUGINFOD_URLS").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let answers = said.split('@').skip(1).map(|answer| {
        let answer = answer.trim();
        let (name, _) = answer.split_once(" in section ")?;
        Some(name.replace(" + ", "+"))
    });
    Some(answers.collect())
}

/// The address of an expression, by gdb.
fn addresses(dumped: &Dumped, language: &str, expressions: &[&str]) -> Vec<u64> {
    let mut gdb = Command::new("gdb");
    gdb.args([
        "-batch",
        "-nx",
        "-iex",
        "set debuginfod enabled off",
        "-iex",
        &format!("set language {language}"),
    ]);
    gdb.arg(&dumped.program).arg(&dumped.core);
    for expression in expressions {
        gdb.args(["-ex", &format!("printf \"@%#lx\\n\", (unsigned long)({expression})")]);
    }
    let output = gdb.env_remove("DEBUGINFOD_URLS").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let found = said.lines().filter_map(|line| line.strip_prefix("@0x"));
    found.map(|text| u64::from_str_radix(text, 16).unwrap()).collect()
}

fn as_gdb_says(dumped: &Dumped, language: &str, expressions: &[&str]) {
    if !have("gdb") {
        return;
    }
    let mut all = addresses(dumped, language, expressions);
    assert_eq!(all.len(), expressions.len());
    all.extend(all.clone().iter().map(|address| address + 3));
    all.extend([dumped.base, dumped.base + 8, 0, 0x10, u64::MAX]);
    let Some(theirs) = gdb(dumped, &all) else { return };
    dumped.with_target(|target| {
        let symbols = Symbols::of(target, no_folders());
        for (address, theirs) in all.iter().zip(theirs) {
            let ours = symbols.at(Address::new(*address)).map(|symbol| symbol.to_string());
            assert_eq!(ours, theirs, "{address:#x}");
        }
    });
}

#[test]
fn symbols_are_those_of_gdb() {
    for arguments in [["-g", "-O0"], ["-g", "-m32"], ["-g", "-no-pie"]] {
        let folder = tempfile::tempdir().unwrap();
        let Some(program) = compile(folder.path(), "gcc", &arguments, "sample.c") else { return };
        let Some(dumped) = Dumped::of(&program, |_| true) else { return };
        as_gdb_says(
            &dumped,
            "c",
            &["&main", "&template", "&keep_number", "&keep_flexible", "&template.text"],
        );
    }
}

#[test]
fn names_of_cpp_and_rust_are_written_as_their_languages_do() {
    let folder = tempfile::tempdir().unwrap();
    let Some(program) = compile(folder.path(), "g++", &["-g"], "sample.cpp") else { return };
    let Some(dumped) = Dumped::of(&program, |_| true) else { return };
    as_gdb_says(&dumped, "c++", &["&shapes::Base::count", "&main", "&anonymous", "&other_base"]);
    // By c++filt and rustfilt.
    for (raw, name) in [
        ("_ZN6shapes4Base5countE", "shapes::Base::count"),
        ("_ZNSt6vectorIiSaIiEE9push_backEOi", "std::vector<int, std::allocator<int> >::push_back(int&&)"),
        ("_ZN4core3fmt9Formatter9write_str17h0123456789abcdefE", "core::fmt::Formatter::write_str"),
        ("_RNvCs1234_7mycrate4main", "mycrate::main"),
        ("main", "main"),
        ("_Z", "_Z"),
    ] {
        assert_eq!(demangled(raw), name);
    }
}

/// A name that would unfold to more than anybody reads stays as it is.
#[test]
fn a_name_without_an_end_is_cut() {
    // Each S_ stands for all that was before.
    let mut bomb = "_Z1fN1a1bE".to_owned();
    for _ in 0..40 {
        bomb.push_str("PFvS_S_S0_E");
    }
    let name = demangled(&bomb);
    assert!(name.len() <= 512, "{}", name.len());
    assert_eq!(demangled(&"x".repeat(10_000)).len(), 512);
}
