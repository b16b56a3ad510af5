//! `extract`: the bytes, and nothing but the bytes, where the user wants them and nowhere else.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::program::{Run, coreinspect};
use crate::testdata::Core;

/// `extract core SEGMENT` with `arguments`, in the folder of the core.
fn extract(core: &Core, segment: &str, arguments: &[&str]) -> Run {
    Run::of(coreinspect().args(["extract", "core", segment]).args(arguments).current_dir(core.folder()))
}

fn read(core: &Core, name: &str) -> Vec<u8> {
    fs::read(core.folder().join(name)).unwrap()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// All files in the folder of the core, but the core.
fn files(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name != "core").collect();
    names.sort();
    names
}

/// The digest is that of the living segment, which another process read.
#[test]
fn a_whole_segment_is_one_file_named_by_the_key() {
    let core = Core::unpack("writer.kernel");
    let run = extract(&core, "#1", &[]).ended(0);
    assert_eq!(run.text(), "");
    let name = format!("SYSV{}.bin", &core.key()[2..]);
    assert!(run.err.contains(&name) && run.err.contains("4096"), "{run:?}");
    assert_eq!(files(core.folder()), [name.as_str()], "no .json where nothing is missing");
    assert_eq!(sha256(&read(&core, &name)), core.segment()["live"]["sha256"]);
    assert_eq!(extract(&core, "#1", &["-q", "-o", "quiet"]).ended(0).err, "");
}

/// Segments of one key get files of their own.
#[test]
fn a_key_of_several_segments_names_several_files() {
    let core = Core::unpack("private.kernel");
    for number in ["#1", "#2"] {
        extract(&core, number, &[]).ended(0);
    }
    assert_eq!(files(core.folder()), ["SYSV00000000.1.bin", "SYSV00000000.2.bin"]);
    for (at, file) in files(core.folder()).iter().enumerate() {
        assert_eq!(sha256(&read(&core, file)), core.segments()[at]["sha256"]);
    }
}

#[test]
fn what_is_missing_is_a_hole_and_named() {
    for (name, reason) in [("readonly.kernel", "not-saved"), ("truncated.kernel", "cut-off")] {
        let core = Core::unpack(name);
        let run = extract(&core, "1", &["-o", "bytes"]).ended(0);
        let mapping = &core.segment()["attachments"][0]["mappings"][0];
        let missing = &mapping["missing"][0];
        assert_eq!(missing["reason"], reason);
        let (start, end) = (missing["offset"].as_u64().unwrap(), core.segment()["mapped"].as_u64().unwrap());
        let beside: Value = serde_json::from_slice(&read(&core, "bytes.json")).unwrap();
        let hole = json!({ "start": start, "end": end, "reason": reason });
        assert_eq!(
            beside,
            json!({ "schema": "coreinspect/1", "key": core.key(), "size": end, "missing": [hole] })
        );
        let warning = run.err.lines().find(|line| line.contains(" bytes at offset ")).unwrap();
        assert!(warning.contains(reason) && warning.contains(&(end - start).to_string()), "{warning}");
        let bytes = read(&core, "bytes");
        assert_eq!(bytes.len() as u64, end);
        let (saved, hole) = bytes.split_at(start as usize);
        assert_eq!(sha256(saved), core.segment()["sha256"]);
        assert!(hole.iter().all(|byte| *byte == 0));
        assert!(blocks(&core.folder().join("bytes")) < end, "the hole takes room");
    }
}

/// Bytes that a file takes on the disk.
fn blocks(path: &Path) -> u64 {
    fs::metadata(path).unwrap().blocks() * 512
}

/// Writes `bytes` so that pages of zeros take no room.
fn write_sparse(path: &Path, bytes: &[u8]) {
    let mut file = fs::File::create(path).unwrap();
    for page in bytes.chunks(4096) {
        if page.iter().any(|byte| *byte != 0) {
            file.write_all(page).unwrap();
        } else {
            file.seek(SeekFrom::Current(page.len() as i64)).unwrap();
        }
    }
    file.set_len(bytes.len() as u64).unwrap();
}

/// 2 MiB, of which four pages were ever written.
#[test]
fn the_file_is_as_sparse_as_the_dump() {
    let core = Core::unpack("hugetlb-0x73.kernel");
    write_sparse(&core.path(), &core.bytes());
    assert!(blocks(&core.path()) < 1 << 20, "this filesystem has no holes");
    extract(&core, "1", &["-o", "bytes"]).ended(0);
    assert_eq!(sha256(&read(&core, "bytes")), core.segment()["live"]["sha256"]);
    let taken = blocks(&core.folder().join("bytes"));
    assert!(taken < 64 << 10, "{taken} bytes on the disk");
}

