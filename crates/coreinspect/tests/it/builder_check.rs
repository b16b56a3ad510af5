//! The builder against readelf of binutils and of elfutils: both read its cores as they were meant.

use crate::core_builder::notes::{self, Row};
use crate::core_builder::presets::{self, ABIS, MIPS, PID, UID};
use crate::core_builder::{Abi, Content, CoreBuilder, R, Segment, TablePlace, W};
use crate::tools;
use std::process::Command;

fn readelf(tool: &str, option: &str, builder: &CoreBuilder) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    builder.write_to(file.as_file());
    tools::output(Command::new(tool).arg(option).arg(file.path()))
}

fn sample(abi: Abi) -> CoreBuilder {
    let rows = [
        Row { start: 0x1000_0000, end: 0x1000_2000, offset: 3, name: b"/SYSV7800c028 (deleted)".to_vec() },
        Row { start: 0x2000_0000, end: 0x2000_1000, offset: 0, name: b"/a b".to_vec() },
    ];
    let notes = vec![
        notes::prpsinfo(&abi, PID, UID, b"writer", b"./writer -x"),
        notes::prstatus(&abi, PID + 1, 11),
        notes::siginfo(&abi, 11, 1, 0xabc0),
        notes::auxv(&abi, &[(notes::AT_PAGESZ, 0x4000), (notes::AT_UID, UID), (notes::AT_NULL, 0)]),
        notes::file(&abi, 0x1000, &rows),
    ];
    let load = Segment::load(0x1000_0000, 0x2000, R | W, Content::Bytes(vec![7; 0x1801]));
    CoreBuilder { segments: vec![Segment::notes(notes), load], ..CoreBuilder::new(abi) }
}

/// `(type, p_vaddr, p_filesz, p_memsz)` of every program header that readelf prints.
fn program_headers(text: &str) -> Vec<(String, u64, u64, u64)> {
    let number = |word: &str| u64::from_str_radix(word.trim_start_matches("0x"), 16).unwrap();
    let rows = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let rows = rows.filter(|words| words.len() > 6 && ["LOAD", "NOTE"].contains(&words[0]));
    rows.map(|words| (words[0].to_owned(), number(words[2]), number(words[4]), number(words[5]))).collect()
}

#[test]
fn binutils_reads_the_program_headers() {
    if !tools::have("readelf") {
        return;
    }
    for abi in ABIS {
        for (table, extended_numbering) in [
            (TablePlace::At(64), false),
            (TablePlace::At(128), true),
            (TablePlace::End, false),
            (TablePlace::End, true),
        ] {
            let builder = CoreBuilder { table, extended_numbering, ..sample(abi) };
            let headers = program_headers(&readelf("readelf", "-lW", &builder));
            assert_eq!(headers.len(), 2, "{}", abi.name);
            assert_eq!(headers[0].0, "NOTE");
            assert_eq!(headers[1], ("LOAD".to_owned(), 0x1000_0000, 0x1801, 0x2000));
        }
    }
}

#[test]
fn nt_file_is_read_as_meant() {
    if !tools::have("readelf") || !tools::have("eu-readelf") {
        return;
    }
    for abi in ABIS {
        for notes_last in [false, true] {
            let builder = CoreBuilder { notes_last, ..sample(abi) };
            // elfutils prints bytes where the note counts pages, and knows no MIPS; a binutils of 32 bits reads 32 bits only.
            let (text, row) = if abi.machine == MIPS.machine {
                let row: &[_] = &["0x10000000", "0x10002000", "0x00000003", "/SYSV7800c028", "(deleted)"];
                (readelf("readelf", "-nW", &builder), row)
            } else {
                let row: &[_] = &["00003000", "8192", "/SYSV7800c028", "(deleted)"];
                (readelf("eu-readelf", "-n", &builder), row)
            };
            let words: Vec<_> = text.split_whitespace().collect();
            assert!(words.windows(row.len()).any(|window| window == row), "{}: {text}", abi.name);
        }
    }
}

#[test]
fn elfutils_reads_the_process() {
    if !tools::have("eu-readelf") {
        return;
    }
    // elfutils has no core backend for MIPS in every release.
    for abi in ABIS.into_iter().filter(|abi| abi.machine != MIPS.machine) {
        let text = readelf("eu-readelf", "-n", &sample(abi));
        for expected in [
            format!("uid: {UID}, gid: 0, pid: {PID}, ppid: 0"),
            "fname: writer, psargs: ./writer -x".to_owned(),
            format!("pid: {}, ppid: 0", PID + 1),
            "cursig: 11".to_owned(),
            "si_signo: 11, si_errno: 0, si_code: 1".to_owned(),
            "fault address: 0xabc0".to_owned(),
            "PAGESZ: 16384".to_owned(),
            "2 files:".to_owned(),
            "10000000-10002000 ".to_owned(),
        ] {
            assert!(text.contains(&expected), "{}: no {expected:?} in {text}", abi.name);
        }
    }
}

#[test]
fn every_preset_is_well_formed() {
    if !tools::have("readelf") {
        return;
    }
    for abi in ABIS {
        for builder in [
            presets::kernel(abi),
            presets::kernel_sorted(abi),
            presets::extended_numbering(abi),
            presets::gcore(abi),
            presets::createdump_31(abi),
            presets::createdump_8_full(abi),
            presets::qemu_user(abi),
            presets::delve(abi),
            presets::minicoredumper(abi),
        ] {
            assert_eq!(program_headers(&readelf("readelf", "-lW", &builder)).len(), builder.segments.len());
            readelf("readelf", "-nW", &builder);
        }
    }
    let text = readelf("readelf", "-SW", &presets::minicoredumper(presets::X86_64));
    assert!(text.contains(" .note.minicoredumper.dumplist NOTE "), "{text}");
}
