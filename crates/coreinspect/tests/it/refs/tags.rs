//! Pointers with bits that are no part of the address: AArch64 tags and signatures, x86 LAM, RISC-V pointer masking.
//!
//! Which bits a machine ignores stands in the Arm and Intel manuals and in the kernel's documentation; the words are planted here.

use serde_json::Value;

use crate::core_builder::notes::{self, Note, Row};
use crate::core_builder::presets::{AARCH64, X86_64, segment_name};
use crate::core_builder::{Abi, ByteOrder, Content, CoreBuilder, R, Segment, W};
use crate::program::{Run, coreinspect};

const BASE: u64 = 0x7f12_3450_0000;
const DATA: u64 = 0x5500_0001_0000;
const KEY: u32 = 0x4c00_0a01;
const RISCV64: Abi = Abi { name: "riscv64", machine: 243, registers: 32 * 8, ..X86_64 };
const AARCH64_BE: Abi = Abi { order: ByteOrder::Big, ..AARCH64 };

fn linux(kind: u32, desc: Vec<u8>) -> Note {
    Note { owner: b"LINUX\0".to_vec(), kind, desc }
}

/// A process whose data, and whose segment itself, hold each of `words`.
fn dump(abi: &Abi, more: Vec<Note>, words: &[u64]) -> tempfile::TempDir {
    let row = Row { start: BASE, end: BASE + 4096, offset: 0, name: segment_name(KEY) };
    let mut of_process = vec![
        notes::prstatus(abi, 77, 11),
        notes::prpsinfo(abi, 77, 0, b"tags", b"tags"),
        notes::siginfo(abi, 11, 1, words[0] + 0x800),
        notes::file(abi, 4096, &[row]),
    ];
    of_process.extend(more);
    let bytes: Vec<u8> = words.iter().flat_map(|word| abi.encode_long(*word)).collect();
    let page = |mut bytes: Vec<u8>| {
        bytes.resize(4096, 0);
        Content::Bytes(bytes)
    };
    let segments = vec![
        Segment::notes(of_process),
        Segment::load(DATA, 4096, R | W, page(bytes.clone())),
        Segment::load(BASE, 4096, R | W, page(bytes)),
    ];
    let folder = tempfile::tempdir().unwrap();
    let core = CoreBuilder { segments, ..CoreBuilder::new(*abi) }.build();
    std::fs::write(folder.path().join("core"), core.bytes).unwrap();
    folder
}

fn run(folder: &tempfile::TempDir, words: &[&str]) -> Run {
    Run::of(coreinspect().args(words).current_dir(folder.path()))
}