#[test]
fn the_file_is_private() {
    let core = Core::unpack("readonly.kernel");
    for force in ["", "--force"] {
        let mut shell = Command::new("sh");
        let line = format!("umask 0; exec \"$1\" extract core 1 -o bytes {force}");
        shell.args(["-c", &line, "sh", env!("CARGO_BIN_EXE_coreinspect")]).current_dir(core.folder());
        Run::of(&mut shell).ended(0);
        for file in ["bytes", "bytes.json"] {
            let mode = fs::metadata(core.folder().join(file)).unwrap().permissions().mode();
            assert_eq!(mode & 0o7777, 0o600, "{file} {force}");
            fs::set_permissions(core.folder().join(file), fs::Permissions::from_mode(0o644)).unwrap();
        }
    }
}

#[test]
fn nothing_is_overwritten_unasked() {
    let core = Core::unpack("writer.kernel");
    let folder = core.folder();
    fs::write(folder.join("precious"), "mine").unwrap();
    symlink("precious", folder.join("link")).unwrap();
    symlink("nowhere", folder.join("dangling")).unwrap();
    fs::create_dir(folder.join("folder")).unwrap();
    for path in ["precious", "link", "dangling", "folder"] {
        let run = extract(&core, "1", &["-o", path]).ended(2);
        assert!(run.err.contains(path) && run.err.contains("--force"), "{run:?}");
    }
    assert_eq!(read(&core, "precious"), b"mine");
    assert!(!folder.join("nowhere").exists());
    assert_eq!(files(folder), ["dangling", "folder", "link", "precious"]);
}

/// A link is replaced, not followed: whoever may write the folder does not choose what is overwritten.
#[test]
fn force_replaces_a_file_and_a_link() {
    let core = Core::unpack("readonly.kernel");
    let folder = core.folder();
    fs::write(folder.join("other"), "mine").unwrap();
    symlink("other", folder.join("link")).unwrap();
    symlink("nowhere", folder.join("dangling")).unwrap();
    symlink("other", folder.join("link.json")).unwrap();
    fs::write(folder.join("plain"), "old").unwrap();
    fs::write(folder.join("plain.json"), "old").unwrap();
    extract(&core, "1", &["-o", "wanted"]).ended(0);
    for path in ["link", "dangling", "plain"] {
        extract(&core, "1", &["-o", path, "--force"]).ended(0);
        for suffix in ["", ".json"] {
            let path = folder.join(format!("{path}{suffix}"));
            assert!(fs::symlink_metadata(&path).unwrap().is_file(), "{}", path.display());
            assert_eq!(fs::read(&path).unwrap(), read(&core, &format!("wanted{suffix}")));
        }
    }
    assert_eq!(read(&core, "other"), b"mine");
    assert!(!folder.join("nowhere").exists());
    let failed = extract(&core, "1", &["-o", "/", "--force"]).ended(2);
    assert!(failed.err.contains("cannot write /"), "{failed:?}");
}

/// A .json of before is not of this file; half a result is none.
#[test]
fn an_existing_json_is_not_overwritten_and_leaves_nothing_behind() {
    let core = Core::unpack("readonly.kernel");
    fs::write(core.folder().join("bytes.json"), "mine").unwrap();
    let run = extract(&core, "1", &["-o", "bytes"]).ended(2);
    assert!(run.err.contains("bytes.json") && run.err.contains("--force"), "{run:?}");
    assert_eq!(read(&core, "bytes.json"), b"mine");
    assert_eq!(files(core.folder()), ["bytes.json"]);
}

/// Not even with --force, by whatever name: the dump may be all that is left.
#[test]
fn the_dump_is_never_overwritten() {
    let core = Core::unpack("readonly.kernel");
    let before = core.bytes();
    fs::hard_link(core.path(), core.folder().join("same")).unwrap();
    symlink("core", core.folder().join("link")).unwrap();
    for path in ["core", "./core", "same", "link"] {
        for force in [&[] as &[&str], &["--force"]] {
            let run = extract(&core, "1", &[&["-o", path], force].concat()).ended(2);
            assert!(run.err.contains("the dump itself") || force.is_empty(), "{run:?}");
        }
    }
    assert!(core.bytes() == before);
}

/// `-o x` writes x.json too.
#[test]
fn a_dump_that_is_called_json_is_never_overwritten() {
    let core = Core::unpack("readonly.kernel");
    let dump = core.folder().join("x.json");
    fs::rename(core.path(), &dump).unwrap();
    let before = fs::read(&dump).unwrap();
    let mut command = coreinspect();
    Run::of(command.args(["extract", "x.json", "1", "-o", "x", "--force"]).current_dir(core.folder()))
        .ended(2);
    assert!(fs::read(&dump).unwrap() == before);
}

#[test]
fn standard_output_gets_the_bytes_of_the_file() {
    for name in ["writer.kernel", "readonly.kernel", "split.kernel", "truncated.kernel", "filter-0x31.kernel"]
    {
        let core = Core::unpack(name);
        extract(&core, "1", &["-o", "bytes"]).ended(0);
        let before = files(core.folder());
        let run = extract(&core, "1", &["-o", "-"]).ended(0);
        assert!(run.out == read(&core, "bytes"), "{name}");
        assert_eq!(run.err.contains("warning: "), before.len() == 2, "{name}: {run:?}");
        assert_eq!(files(core.folder()), before);
    }
}

