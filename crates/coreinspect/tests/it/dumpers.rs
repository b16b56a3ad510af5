//! Real dumps of other writers than kernel and gcore of gdb 13, held against what was true of the living processes, and
//! the causes and fixes that each writer's rules give.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use coreinspect::position::Address;
use coreinspect::source::MappedFile;
use coreinspect::targets;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::core_builder::presets::{self, X86_64};
use crate::pipeline;
use crate::program::{Run, coreinspect};
use crate::tools::have;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/dumpers")
}

/// A dump called `dump`. Its folder goes with this value.
pub(crate) struct Dump {
    folder: TempDir,
    name: String,
    expected: Value,
}

impl Dump {
    pub(crate) fn unpack(name: &str) -> Dump {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("dump"), unpacked(name)).unwrap();
        Dump { folder, name: name.to_owned(), expected: expected(name) }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("dump")
    }

    /// What coreinspect says of it, in JSON.
    fn document(&self, status: i32) -> Value {
        let run = Run::of(coreinspect().arg(self.path()).arg("--json")).ended(status);
        run.document()["dumps"][0].take()
    }

    fn is_minidump(&self) -> bool {
        fs::read(self.path()).unwrap().starts_with(b"MDMP")
    }
}

/// The bytes of a dump, of less than a few megabytes.
pub(crate) fn unpacked(name: &str) -> Vec<u8> {
    let packed = fs::File::open(folder().join(format!("{name}.dump.zst"))).unwrap();
    let mut bytes = vec![];
    std::io::Read::read_to_end(&mut ruzstd::decoding::StreamingDecoder::new(packed).unwrap(), &mut bytes)
        .unwrap();
    bytes
}

fn expected(name: &str) -> Value {
    serde_json::from_slice(&fs::read(folder().join(format!("{name}.expected.json"))).unwrap()).unwrap()
}

