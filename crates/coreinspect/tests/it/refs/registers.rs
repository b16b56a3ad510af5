//! Registers, held against `info registers` of gdb on the same dump.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use super::crashed::Crashed;
use crate::core_builder::notes::{self, NT_PRSTATUS};
use crate::core_builder::{Abi, ByteOrder, Content, CoreBuilder, R, Segment, W};
use crate::program::{Run, coreinspect};
use crate::tools::have;

/// gdb names them only where it is asked for them by name.
const X86_64: &[&str] = &["fs_base", "gs_base", "orig_rax"];

type Registers = BTreeMap<String, u64>;

/// What gdb says of the registers of each thread of `core`, by the thread's id.
fn asked(gdb: &str, core: &Path) -> BTreeMap<u64, Registers> {
    let mut command = Command::new(gdb);
    command.args(["-batch", "-nx", "-c"]).arg(core).args(["-ex", "thread apply all info registers"]);
    let run = command.env("LC_ALL", "C").env_remove("DEBUGINFOD_URLS").output().unwrap();
    let mut threads = BTreeMap::new();
    let (mut current, mut headings) = (0, vec![]);
    for line in String::from_utf8_lossy(&run.stdout).lines() {
        if let Some(rest) = line.strip_prefix("Thread ") {
            let id = rest.split("LWP ").nth(1).unwrap_or(rest).split(')').next().unwrap();
            current = id.trim().parse().unwrap_or_else(|_| panic!("{line}"));
        }
        if current == 0 {
            continue;
        }
        // MIPS: a line of names, and one of values below it, which may begin with the first one's number.
        let bare = line.split_whitespace().filter(|word| !word.starts_with('R'));
        let bare = bare.map(|word| u64::from_str_radix(word, 16).ok().filter(|_| word.len() >= 8));
        if let Some(values) = bare.collect::<Option<Vec<_>>>().filter(|values| !values.is_empty()) {
            let pairs = headings.iter().cloned().zip(values);
            threads.entry(current).or_insert_with(Registers::new).extend(pairs);
        }
        headings = line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let mut words = line.split_whitespace();
        let (Some(name), Some(value)) = (words.next(), words.next()) else { continue };
        if let Some(value) = value.strip_prefix("0x").and_then(|hex| u64::from_str_radix(hex, 16).ok()) {
            threads.entry(current).or_insert_with(Registers::new).insert(name.to_owned(), value);
        }
    }
    assert!(!threads.is_empty(), "{run:?}");
    threads
}