#[test]
fn a_window_is_a_part() {
    let core = Core::unpack("writer.gcore");
    let whole = extract(&core, "1", &["-o", "-"]).ended(0).out;
    for (at, length, range) in [
        (Some("1"), Some("23"), 1..24),
        (Some("0x800"), Some("0x10"), 0x800..0x810),
        (Some("4095"), None, 4095..4096),
        (None, Some("1"), 0..1),
        (None, Some("0xffffffffffffffff"), 0..4096),
        (Some("4000"), Some("1000"), 4000..4096),
    ] {
        let at = at.map(|at| vec!["--at", at]).unwrap_or_default();
        let length = length.map(|length| vec!["--length", length]).unwrap_or_default();
        let window = [at, length].concat();
        let run = extract(&core, "1", &[&["-o", "-"], window.as_slice()].concat()).ended(0);
        assert!(run.out == whole[range.clone()], "{window:?}: {} bytes", run.out.len());
        extract(&core, "1", &[&["-o", "part", "--force"], window.as_slice()].concat()).ended(0);
        assert!(read(&core, "part") == whole[range], "{window:?}");
    }
    for outside in [&["--at", "4096"] as &[_], &["--at", "0xffffffffffffffff"], &["--length", "0"]] {
        let run = extract(&core, "1", &[&["-o", "outside"], outside].concat()).ended(2);
        assert!(run.err.contains("0x1000") || run.err.contains("4096"), "{outside:?}: {run:?}");
        assert!(!core.folder().join("outside").exists());
    }
}

/// What is missing of a window is counted from its start, as the file is.
#[test]
fn the_holes_of_a_window_are_places_in_the_file() {
    let core = Core::unpack("readonly.kernel");
    let run = extract(&core, "1", &["-o", "part", "--at", "0x800", "--length", "0x1000"]).ended(0);
    assert!(run.err.contains("2048 bytes"), "{run:?}");
    let beside: Value = serde_json::from_slice(&read(&core, "part.json")).unwrap();
    assert_eq!(beside["size"], 0x1000);
    assert_eq!(beside["missing"], json!([{ "start": 0x800, "end": 0x1000, "reason": "not-saved" }]));
    let whole = extract(&core, "1", &["-o", "-"]).out;
    assert!(read(&core, "part") == whole[0x800..0x1800]);
    // The first page is all there.
    extract(&core, "1", &["-o", "first", "--length", "0x1000"]).ended(0);
    assert!(!core.folder().join("first.json").exists());
}

/// The kernel copies between files only within one filesystem.
#[test]
fn the_file_may_be_on_another_filesystem() {
    let core = Core::unpack("hugetlb-0x73.kernel");
    let Ok(elsewhere) = tempfile::tempdir_in("/dev/shm") else { return println!("skipped: no /dev/shm") };
    let device = |path: &Path| fs::metadata(path).unwrap().dev();
    if device(elsewhere.path()) == device(core.folder()) {
        println!("weak: /dev/shm and the folder of temporary files are one filesystem");
    }
    let file = elsewhere.path().join("bytes");
    for force in [&[] as &[&str], &["--force"]] {
        extract(&core, "1", &[&["-o", file.to_str().unwrap()], force].concat()).ended(0);
        assert_eq!(sha256(&fs::read(&file).unwrap()), core.segment()["live"]["sha256"]);
    }
}

/// Half a segment that looks like a whole one is worse than none.
#[test]
fn what_cannot_be_written_whole_is_not_left_behind() {
    let core = Core::unpack("hugetlb-0x73.kernel");
    for force in ["", "--force"] {
        let mut shell = Command::new("sh");
        // A file may have 64 KiB here at most, and the signal that says so is ignored.
        let line = format!("trap '' XFSZ; ulimit -f 128; exec \"$1\" extract core 1 -o bytes {force}");
        shell.args(["-c", &line, "sh", env!("CARGO_BIN_EXE_coreinspect")]).current_dir(core.folder());
        let run = Run::of(&mut shell).ended(2);
        assert!(run.err.contains("cannot write bytes") && run.err.contains("File too large"), "{run:?}");
        assert_eq!(files(core.folder()), Vec::<String>::new());
    }
    // An older pair stays as it was.
    let older = [("bytes", "old bytes"), ("bytes.json", "{}")];
    older.iter().for_each(|(name, text)| fs::write(core.folder().join(name), text).unwrap());
    let mut shell = Command::new("sh");
    let line = "trap '' XFSZ; ulimit -f 128; exec \"$1\" extract core 1 -o bytes --force";
    shell.args(["-c", line, "sh", env!("CARGO_BIN_EXE_coreinspect")]).current_dir(core.folder());
    Run::of(&mut shell).ended(2);
    for (name, text) in older {
        assert_eq!(fs::read_to_string(core.folder().join(name)).unwrap(), text);
    }
    let run = extract(&core, "1", &["-o", "no/such/folder"]).ended(2);
    assert!(run.err.contains("no/such/folder"), "{run:?}");
}
