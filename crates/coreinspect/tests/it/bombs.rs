//! What a few bytes may not cost: each of these took gigabytes or minutes once. The program may have no more memory than it is
//! promised to take (SECURITY.md, F4): one byte more, and its allocator aborts it.

use crate::core_builder::notes::{self, Row};
use crate::core_builder::presets::{self, X86_64};
use crate::core_builder::{Content, CoreBuilder, R, Segment, W};
use std::path::Path;
use std::process::{Command, Output};

const MIB: u64 = 1 << 20;

/// The program with these arguments, and with `data` bytes of private writable memory (RLIMIT_DATA, getrlimit(2)).
fn within(data: u64, arguments: &[&str]) -> Output {
    let limit = format!("ulimit -d {} && exec \"$0\" \"$@\"", data / 1024);
    let mut command = Command::new("sh");
    command.args(["-c", &limit, env!("CARGO_BIN_EXE_coreinspect")]).args(arguments);
    command.env("RUST_BACKTRACE", "0").stdin(std::process::Stdio::null()).output().unwrap()
}

fn ended(output: &Output, status: i32) -> (String, String) {
    let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    assert_eq!(output.status.code(), Some(status), "{}: {err}", output.status);
    (out, err)
}

/// A core of `count` segments that all show `bytes`, mapped with `size` bytes each.
fn shared(count: u64, size: u64, bytes: &[u8], key: impl Fn(u64) -> u32) -> Vec<u8> {
    let start = |index: u64| 0x1_0000_0000 + index * (size + 0x1000);
    let row = |index: u64| Row {
        start: start(index),
        end: start(index) + size,
        offset: 0,
        name: presets::segment_name(key(index)),
    };
    let rows: Vec<_> = (0..count).map(row).collect();
    let load = |index, content| Segment::load(start(index), size, R | W, content);
    let mut builder = CoreBuilder::new(X86_64);
    builder.segments =
        vec![Segment::notes(vec![notes::prstatus(&X86_64, 1, 11), notes::file(&X86_64, 4096, &rows)])];
    builder.segments.push(load(0, Content::Bytes(bytes.to_vec())));
    builder.segments.extend((1..count).map(|index| load(index, Content::At(0, bytes.len() as u64))));
    let mut core = builder.build();
    // p_offset of the first, which all others share.
    let field = core.phoff + X86_64.program_header_bytes() as usize + 8;
    let offset = u64::from_le_bytes(core.bytes[field..field + 8].try_into().unwrap());
    (2..core.phnum).for_each(|index| core.set_program(index, "p_offset", offset));
    core.bytes
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

#[test]
fn a_script_that_is_none_is_refused() {
    let folder = Folder::new();
    let core = folder.file("core", &presets::kernel(X86_64).build().bytes);
    if !Path::new("/dev/zero").exists() {
        return;
    }
    let (_, told) = ended(&within(16 * MIB, &["shell", &core, "-x", "/dev/zero"]), 2);
    assert!(told.contains("line 1 has more than 128 KiB"), "{told}");
    // A last line without an end is a line, also one that ends as DOS ends them.
    let script = folder.file("script", b"version --short\r\n\nquit");
    ended(&within(16 * MIB, &["shell", &core, "-x", &script]), 2);
}

/// One record of two million parts: 28 MB of text.
#[test]
fn a_record_may_be_longer_than_memory() {
    let folder = Folder::new();
    let core = folder.file("core", &shared(1, 4 << 20, &vec![7; 4 << 20], |_| 0x7100_0001));
    let layout = "struct pair { u8 a; u8 b; }; struct all { pair pairs[2097152]; }; all one;";
    let output = within(12 * MIB, &["show", &core, "--records", "--layout", layout]);
    let (out, _) = ended(&output, 0);
    assert!(out.len() > 25 << 20 && out.lines().count() == 1, "{} bytes", out.len());
    assert!(out.ends_with("{\"a\":7,\"b\":7}]}}\n"), "{}", &out[out.len() - 40..]);
}

/// Each segment of a sister claims 64 MiB; 256 of them were 1 GiB of blocks.
#[test]
fn sisters_share_one_budget() {
    let folder = Folder::new();
    let sister =
        folder.file("sister", &shared(256, 64 << 20, &[1; 4096], |index| 0x7100_0001 + index as u32));
    let nameless = folder.file("nameless", &presets::delve(X86_64).build().bytes);
    let arguments = ["--find-unnamed", "--sister", &sister, &nameless];
    let output = within(16 * MIB, &arguments);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
}

/// 4,000 segments of one page of text, which is looked at for each.
#[test]
fn segments_that_share_their_bytes_are_looked_at_once() {
    let folder = Folder::new();
    let text = b"hello world this is a text ".repeat(152);
    let core = folder.file("core", &shared(4000, 4096, &text[..4096], |index| 0x7100_0001 + index as u32));
    let (out, _) = ended(&within(16 * MIB + 256 * 4000, &[&core]), 0);
    assert!(out.lines().count() > 4000);
    ended(&within(16 * MIB + 256 * 4000 + 2 * out.len() as u64, &["show", "--no-pager", &core]), 0);
}

/// Names of members that bytes give twice: an object of JSON has each name once.
#[test]
fn no_object_has_a_name_twice() {
    let folder = Folder::new();
    let mut bytes = b"IPC::Shareable{\"a\": 1, \"b\": {\"c\": 2, \"c\": 3}, \"a\": 4, \"a\": 5}".to_vec();
    bytes.resize(4096, 0);
    let core = folder.file("core", &shared(1, 4096, &bytes, |_| 0x7100_0001));
    let (out, _) = ended(&within(16 * MIB, &["--json", &core]), 0);
    let document: serde_json::Value = serde_json::from_str(&out).unwrap();
    let value = &document["dumps"][0]["segments"][0]["content"]["value"]["value"];
    let expected = serde_json::json!({"a": 1, "b": {"c": 2, "c (2)": 3}, "a (2)": 4, "a (3)": 5});
    assert_eq!(*value, expected);
}

/// A name of half a megabyte, and thousands of pointers into what it names.
#[test]
fn a_name_is_told_no_longer_than_a_path() {
    let folder = Folder::new();
    let words: Vec<u8> = (0..512_u64).flat_map(|word| (0x7000_0000 + word * 24).to_le_bytes()).collect();
    let long = [b"/".as_slice(), &vec![b'n'; 500_000]].concat();
    let rows = [
        Row { start: 0x1000_0000, end: 0x1000_1000, offset: 0, name: presets::segment_name(0x7100_0001) },
        Row { start: 0x7000_0000, end: 0x7100_0000, offset: 0, name: long },
    ];
    let mut builder = CoreBuilder::new(X86_64);
    let notes = vec![notes::prstatus(&X86_64, 1, 11), notes::file(&X86_64, 4096, &rows)];
    builder.segments =
        vec![Segment::notes(notes), Segment::load(0x1000_0000, 4096, R | W, Content::Bytes(words))];
    let core = folder.file("core", &builder.build().bytes);
    let layout = "struct all { void *pointers[512]; }; all one;";
    let (out, _) = ended(&within(20 * MIB, &["show", "--json", "--layout", layout, &core]), 0);
    let document: serde_json::Value = serde_json::from_str(&out).unwrap();
    let pointers = document["dumps"][0]["segments"][0]["content"]["pointers"].as_array().unwrap();
    assert_eq!(pointers.len(), 512);
    assert!(pointers.iter().all(|pointer| pointer["mapping"].as_str().unwrap().len() == 4096));
}
