//! Running processes: `live`, and every command by `-p PID`, held against what the kernel and the process say.

mod holder;
mod manners;
mod namespace;
mod stop;
mod stress;
mod watch;

use std::process::Command;

use serde_json::{Value, json};

use crate::program::{Run, coreinspect};
use crate::tools::{have, missing, output};
use holder::{Holder, row};

/// A key that no other test has.
fn key() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    format!(
        "{:x}",
        0x2b00_0000 | (std::process::id() & 0xffff) << 8 | COUNTER.fetch_add(1, Ordering::Relaxed) & 0xff
    )
}

fn make(size: usize) -> String {
    format!("make:{}:{size}", key())
}

fn root() -> bool {
    nix::unistd::geteuid().is_root() || missing("root")
}

/// What `document` says of a segment is what the kernel's `row` says.
fn as_the_kernel_says(segment: &Value, row: &std::collections::HashMap<String, String>) {
    let number = |column: &str| row[column].parse::<u64>().unwrap();
    for (field, column) in [
        ("shmid", "shmid"),
        ("size", "size"),
        ("owner", "uid"),
        ("nattch", "nattch"),
        ("cpid", "cpid"),
        ("lpid", "lpid"),
        ("attached", "atime"),
        ("changed", "ctime"),
    ] {
        assert_eq!(segment[field], number(column), "{field}: {segment}");
    }
    assert_eq!(segment["detached"], json!(null), "it never was");
    let perms = &row["perms"];
    assert_eq!(segment["perms"], format!("0{}", &perms[perms.len() - 3..]));
    assert_eq!(segment["removed"], true);
}

#[test]
fn the_report_is_what_the_kernel_says() {
    let (first, second) = (make(5000), "make:0:8192");
    let operations =
        [first.as_str(), "text:0:\u{1}Hello from the living", second, "again:ro", "name:a (b) Z 1"];
    let Some(holder) = Holder::start(&operations) else { return };
    let run = holder.coreinspect(&["live", "PID", "--json"]).ended(0);
    let dump = &run.document()["dumps"][0];
    assert_eq!(
        (&dump["path"], &dump["kind"]),
        (&json!(format!("/proc/{}", holder.pid())), &json!("process"))
    );
    for unknown in ["file_size", "writer"] {
        assert_eq!(dump[unknown], json!(null), "{unknown}");
    }
    let machine = output(Command::new("uname").arg("-m"));
    assert_eq!((&dump["machine"], &dump["class"]), (&json!(machine.trim()), &json!(64)));
    let process = &dump["process"];
    assert_eq!(process["pid"].to_string(), holder.pid());
    assert_eq!(process["command"], "a (b) Z 1");
    assert_eq!(process["uid"], nix::unistd::getuid().as_raw());
    assert_eq!(process["executable"], holder.folder().join("holder").to_str().unwrap());
    let arguments = process["arguments"].as_str().unwrap();
    assert!(arguments.ends_with("again:ro name:a (b) Z 1"), "{arguments}");
    assert_eq!((&process["signal"], &process["fault_address"]), (&json!(null), &json!(null)));

    let of = |shmid: i32| {
        let segments = dump["segments"].as_array().unwrap();
        segments.iter().find(|segment| segment["shmid"] == shmid).unwrap_or_else(|| panic!("{shmid}: {dump}"))
    };
    for (operation, state) in [(0, 2), (2, 1)] {
        let segment = of(holder.shmid(operation));
        as_the_kernel_says(segment, &row(&[], holder.shmid(operation)));
        assert_eq!((&segment["found_by"], &segment["state"]), (&json!("device"), &json!("whole")));
        assert_eq!(segment["attachments"].as_array().unwrap().len(), state);
    }
    let message = &of(holder.shmid(0))["content"]["value"]["message"]["text"];
    assert_eq!(message, "Hello from the living");
    let codes: Vec<_> = dump["warnings"].as_array().unwrap().iter().map(|one| &one["code"]).collect();
    assert_eq!(codes, ["live"], "it says that bytes may be torn");
}