fn hex(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

/// Address and tag of each word that `refs` finds in the data.
fn found(folder: &tempfile::TempDir, flags: &[&str]) -> Vec<(u64, u64)> {
    let document = run(folder, &[&["refs", "core", "--json"], flags].concat()).document();
    let references = document["references"].as_array().unwrap().iter();
    let of_data = references.filter(|one| one["from"] == "mapping");
    let pair = |one: &Value| (hex(&one["to"]), if one["tag"].is_null() { 0 } else { hex(&one["tag"]) });
    of_data.map(pair).collect()
}

#[test]
fn the_top_byte_of_aarch64_is_no_part_of_the_address() {
    for abi in [AARCH64, AARCH64_BE] {
        let tag = 0xb4 << 56;
        // Signed without a note that says where: not looked through. Of the kernel's half: bit 55.
        let words = [tag | BASE | 0x40, BASE | 0x48, 0x002a << 48 | BASE, 1 << 55 | BASE, tag | DATA];
        let folder = dump(&abi, vec![], &words);
        let truth = [(BASE | 0x40, tag), (BASE | 0x48, 0)];
        assert_eq!(found(&folder, &[]), truth, "{}", abi.name);
        assert_eq!(found(&folder, &["--unaligned"]), truth, "{}", abi.name);
        let text = run(&folder, &["refs", "core"]).ended(0);
        assert!(text.text().contains("+0x40 (tag 0xb4)"), "{text:?}");
        // What is stored in the segment: into itself, and into the process's own memory.
        let stored = run(&folder, &["refs", "core", "--json"]).document()["stored"][0].clone();
        let pointers = stored["pointers"].as_array().unwrap().iter();
        let pointers: Vec<_> =
            pointers.map(|one| (one["to"].clone(), one["value"].clone(), one["tag"].clone())).collect();
        let text = |word: u64| Value::from(format!("{word:#x}"));
        assert!(pointers.contains(&("itself".into(), text(BASE | 0x40), text(tag))), "{pointers:?}");
        assert!(pointers.contains(&("private".into(), text(DATA), text(tag))), "{pointers:?}");
        // A layout's pointer keeps its word, and leads where the address does.
        let shown = run(&folder, &["show", "core", "--layout", "void *p", "--json"]).ended(0).document();
        let content = &shown["dumps"][0]["segments"][0]["content"];
        assert_eq!(content["value"]["p"], text(words[0]));
        let pointer = &content["pointers"][0];
        assert_eq!((&pointer["address"], &pointer["tag"]), (&text(BASE | 0x40), &text(tag)));
        assert_eq!((&pointer["segment"], &pointer["offset"]), (&1.into(), &0x40.into()));
        let shown = run(&folder, &["show", "core", "--layout", "void *p"]).ended(0);
        assert!(shown.text().contains("+0x40 (tag 0xb4)"), "{shown:?}");
        // A guess, too.
        let look = run(&folder, &["show", "core", "--json"]).ended(0).document();
        let guesses =
            look["dumps"][0]["segments"][0]["content"]["look"]["guesses"]["pointers"]["shown"].clone();
        assert!(guesses.as_array().unwrap().iter().any(|one| one["tag"] == text(tag)), "{guesses}");
        // The kernel leaves the tag in si_addr for a handler with SA_EXPOSE_TAGBITS.
        let fault = &look["dumps"][0]["fault"];
        assert_eq!((&fault["relation"], &fault["offset"]), (&"inside".into(), &0x840.into()), "{fault}");
    }
}

#[test]
fn a_signature_is_where_the_note_says() {
    for abi in [AARCH64, AARCH64_BE] {
        // 47 bits of addresses: bits 47 to 54; bit 55 and the address itself are never a signature, whatever a note says.
        for mask in [0x007f_8000_0000_0000_u64, u64::MAX << 47] {
            let note = linux(0x406, [abi.encode(mask, 8), abi.encode(mask, 8)].concat());
            let signature = 0x002a << 48;
            let words = [0xb4 << 56 | signature | BASE, signature | BASE | 8, BASE | 16, 1 << 55 | BASE];
            let folder = dump(&abi, vec![note], &words);
            let truth = [(BASE, 0xb4 << 56 | signature), (BASE | 8, signature), (BASE | 16, 0)];
            assert_eq!(found(&folder, &[]), truth, "{} {mask:#x}", abi.name);
            let text = run(&folder, &["refs", "core"]).ended(0);
            assert!(text.text().contains("+0x8 (tag bits 0x2a000000000000)"), "{text:?}");
        }
    }
}

#[test]
fn lam_is_where_the_process_had_it() {
    let note = |mask: &str| Note {
        owner: b"coreinspect\0".to_vec(),
        kind: 0x5348_4d02,
        desc: format!(r#"{{"format":"coreinspect-segments/1","untag_mask":{mask},"segments":[]}}"#)
            .into_bytes(),
    };
    let tag = 0x2a << 57;
    let words = [tag | BASE | 0x40, BASE | 0x48, 1 << 63 | BASE];
    for (mask, expected) in [
        (r#""0x81ffffffffffffff""#, vec![(BASE | 0x40, tag), (BASE | 0x48, 0)]),
        (r#""0xffffffffffffffff""#, vec![(BASE | 0x48, 0)]),
        ("null", vec![(BASE | 0x48, 0)]),
        // What no processor has is not believed.
        (r#""0x0""#, vec![(BASE | 0x40, tag), (BASE | 0x48, 0)]),
        (r#""all""#, vec![(BASE | 0x48, 0)]),
    ] {
        let folder = dump(&X86_64, vec![note(mask)], &words);
        assert_eq!(found(&folder, &[]), expected, "{mask}");
    }
    assert_eq!(found(&dump(&X86_64, vec![], &words), &[]), [(BASE | 0x48, 0)]);
}

#[test]
fn riscv_masks_as_many_bits_as_the_note_says() {
    let tag = 0x55 << 57;
    let words = [tag | BASE, 1 << 56 | BASE, BASE | 8];
    for (length, expected) in [
        (7, vec![(BASE, tag), (BASE | 8, 0)]),
        (0, vec![(BASE | 8, 0)]),
        (16, vec![(BASE, tag), (BASE, 1 << 56), (BASE | 8, 0)]),
        (127, vec![(BASE, tag), (BASE, 1 << 56), (BASE | 8, 0)]),
    ] {
        let note = linux(0x902, RISCV64.encode(1 | length << 24, 8));
        assert_eq!(found(&dump(&RISCV64, vec![note], &words), &[]), expected, "{length}");
    }
    // The same number is another note on another machine.
    let note = linux(0x902, X86_64.encode(1 | 7 << 24, 8));
    assert_eq!(found(&dump(&X86_64, vec![note], &words), &[]), [(BASE | 8, 0)]);
}

/// What is written down of a living process is what its `status` says.
#[test]
fn a_small_core_keeps_the_mask() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let Some(mask) = status.lines().find_map(|line| line.strip_prefix("untag_mask:")) else { return };
    let folder = tempfile::tempdir().unwrap();
    let pid = std::process::id().to_string();
    Run::of(coreinspect().args(["dump", &pid, "-o", "core"]).current_dir(folder.path()));
    let Ok(bytes) = std::fs::read(folder.path().join("core")) else { return };
    let expected = format!(r#""untag_mask":"{}""#, mask.trim());
    assert!(bytes.windows(expected.len()).any(|window| window == expected.as_bytes()), "{expected}");
}