/// The dumps that `testdata/make-dumpers` made.
pub(crate) fn names() -> Vec<String> {
    let entries =
        fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names = entries.filter_map(|name| Some(name.strip_suffix(".expected.json")?.to_owned()));
    let mut names: Vec<_> = names.filter(|name| !expected(name)["segments"].is_null()).collect();
    names.sort();
    assert!(names.len() >= 15, "{names:?}");
    names
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn address(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

#[test]
fn a_dump_that_names_segments_is_told_as_the_process_was() {
    for name in names() {
        let dump = Dump::unpack(&name);
        let expected = &dump.expected;
        let segments = expected["segments"].as_array().unwrap();
        if !segments.iter().all(|segment| segment["named"] == true) {
            continue;
        }
        let minidump = dump.is_minidump();
        let document = dump.document(0);
        assert_eq!(document["kind"], if minidump { "minidump" } else { "elf-core" }, "{name}");
        assert_eq!(document["complete"], true, "{name}");
        assert_eq!(document["warnings"], json!([]), "{name}");
        for fact in ["writer", "machine", "page_size"] {
            let truth = json!({ "writer": expected["writer"], "machine": "x86_64", "page_size": 4096 });
            assert_eq!(document[fact], truth[fact], "{name}: {fact}");
        }
        let process = &document["process"];
        for fact in ["pid", "command", "arguments", "executable", "uid", "threads"] {
            assert_eq!(process[fact], expected[fact], "{name}: {fact}");
        }
        assert_eq!(process["signal"], Value::Null, "{name}: it was alive");
        let thread = &process["thread_states"][0];
        for register in ["stack_pointer", "program_counter"] {
            assert_eq!(thread[register], expected[register], "{name}: {register}");
        }
        let found = document["segments"].as_array().unwrap();
        assert_eq!(found.len(), segments.len(), "{name}");
        for expected in segments {
            let place = |segment: &&Value| segment["attachments"][0]["start"] == expected["start"];
            let found = found
                .iter()
                .find(place)
                .unwrap_or_else(|| panic!("{name}: nothing at {}", expected["start"]));
            let length = address(&expected["end"]) - address(&expected["start"]);
            assert_eq!(found["name"], expected["name"], "{name}");
            assert_eq!(found["key"], expected["key"], "{name}");
            assert_eq!(found["mapped"], length, "{name}");
            assert_eq!(found["saved"], expected["saved"], "{name}: {}", expected["key"]);
            if minidump {
                assert_eq!(found["shmid"], expected["shmid"], "{name}");
                assert_eq!(found["found_by"], "device", "{name}");
                let mapping = &found["attachments"][0]["mappings"][0];
                assert_eq!(mapping["permissions"], expected["permissions"], "{name}");
            }
            if expected["saved"] == 0 {
                assert_eq!(found["state"], "absent", "{name}");
                assert_ne!(found["causes"], json!([]), "{name}");
            } else {
                assert_eq!(sha256(&extracted(&dump, found)), expected["sha256"].as_str().unwrap(), "{name}");
                assert_eq!(found["causes"], json!([]), "{name}");
            }
        }
    }
}

fn extracted(dump: &Dump, segment: &Value) -> Vec<u8> {
    let file = dump.folder.path().join("bytes");
    let number = format!("#{}", segment["number"]);
    Run::of(coreinspect().arg("extract").arg(dump.path()).arg(number).arg("--force").arg("-o").arg(&file))
        .ended(0);
    fs::read(file).unwrap()
}

/// What the dump has at the addresses of a segment that it does not name.
fn bytes_at(dump: &Dump, segment: &Value) -> Vec<u8> {
    let source = MappedFile::open(&dump.path()).unwrap();
    let target = targets::open(Arc::new(source)).unwrap();
    let mut bytes = vec![0xa5; (address(&segment["end"]) - address(&segment["start"])) as usize];
    let saved = target.read(Address::new(address(&segment["start"])), &mut bytes).unwrap();
    bytes.truncate(saved);
    bytes
}

/// Criu's coredump, Delve, google-coredumper and valgrind leave the names out. The line that says that nothing was found
/// says so; and what it says of the bytes is true of the dump.
#[test]
fn a_dump_that_names_no_segment_says_whose_fault_it_is() {
    let mut seen = 0;
    for name in names() {
        let dump = Dump::unpack(&name);
        let segments = dump.expected["segments"].as_array().unwrap();
        if segments.iter().any(|segment| segment["named"] == true) {
            continue;
        }
        seen += 1;
        let run = Run::of(coreinspect().arg(dump.path()).arg("--json")).ended(1);
        let document = run.document()["dumps"][0].take();
        assert_eq!(document["writer"], dump.expected["writer"], "{name}");
        // What is found by content has no key, and is what it was in truth.
        for candidate in document["segments"].as_array().unwrap() {
            assert_eq!(
                (&candidate["found_by"], &candidate["key"]),
                (&json!("content"), &Value::Null),
                "{name}"
            );
            let place = |segment: &Value| segment["start"] == candidate["attachments"][0]["start"];
            assert!(segments.iter().any(place), "{name}: {}", candidate["attachments"]);
        }
        let line = run.reasons()[0].to_owned();
        let writer = dump.expected["writer"].as_str().unwrap();
        assert!(line.to_lowercase().contains(writer) && line.contains("gcore"), "{name}: {line}");
        for segment in segments {
            let bytes = bytes_at(&dump, segment);
            let whole = sha256(&bytes) == segment["sha256"].as_str().unwrap();
            let writable = segment["permissions"].as_str().unwrap().contains('w');
            match writer {
                "criu" => assert!(!bytes.is_empty() && bytes.iter().all(|byte| *byte == 0), "{name}"),
                "google-coredumper" => assert_eq!(whole, writable, "{name}"),
                _ => assert!(whole, "{name} at {}", segment["start"]),
            }
        }
    }
    assert!(seen >= 4, "{seen}");
}

/// Every writer's dump in a compressed file of every kind, and out of a pipe, is told as the plain one.
#[test]
fn a_compressed_dump_is_told_as_the_plain_one() {
    let commands = [["zstd", "-1"], ["lz4", "-1"], ["xz", "-0"], ["gzip", "-1"], ["bzip2", "-1"]];
    if !commands.iter().all(|[program, _]| have(program)) {
        return;
    }
    for name in [
        "lldb-22-full",
        "breakpad",
        "minidump-writer",
        "gcore-18",
        "criu-4",
        "google-coredumper",
        "valgrind-3.19",
        "dotnet31-createdump-normal",
        "minicoredumper-named",
        "delve-1.20",
    ] {
        let dump = Dump::unpack(name);
        let told = |mut run: Run| {
            assert!(run.status < 2, "{name}: {run:?}");
            let mut document: Value = serde_json::from_slice(&std::mem::take(&mut run.out)).unwrap();
            let mut dump = document["dumps"][0].take();
            // A stream need not be read to its end, and then nobody knows its size.
            ["path", "file_size", "complete"].iter().for_each(|field| dump[*field] = Value::Null);
            dump
        };
        let plain = told(Run::of(coreinspect().arg(dump.path()).arg("--json")));
        for [program, level] in commands {
            let packed = dump.folder.path().join(format!("dump.{program}"));
            let mut command = Command::new(program);
            command.args([level, "-q", "-c"]).arg(dump.path()).stdout(fs::File::create(&packed).unwrap());
            assert!(command.status().unwrap().success(), "{program}");
            assert_eq!(told(Run::of(coreinspect().arg(&packed).arg("--json"))), plain, "{name}, {program}");
            fs::remove_file(packed).unwrap();
        }
        let bytes = fs::read(dump.path()).unwrap();
        assert_eq!(told(Run::fed(coreinspect().args(["-", "--json"]), &bytes)), plain, "{name}, a pipe");
    }
}

/// Why bytes are missing, by each writer's own rules: dump, key, code, whether it is sure, words of evidence and fix.
#[test]
fn causes_and_fixes_are_those_of_the_writer() {
    let told = [
        ("lldb-16-stack", "0x5d0d0001", "dumper-skipped", true, "`--style stack`", "--style full"),
        ("lldb-22-stack", "0x5d0d0002", "dumper-skipped", true, "`--style stack`", "--style full"),
        ("lldb-19-modified-memory", "0x5d0d0002", "dumper-skipped", true, "modified-memory", "--style full"),
        ("breakpad", "0x5d0d0001", "dumper-skipped", true, "holds stacks", "RegisterAppMemory"),
        ("minidump-writer", "0x5d0d0001", "dumper-skipped", true, "holds stacks", "set_app_memory"),
        ("gcore-16", "0x5d0d0003", "dontdump", true, "left out for a reason of its own", "gcore -a PID"),
        ("gcore-18", "0x5d0d0003", "dontdump", true, "left out for a reason of its own", "gcore -a PID"),
        (
            "dotnet31-createdump-normal",
            "0x10cf21d1",
            "dumper-skipped",
            true,
            "mini, heap and triage",
            "createdump --full",
        ),
        (
            "minicoredumper-named",
            "0x080088ea",
            "dumper-skipped",
            true,
            "list of saved memory",
            "maps.dump_by_name",
        ),
    ];
    for (name, key, code, certain, evidence, fix) in told {
        let dump = Dump::unpack(name);
        let document = dump.document(0);
        let segments = document["segments"].as_array().unwrap();
        let segment = segments.iter().find(|segment| segment["key"] == key).unwrap();
        let cause = &segment["causes"][0];
        assert_eq!((&cause["code"], &cause["certain"]), (&json!(code), &json!(certain)), "{name}: {cause}");
        assert!(cause["evidence"].as_str().unwrap().contains(evidence), "{name}: {cause}");
        assert!(cause["fix"].as_str().unwrap().contains(fix), "{name}: {cause}");
    }
}

/// drgn's gcore.py reads kernel memory, for which no symbols are here: a core of its documented shape.
#[test]
fn drgn_keeps_the_first_page_of_what_is_attached_read_only() {
    let core = presets::drgn(X86_64).build();
    let dump = pipeline::report_of(core.bytes);
    let causes: Vec<_> = dump.segments.iter().flat_map(|segment| &segment.causes).collect();
    assert!(dump.segments.iter().any(|segment| segment.saved == 4096 && segment.mapped == 3 * 4096));
    assert!(!causes.is_empty());
    for cause in causes {
        assert!(
            cause.code.name() == "read-only-attach" && cause.evidence.contains("drgn"),
            "{}",
            cause.evidence
        );
    }
}

/// The dumps of before, whose expectations have a shape of their own: names, places, and how much is there.
#[test]
fn dumps_of_dotnet_and_minicoredumper_hold_what_was_seen() {
    for (name, writer, shown) in [
        ("dotnet31-createdump-normal", "createdump", ["absent", "absent"]),
        ("minicoredumper-named", "minicoredumper", ["absent", "whole"]),
    ] {
        let dump = Dump::unpack(name);
        check_older(&dump, writer, &shown);
    }
}

/// A full dump of .NET 8: 108 MB, in which PT_LOADs do not begin where segments do.
#[test]
fn a_full_dump_of_dotnet_has_the_bytes() {
    if !have("zstd") {
        return;
    }
    let name = "dotnet8-createdump-full";
    let folder = tempfile::tempdir().unwrap();
    let packed = self::folder().join(format!("{name}.dump.zst"));
    let mut zstd = Command::new("zstd");
    zstd.args(["-dq", "--sparse"]).arg(packed).arg("-o").arg(folder.path().join("dump"));
    assert!(zstd.status().unwrap().success());
    let dump = Dump { folder, name: name.to_owned(), expected: expected(name) };
    let document = check_older(&dump, "createdump", &["whole", "whole"]);
    let segment = |key: &str| {
        let segments = document["segments"].as_array().unwrap();
        segments.iter().find(|segment| segment["key"] == key).unwrap()
    };
    // As the program wrote them: "content_note" of the expected facts.
    let bytes = extracted(&dump, segment("0x10cf21d1"));
    assert_eq!((&bytes[..8], bytes[4999]), (&b"FLAG\x01\0\0\0"[..], 0x7e));
    let bytes = extracted(&dump, segment("0x10cf21d2"));
    for page in 0..4 {
        let word = u64::from_le_bytes(bytes[page * 4096..][..8].try_into().unwrap());
        assert_eq!(word, 0x1122_3344_5566_0000 + page as u64);
    }
}

fn check_older(dump: &Dump, writer: &str, states: &[&str]) -> Value {
    let document = dump.document(0);
    assert_eq!(document["writer"], writer, "{}", dump.name);
    let found = document["segments"].as_array().unwrap();
    let names = dump.expected["dump"]["sysv_names_in_nt_file"].as_array().unwrap();
    let attachments = found.iter().flat_map(|segment| {
        let attachments = segment["attachments"].as_array().unwrap();
        attachments.iter().map(|attachment| {
            json!([segment["name"], attachment["start"], attachment["end"], attachment["saved"]])
        })
    });
    let mut attachments: Vec<Value> = attachments.collect();
    attachments.sort_by_key(|attachment| address(&attachment[1]));
    let segments = dump.expected["dump"]["segments"].as_array().unwrap();
    let mut expected: Vec<Value> = names
        .iter()
        .zip(segments)
        .map(|(row, segment)| {
            let saved = if segment["bytes_equal_live_process"] == true {
                segment["length"].clone()
            } else {
                json!(0)
            };
            json!([row["name"], row["start"], row["end"], saved])
        })
        .collect();
    expected.sort_by_key(|attachment| address(&attachment[1]));
    assert_eq!(attachments, expected, "{}", dump.name);
    let mut found: Vec<_> = found.iter().map(|segment| segment["state"].as_str().unwrap()).collect();
    found.sort_unstable();
    assert_eq!(found, states, "{}", dump.name);
    document
}