/// Each command that takes a dump takes a process.
#[test]
fn every_command_takes_a_process() {
    let operations =
        [make(9000), "text:0:\u{1}Hello".to_owned(), "text:8999:x".to_owned(), "none:1".to_owned()];
    let operations: Vec<_> = operations.iter().map(String::as_str).collect();
    let Some(holder) = Holder::start(&operations) else { return };
    let by_path = holder.coreinspect(&["/proc/PID", "--json"]).ended(0).document();
    for words in [
        &["-p", "PID", "--json"] as &[_],
        &["--pid", "PID", "--json"],
        &["live", "PID", "--json"],
        &["show", "-p", "PID", "--json"],
        &["show", "-p", "PID", "#1", "--json"],
        &["show", "/proc/PID/", "--json"],
    ] {
        let mut document = holder.coreinspect(words).ended(0).document();
        document["dumps"][0]["path"] = by_path["dumps"][0]["path"].clone();
        assert_eq!(document, by_path, "{words:?}");
    }
    // A page without rights is read as a debugger reads it.
    let bytes = holder.coreinspect(&["extract", "-p", "PID", "#1", "-o", "-", "-q"]).ended(0).out;
    let mut expected = vec![0; 12288];
    expected[..6].copy_from_slice(b"\x01Hello");
    expected[8999] = b'x';
    assert_eq!(bytes, expected);
    holder.coreinspect(&["extract", "-p", "PID", "#1", "-o", "file"]).ended(0);
    assert_eq!(std::fs::read(holder.folder().join("file")).unwrap(), expected);
    let hex = holder.coreinspect(&["show", "-p", "PID", "#1", "--hex", "--length", "16"]).ended(0);
    assert!(hex.text().contains("01 48 65 6c 6c 6f"), "{hex:?}");
    holder.coreinspect(&["-p", "PID", "--expect", "flag=ready message=Hello"]).ended(0);
    holder.coreinspect(&["live", "PID", "--expect", "flag=empty"]).ended(1);
    let found = holder.coreinspect(&["search", "-p", "PID", "#1", "Hello"]).ended(0);
    assert!(found.text().contains("Hello"), "{found:?}");
}

/// A file can have the name of a segment; in a core the two look alike.
#[test]
fn a_file_with_the_name_of_a_segment_is_none() {
    if !root() {
        return;
    }
    let file = format!("file:/SYSV{:0>8}", key());
    let Some(holder) = Holder::start(&[&make(4096), &file]) else { return };
    let maps = std::fs::read_to_string(format!("/proc/{}/maps", holder.pid())).unwrap();
    assert_eq!(maps.matches("/SYSV").count(), 2, "{maps}");
    let run = holder.coreinspect(&["live", "PID", "--json"]).ended(0);
    let document = run.document();
    let segments = document["dumps"][0]["segments"].as_array().unwrap();
    assert_eq!(segments.len(), 1, "{document}");
    assert_eq!(segments[0]["shmid"], holder.shmid(0));
}

/// Looking at a large segment does not make it large in memory.
#[test]
fn a_sparse_segment_stays_sparse() {
    if !root() {
        return;
    }
    let Some(holder) = Holder::start(&[&make(64 << 20), "text:1048576:far"]) else { return };
    let resident = || row(&[], holder.shmid(0))["rss"].parse::<u64>().unwrap();
    let before = resident();
    assert!(before < 1 << 20);
    holder.coreinspect(&["live", "PID"]).ended(0);
    holder.coreinspect(&["live", "PID", "--stop"]).ended(0);
    holder.coreinspect(&["extract", "-p", "PID", "#1", "-o", "bytes"]).ended(0);
    let found = holder
        .coreinspect(&["show", "-p", "PID", "#1", "--hex", "--at", "1048576", "--length", "3"])
        .ended(0);
    assert!(found.text().contains("66 61 72"), "{found:?}");
    assert_eq!(resident(), before);
    use std::os::unix::fs::MetadataExt;
    let file = std::fs::metadata(holder.folder().join("bytes")).unwrap();
    assert_eq!(file.len(), 64 << 20);
    assert!(file.blocks() * 512 < 1 << 20, "{} blocks", file.blocks());
}

