//! What cannot be started here, as its own struct: older releases, 32-bit programs, writes that stopped half way.
//! `headers.c` has the structs; gcc lays them out for `-m64` and `-m32`.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::running::{Removed, Running, content, with_core};
use crate::tools::have;

/// A process with a segment that has the header `name`.
struct Header {
    running: Running,
    _waits: ChildStdin,
    key: u32,
    /// Bytes of the struct.
    size: u64,
    folder: TempDir,
    _segment: Removed,
}

impl Header {
    fn start(name: &str, bits: &str, key: u32) -> Option<Header> {
        if !have("gcc") {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/software/headers.c");
        let mut gcc = Command::new("gcc");
        let options = ["-Wall", "-Wextra", "-Werror", "-o", "headers", &format!("-m{bits}")];
        assert!(gcc.args(options).arg(source).current_dir(folder.path()).status().unwrap().success());
        let segment = Removed(key);
        let mut command = with_core("./headers");
        command.args([&format!("{key:x}"), name]).current_dir(folder.path());
        let mut running = Running::start(command.stdin(Stdio::piped()).stdout(Stdio::piped()));
        let waits = running.child.stdin.take().unwrap();
        let mut said = BufReader::new(running.child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let size = said.next().unwrap().parse().unwrap();
        assert_eq!(said.next().as_deref(), Some("ready"));
        Some(Header { running, _waits: waits, key, size, folder, _segment: segment })
    }

    fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// What the dump of gcore, and that of the kernel, tell.
    fn contents(&mut self) -> Vec<Value> {
        let folder = self.folder.path();
        let cores = [self.running.gcore(folder), self.running.abort(folder)];
        cores.into_iter().flatten().map(|core| content(&core, self.key)).collect()
    }
}

/// A key that no other test and no program has: `number` tells those of this file apart.
fn key(number: u32) -> u32 {
    0x6800_0000 | (std::process::id() & 0xffff) << 8 | number
}

#[test]
fn postgresql_of_every_kind_is_told_apart() {
    let kinds = [
        ("8_1", "8.1", &["magic", "creatorPID", "totalsize", "freeoffset", "device", "inode"][..]),
        ("8_2", "8.2", &["magic", "creatorPID", "totalsize", "freeoffset", "indexoffset", "device", "inode"]),
        (
            "9_3",
            "8.3 to 9.3",
            &["magic", "creatorPID", "totalsize", "freeoffset", "index", "device", "inode"],
        ),
        (
            "9_3-all",
            "8.3 to 9.3",
            &["magic", "creatorPID", "totalsize", "freeoffset", "index", "device", "inode"],
        ),
        (
            "9_4",
            "9.4 or newer",
            &["magic", "creatorPID", "totalsize", "freeoffset", "dsm_control", "index", "device", "inode"],
        ),
    ];
    for (bits, word) in [("64", 0), ("32", 8)] {
        for (number, (name, releases, fields)) in (0..).zip(kinds) {
            let start = Header::start(&format!("postgresql-{name}"), bits, key(word + number));
            let Some(mut header) = start else { return };
            for content in header.contents() {
                let what = format!("{name} -m{bits}: {content:#}");
                assert_eq!(content["layout"], "postgresql", "{what}");
                assert_eq!(content["confidence"], "certain", "{what}");
                let value = &content["value"];
                let names: BTreeSet<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
                assert_eq!(names, fields.iter().copied().collect(), "{what}");
                assert_eq!(value["creatorPID"], header.pid(), "{what}");
                assert_eq!(value["totalsize"], 4000, "{what}");
                assert_eq!(
                    (&value["device"], &value["inode"]),
                    (&json!(0xfe00), &json!(0x12_3456)),
                    "{what}"
                );
                if !name.ends_with("all") {
                    assert_eq!(value["freeoffset"], header.size, "{what}");
                }
                assert!(content["reasons"][0].as_str().unwrap().ends_with(releases), "{what}");
            }
        }
    }
}

#[test]
fn an_ntp_segment_has_the_size_of_the_targets_time_t() {
    for (bits, size) in [("64", 96), ("32", 80)] {
        // The key of a unit that no clock here has; it must be NTP's.
        let Some(mut header) = Header::start("ntp", bits, 0x4e54_5030 + 200 + (std::process::id() % 25) * 2)
        else {
            return;
        };
        assert_eq!(header.size, size);
        for content in header.contents() {
            assert_eq!(
                (&content["layout"], &content["confidence"]),
                (&json!("ntp-shm"), &json!("certain")),
                "{content:#}"
            );
            assert_eq!(content["value"]["receiveTimeStampNSec"], 830_333_348);
            assert_eq!(content["value"]["nsamples"], 3);
            assert_eq!(content["findings"], json!([]), "-m{bits}");
        }
    }
}

/// Stopped between the two counts: seconds of one time, nanoseconds of another.
#[test]
fn a_torn_ntp_write_is_a_finding() {
    let Some(mut header) = Header::start("ntp-torn", "64", 0x4e54_5030 + 201 + (std::process::id() % 25) * 2)
    else {
        return;
    };
    for content in header.contents() {
        assert_eq!(content["layout"], "ntp-shm", "{content:#}");
        let findings: Vec<_> = content["findings"].as_array().unwrap().iter().map(Value::to_string).collect();
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(findings.iter().all(|finding| finding.contains("torn write")), "{findings:?}");
        assert!(
            findings[0].contains("count") && findings[1].contains("receiveTimeStampNSec"),
            "{findings:?}"
        );
    }
}

/// The same bytes under a key that is not NTP's are not claimed for sure.
#[test]
fn without_the_key_no_ntp_segment_is_certain() {
    for (number, name) in [(20, "ntp"), (21, "ntp-foreign")] {
        let Some(mut header) = Header::start(name, "64", key(number)) else { return };
        for content in header.contents() {
            assert_ne!(content["confidence"], "certain", "{name}: {content:#}");
        }
    }
}

#[test]
fn php_of_32_bits_counts_with_32_bits() {
    for (number, bits) in [(30, "64"), (31, "32")] {
        let Some(mut header) = Header::start("php", bits, key(number)) else { return };
        for content in header.contents() {
            assert_eq!(
                (&content["layout"], &content["confidence"]),
                (&json!("php-sysvshm"), &json!("certain")),
                "{content:#}"
            );
            assert_eq!(content["value"]["start"], header.size);
            let variables = &content["value"]["variables"];
            assert_eq!(
                (&variables[0]["key"], &variables[0]["value"]),
                (&json!(-1), &json!(42)),
                "{variables}"
            );
            assert_eq!((&variables[1]["key"], &variables[1]["value"]), (&json!(7), &json!({ "k": 0.5 })));
            assert_eq!(variables.as_array().unwrap().len(), 2);
        }
    }
}
