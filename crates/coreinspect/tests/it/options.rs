//! The flags that change what the listing shows.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use serde_json::json;

use crate::program::{Run, coreinspect};
use crate::testdata::Core;

fn run(core: &Core, arguments: &[&str]) -> Run {
    Run::of(coreinspect().arg("core").args(arguments).current_dir(core.folder()))
}

/// The words of a line, as columns are parted by two spaces or more.
fn cells(line: &str) -> Vec<&str> {
    line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()
}

#[test]
fn the_listing_has_a_row_for_each_attachment() {
    let core = Core::unpack("two-attachments.kernel");
    let attachments = core.segment()["attachments"].as_array().unwrap();
    let listing = run(&core, &[]).ended(0);
    let lines = listing.lines();
    assert_eq!(cells(lines[2]), ["#", "KEY", "BASE", "MAPPED", "SAVED", "PERM", "STATE", "CONTENT"]);
    let base = |at: usize| attachments[at]["base"].as_str().unwrap();
    let message = core.segment()["mailbox"]["message"]["text"].as_str().unwrap();
    let content = format!("read \"{message}\" (likely)");
    assert_eq!(cells(lines[3]), ["1", core.key(), base(0), "20K", "20K", "rw-", "whole", &content]);
    assert_eq!(cells(lines[4]), ["1", core.key(), base(1), "20K", "20K", "rw-", "whole", "1 attached again"]);
    assert_eq!(lines.len(), 5);
}

#[test]
fn columns_are_chosen_by_name_and_stand_in_that_order() {
    let core = Core::unpack("writer.kernel");
    let listing = run(&core, &["--columns", "state,KEY,#"]).ended(0);
    assert_eq!(cells(listing.lines()[2]), ["STATE", "KEY", "#"]);
    assert_eq!(cells(listing.lines()[3]), ["whole", core.key(), "1"]);
    let rows = run(&core, &["--columns", "key", "--no-header"]).ended(0);
    assert_eq!(rows.text(), format!("{}\n", core.key()));
    let twice = run(&core, &["--columns", "key", "--columns", "saved", "--no-header", "--bytes"]).ended(0);
    assert_eq!(cells(twice.text().trim_end()), [core.key(), "4096"]);
}

/// Rows alone: no heading, no process, no explanation, however much is missing.
#[test]
fn no_header_and_quiet_leave_the_rows() {
    let core = Core::unpack("readonly.kernel");
    let all = run(&core, &[]).ended(0);
    assert!(all.text().contains("read-only-attach") && all.text().contains("core of attach"));
    let bare = run(&core, &["--no-header"]).ended(0);
    assert_eq!((bare.lines().len(), cells(bare.lines()[0])), (1, cells(all.lines()[3])));
    let quiet = run(&core, &["-q"]).ended(0);
    assert_eq!(quiet.lines(), all.lines()[2..=3], "headings and rows");

    // Warnings are left out with -q, the reason for a status is not.
    let cut = Core::unpack("truncated.kernel");
    assert!(run(&cut, &[]).ended(0).err.contains("warning: "));
    assert_eq!(run(&cut, &["-q"]).ended(0).err, "");
}

#[test]
fn verbose_tells_more_of_the_process() {
    let core = Core::unpack("negative-key.kernel");
    let (plain, verbose) = (run(&core, &[]).ended(0), run(&core, &["-v"]).ended(0));
    for (name, value) in
        [("uid", "70000"), ("executable", "/tmp/coreinspect-testdata/attach"), ("page size", "4096")]
    {
        let line = verbose.lines().into_iter().find(|line| line.trim().starts_with(name));
        assert!(line.unwrap_or_else(|| panic!("no {name}: {verbose:?}")).contains(value), "{verbose:?}");
        assert!(!plain.text().contains(value), "{plain:?}");
    }
}

#[test]
fn bytes_are_not_abbreviated() {
    let core = Core::unpack("readonly.kernel");
    let row = |arguments: &[&str]| {
        let listing =
            run(&core, &[arguments, &["--no-header", "--columns", "mapped,saved"]].concat()).ended(0);
        cells(listing.text().trim_end()).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        (row(&[]), row(&["--bytes"])),
        (vec!["20K".into(), "4K".into()], vec!["20480".into(), "4096".into()])
    );
}

#[test]
fn no_content_prints_nothing_of_the_bytes() {
    let core = Core::unpack("writer.kernel");
    let message = core.segment()["mailbox"]["message"]["text"].as_str().unwrap();
    for arguments in [&[] as &[_], &["--json"], &["--format", "jsonl"]] {
        assert!(run(&core, arguments).ended(0).text().contains(message));
        let silent = run(&core, &[arguments, &["--no-content"]].concat()).ended(0);
        assert!(!silent.text().contains(message), "{silent:?}");
    }
    let show =
        Run::of(coreinspect().args(["show", "core", "--no-content"]).current_dir(core.folder())).ended(0);
    assert!(!show.text().contains(message));
}