#[test]
fn a_program_of_32_bits_is_one() {
    if !have("gcc") || cfg!(not(target_arch = "x86_64")) {
        return;
    }
    let Some(holder) = Holder::start_by(&[], &["-m32"], &[&make(6000), "text:0:\u{1}Hello"]) else { return };
    let run = holder.coreinspect(&["live", "PID", "--json"]).ended(0);
    let dump = &run.document()["dumps"][0];
    assert_eq!((&dump["machine"], &dump["class"]), (&json!("i386"), &json!(32)));
    as_the_kernel_says(&dump["segments"][0], &row(&[], holder.shmid(0)));
    assert_eq!(dump["segments"][0]["content"]["value"]["message"]["text"], "Hello");
}

/// The number of a segment is one of its namespace: in another, the same number is another segment.
#[test]
fn another_ipc_namespace_is_asked_for_its_own_segments() {
    if !root() || !have("unshare") || !have("nsenter") {
        return;
    }
    let operations = [make(5000), make(12288)];
    let operations: Vec<_> = operations.iter().map(String::as_str).collect();
    let Some(holder) = Holder::start_by(&["unshare", "--ipc"], &[], &operations) else { return };
    assert_eq!(holder.shmid(0), 0, "the first of a fresh namespace");
    let run = holder.coreinspect(&["live", "PID", "--json"]).ended(0);
    let dump = &run.document()["dumps"][0];
    let pid = holder.pid();
    let by = ["nsenter", "-i", "-t", &pid];
    for operation in [0, 1] {
        let segments = dump["segments"].as_array().unwrap();
        let segment = segments.iter().find(|segment| segment["shmid"] == holder.shmid(operation)).unwrap();
        as_the_kernel_says(segment, &row(&by, holder.shmid(operation)));
    }
    // Without the right to enter it, what the namespace alone knows is unknown, and that is said.
    if !have("setpriv") {
        return;
    }
    let mut unprivileged = Command::new("setpriv");
    unprivileged.args([
        "--bounding-set=-sys_admin",
        "--inh-caps=-sys_admin",
        env!("CARGO_BIN_EXE_coreinspect"),
    ]);
    let run = Run::of(unprivileged.args(["live", &pid, "--json"])).ended(0);
    let dump = &run.document()["dumps"][0];
    let segment = &dump["segments"][0];
    assert!(
        segment["shmid"].is_number() && segment["owner"].is_null() && segment["nattch"].is_null(),
        "{segment}"
    );
    assert_eq!((&segment["state"], &segment["size"]), (&json!("whole"), &json!(12288)), "by its file");
    let warnings = dump["warnings"].to_string();
    assert!(warnings.contains("ipc-namespace") && warnings.contains("another IPC namespace"), "{warnings}");
}

/// Both pages of a huge segment, whose files lie on another device.
#[test]
fn huge_pages_are_read_and_proven() {
    const SIZE: usize = 2 << 20;
    let Some(_pages) = crate::live::hugepages::HugePages::reserve() else { return };
    let operation = format!("make:{}:{SIZE}", key());
    let Some(maker) = crate::live::subject::Subject::start(&[operation]) else { return };
    let shmid: i32 = maker.first_answer().parse().unwrap();
    let attach = format!("attach:{shmid}");
    let subject = crate::live::subject::Subject::start(&[attach]);
    let run = subject.as_ref().map(|subject| {
        let pid = subject.pid().to_string();
        Run::of(coreinspect().args(["live", &pid, "--json"]))
    });
    output(Command::new("ipcrm").args(["-m", &shmid.to_string()]));
    let Some(run) = run else { return };
    let document = run.ended(0).document();
    let segment = &document["dumps"][0]["segments"][0];
    assert_eq!((&segment["found_by"], &segment["size"]), (&json!("device"), &json!(SIZE)), "{document}");
    assert_eq!((&segment["state"], &segment["shmid"]), (&json!("whole"), &json!(shmid)));
}