/// What coreinspect says of them.
fn told(core: &Path) -> BTreeMap<u64, Registers> {
    let document = Run::of(coreinspect().arg(core).args(["--json", "-v"])).document();
    let threads = document["dumps"][0]["process"]["thread_states"].as_array().unwrap();
    let threads = threads.iter().map(|thread| {
        let registers = thread["registers"].as_object().unwrap_or_else(|| panic!("{thread}"));
        let number = |value: &serde_json::Value| {
            u64::from_str_radix(value.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
        };
        let registers = registers.iter().map(|(name, value)| (name.clone(), number(value)));
        (thread["id"].as_u64().unwrap(), registers.collect())
    });
    threads.collect()
}

/// Names of registers of which both speak; they must agree. Those of `only_here` gdb does not print.
fn agree(gdb: &str, core: &Path, only_here: &[&str]) {
    let (asked, told) = (asked(gdb, core), told(core));
    assert_eq!(asked.keys().collect::<Vec<_>>(), told.keys().collect::<Vec<_>>());
    for (thread, registers) in &told {
        let theirs = &asked[thread];
        let differ =
            registers.iter().filter(|(name, value)| theirs.get(*name).is_some_and(|one| one != *value));
        assert_eq!(differ.collect::<Vec<_>>(), vec![], "{gdb} says {theirs:#x?}");
        let missing = registers.keys().filter(|name| !theirs.contains_key(*name)).map(String::as_str);
        assert_eq!(missing.collect::<BTreeSet<_>>(), only_here.iter().copied().collect(), "{theirs:#x?}");
    }
}

#[test]
fn of_every_thread_as_gdb_prints_them() {
    for (flags, only_here) in [(&[] as &[_], X86_64), (&["-m32"], &["orig_eax"])] {
        let Some(crashed) = Crashed::of("threads.c", flags, &[]) else { return };
        let core = crashed.core();
        if !have("gdb") {
            return;
        }
        agree("gdb", &core, only_here);
        assert_eq!(told(&core).len(), 3);
    }
}

/// A core whose registers all differ.
fn with_registers(abi: Abi, width: usize) -> Vec<u8> {
    let mut core = CoreBuilder::new(abi);
    let mut status = notes::prstatus(&abi, 4711, 11);
    let before = 32 + 10 * abi.long_bytes();
    // gdb knows each by its size, and 64-bit registers align the structure (x32, n32).
    status.desc.resize(status.desc.len().next_multiple_of(width), 0);
    for (number, register) in status.desc[before..before + abi.registers].chunks_mut(width).enumerate() {
        let value = 0x0100_0000 + 0x1_0000 * number as u64 + 0x10;
        register.copy_from_slice(&abi.encode(value, register.len()));
    }
    assert_eq!(status.kind, NT_PRSTATUS);
    let info = notes::prpsinfo(&abi, 4711, 0, b"x", b"x");
    let page = Content::Bytes(vec![0; 4096]);
    core.segments = vec![Segment::notes(vec![status, info]), Segment::load(0x1_0000, 4096, R | W, page)];
    let mut core = core.build();
    if abi.name == "n32" {
        // e_flags: EF_MIPS_ABI2.
        core.bytes[36..40].copy_from_slice(&abi.encode(0x20, 4));
    }
    core.bytes
}

/// gdb-multiarch reads the same cores. (gdb 13 does not know the notes of LoongArch.)
#[test]
fn of_other_machines_as_gdb_prints_them() {
    if !have("gdb-multiarch") {
        return;
    }
    use ByteOrder::{Big, Little};
    let abi = |name, machine, bits, order, registers| Abi {
        name,
        machine,
        bits,
        order,
        page_size: 4096,
        uid_bytes: 4,
        registers,
    };
    let folder = tempfile::tempdir().unwrap();
    let powerpc = &["dar", "dsisr", "result", "softe"] as &[_];
    for (abi, width, only_here) in [
        (abi("x86_64", 62, 64, Little, 27 * 8), 8, X86_64),
        (abi("x32", 62, 32, Little, 27 * 8), 8, X86_64),
        (Abi { uid_bytes: 2, ..abi("i386", 3, 32, Little, 17 * 4) }, 4, &["orig_eax"]),
        (abi("aarch64", 183, 64, Little, 34 * 8), 8, &[]),
        (Abi { uid_bytes: 2, ..abi("arm", 40, 32, Little, 18 * 4) }, 4, &["orig_r0"]),
        (abi("riscv64", 243, 64, Little, 32 * 8), 8, &[]),
        (abi("ppc64", 21, 64, Big, 48 * 8), 8, powerpc),
        (abi("ppc64le", 21, 64, Little, 48 * 8), 8, powerpc),
        (abi("ppc", 20, 32, Big, 48 * 4), 4, powerpc),
        (abi("mips", 8, 32, Big, 45 * 4), 4, &[]),
        (abi("mips64", 8, 64, Big, 45 * 8), 8, &[]),
        (abi("n32", 8, 32, Big, 45 * 8), 8, &[]),
        (abi("s390x", 22, 64, Big, 18 * 8 + 16 * 4 + 8), 8, &[]),
    ] {
        let path = folder.path().join(abi.name);
        std::fs::write(&path, with_registers(abi, width)).unwrap();
        println!("{}", abi.name);
        agree("gdb-multiarch", &path, only_here);
    }
}