/// A core whose segment holds a message of 8,001 bytes: a letter and 4,000 characters of two bytes.
pub(crate) fn long_message() -> (Core, String) {
    let core = Core::unpack("readonly-0x37.kernel");
    let mut bytes = core.bytes();
    let message = core.segment()["mailbox"]["message"]["text"].as_str().unwrap();
    let old = [b"\x02", message.as_bytes(), b"\0"].concat();
    let found: Vec<_> = bytes.windows(old.len()).enumerate().filter(|(_, window)| *window == old).collect();
    assert_eq!(found.len(), 1);
    let at = found[0].0 + 1;
    let long = format!("x{}", "é".repeat(4000));
    bytes[at..at + long.len()].copy_from_slice(long.as_bytes());
    bytes[at + long.len()] = 0;
    fs::write(core.path(), bytes).unwrap();
    (core, long)
}

/// The first 4,096 bytes end inside a character.
#[test]
fn full_shows_messages_beyond_4096_bytes() {
    let (core, long) = long_message();
    let message = |arguments: &[&str]| {
        let document = run(&core, &[&["--json"], arguments].concat()).ended(0).document();
        document["dumps"][0]["segments"][0]["content"]["value"]["message"].clone()
    };
    let (cut, full) = (message(&[]), message(&["--full"]));
    assert_eq!(full, json!({ "text": long, "length": 8001, "terminated": true }));
    assert_eq!(cut, json!({ "text": long[..4095], "length": 8001, "terminated": true }));
    let show = |arguments: &[&str]| {
        Run::of(coreinspect().args(["show", "core"]).args(arguments).current_dir(core.folder())).ended(0)
    };
    assert!(show(&["--full"]).text().contains(&long));
    let cut = show(&[]);
    assert!(!cut.text().contains(&long) && cut.text().contains("--full"), "{cut:?}");
}

#[test]
fn also_json_writes_the_document_beside_the_table() {
    let core = Core::unpack("writer.kernel");
    let file = core.folder().join("report.json");
    let table = run(&core, &[]).ended(0);
    let both = run(&core, &["--also-json", "report.json"]).ended(0);
    assert_eq!(both, table);
    let document = run(&core, &["--json"]).ended(0);
    assert_eq!(fs::read(&file).unwrap(), document.out);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);

    // The worst status, and each dump, are in it too.
    let failed = run(&core, &["missing", "--also-json", "two.json"]).ended(2);
    assert!(failed.text().contains("core of writer"));
    let written: serde_json::Value =
        serde_json::from_slice(&fs::read(core.folder().join("two.json")).unwrap()).unwrap();
    assert_eq!(written, run(&core, &["missing", "--json"]).document());
    assert_eq!(written["dumps"][1]["error"]["code"], "open");
}

#[test]
fn also_json_overwrites_nothing_unasked() {
    let core = Core::unpack("writer.kernel");
    let folder = core.folder();
    let file = folder.join("report.json");
    fs::write(&file, "precious").unwrap();
    fs::write(folder.join("other"), "precious").unwrap();
    symlink("other", folder.join("link")).unwrap();
    for path in ["report.json", "link"] {
        let run = run(&core, &["--also-json", path]).ended(2);
        assert!(run.err.contains("exists already") && run.err.contains("--force"), "{run:?}");
    }
    assert_eq!(fs::read(&file).unwrap(), b"precious");

    let document = run(&core, &["--json"]).out;
    run(&core, &["--also-json", "report.json", "--force"]).ended(0);
    assert_eq!(fs::read(&file).unwrap(), document);
    assert_eq!(mode(&file), 0o600);
    // Whoever may write the folder does not choose what is overwritten.
    run(&core, &["--also-json", "link", "--force"]);
    assert_eq!(fs::read(folder.join("other")).unwrap(), b"precious");
    let failed = run(&core, &["--also-json", "/dev/null/report.json"]).ended(2);
    assert!(failed.err.contains("/dev/null/report.json"), "{failed:?}");
}

/// Not even with --force: the dump may be all that is left.
#[test]
fn also_json_never_overwrites_the_dump() {
    let core = Core::unpack("writer.kernel");
    let before = core.bytes();
    fs::hard_link(core.path(), core.folder().join("same")).unwrap();
    for path in ["core", "same"] {
        run(&core, &["--also-json", path, "--force"]).ended(2);
        run(&core, &["missing", "--also-json", path, "--force"]).ended(2);
    }
    assert!(core.bytes() == before);
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}
