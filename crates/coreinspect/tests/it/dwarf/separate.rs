//! Debug information that is not in the program: found by link and by build-id, refused if it is another build's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use coreinspect::internals::debug_files::DebugFolders;
use coreinspect::internals::debug_files::debug_information::DebugInformation;

use super::process::{Dumped, compile, leaves};
use super::{by_path, no_folders};
use crate::tools::{have, output};

fn run(command: &mut Command) {
    output(command);
}

/// The build-id of a file, as readelf reads it.
pub(super) fn build_id(file: &Path) -> String {
    let notes = output(Command::new("readelf").arg("-n").arg(file));
    notes.lines().find_map(|line| line.trim().strip_prefix("Build ID: ")).unwrap().to_owned()
}

/// A program whose debug information was moved to another file; `None` where a tool is missing.
fn stripped(folder: &Path) -> Option<(Dumped, PathBuf)> {
    if !have("objcopy") || !have("strip") || !have("readelf") {
        return None;
    }
    let program = compile(folder, "gcc", &["-g", "-Wl,--build-id"], "sample.c")?;
    let debug = folder.join("program.debug");
    run(Command::new("objcopy").arg("--only-keep-debug").arg(&program).arg(&debug));
    run(Command::new("strip").arg("--strip-all").arg(&program));
    Some((Dumped::of(&program, |_| true)?, debug))
}

fn says_what_it_should(dumped: &Dumped, folders: DebugFolders, program: Option<PathBuf>) {
    let layout = DebugInformation::new("struct everything", program, folders);
    let said = by_path(&leaves(&dumped.decode(&layout).unwrap()));
    assert_eq!(said["i"].1, "-123456");
    assert_eq!(said["text"].1, "'hello, world'");
}

fn complaint(dumped: &Dumped, folders: DebugFolders) -> String {
    let layout = DebugInformation::new("struct everything", None, folders);
    dumped.decode(&layout).unwrap_err()
}

#[test]
fn a_debug_file_is_found_by_its_link() {
    let folder = tempfile::tempdir().unwrap();
    let folders = tempfile::tempdir().unwrap();
    let Some((dumped, debug)) = stripped(folder.path()) else { return };
    let message = complaint(&dumped, no_folders());
    assert!(message.contains("it has no debug information"), "{message}");

    // strip and objcopy leave the build-id as it is, so the dump's program is still the same.
    let program = &dumped.program;
    run(Command::new("objcopy").arg(format!("--add-gnu-debuglink={}", debug.display())).arg(program));
    says_what_it_should(&dumped, no_folders(), None);
    says_what_it_should(&dumped, no_folders(), Some(program.clone()));

    // In .debug beside the program.
    fs::create_dir(folder.path().join(".debug")).unwrap();
    let hidden = folder.path().join(".debug/program.debug");
    fs::rename(&debug, &hidden).unwrap();
    says_what_it_should(&dumped, no_folders(), None);

    // Under the folder of debug files, where the program's own folder is.
    let real = fs::canonicalize(folder.path()).unwrap();
    let below = folders.path().join(real.strip_prefix("/").unwrap());
    fs::create_dir_all(&below).unwrap();
    fs::copy(&hidden, below.join("program.debug")).unwrap();
    fs::remove_file(&hidden).unwrap();
    says_what_it_should(&dumped, DebugFolders::of(vec![folders.path().to_owned()]), None);

    // A file of the name, but of another build.
    let other = tempfile::tempdir().unwrap();
    let Some(other) = compile(other.path(), "gcc", &["-g", "-O2", "-Wl,--build-id"], "sample.c") else {
        return;
    };
    fs::copy(other, &hidden).unwrap();
    let message = complaint(&dumped, no_folders());
    assert!(
        message.contains("it has no debug information") && message.contains(".debug/program.debug"),
        "{message}"
    );
}

#[test]
fn a_debug_file_is_found_by_the_build_id() {
    let folder = tempfile::tempdir().unwrap();
    let folders = tempfile::tempdir().unwrap();
    let Some((dumped, debug)) = stripped(folder.path()) else { return };
    let id = build_id(&dumped.program);
    let place = folders.path().join(".build-id").join(&id[..2]);
    fs::create_dir_all(&place).unwrap();
    fs::rename(&debug, place.join(format!("{}.debug", &id[2..]))).unwrap();
    let folders = || DebugFolders::of(vec![folders.path().to_owned()]);
    says_what_it_should(&dumped, folders(), None);
    says_what_it_should(&dumped, folders(), Some(dumped.program.clone()));

    // The program may be gone: the dump itself has its build-id.
    let kept = folder.path().join("kept");
    fs::rename(&dumped.program, &kept).unwrap();
    says_what_it_should(&dumped, folders(), None);
    let message = complaint(&dumped, no_folders());
    assert!(message.contains(&id) && message.contains("there is no such file"), "{message}");

    // A FIFO in its place is refused, and not waited for.
    run(Command::new("mkfifo").arg(&dumped.program));
    let message = complaint(&dumped, no_folders());
    assert!(message.contains("it is no regular file"), "{message}");
}

/// The program was built anew since it was dumped: its types may lie differently now.
#[test]
fn a_program_of_another_build_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let Some(program) = compile(folder.path(), "gcc", &["-g", "-Wl,--build-id"], "sample.c") else { return };
    let Some(dumped) = Dumped::of(&program, |_| true) else { return };
    let before = build_id(&program);
    let Some(program) = compile(folder.path(), "gcc", &["-g", "-O2", "-Wl,--build-id"], "sample.c") else {
        return;
    };
    let after = build_id(&program);
    assert_ne!(before, after);
    let message = complaint(&dumped, no_folders());
    assert!(
        message.contains(&before) && message.contains("another build") && message.contains(&after),
        "{message}"
    );
    // Who names it knows what he does.
    says_what_it_should(&dumped, no_folders(), Some(program));
}

#[test]
fn a_program_of_another_machine_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let Some(dumped) = super::dumped(folder.path(), "gcc", &["-g"], "sample.c") else { return };
    let other = tempfile::tempdir().unwrap();
    let Some(other) = compile(other.path(), "gcc", &["-g", "-m32"], "sample.c") else { return };
    let layout = DebugInformation::new("struct everything", Some(other), no_folders());
    let message = dumped.decode(&layout).unwrap_err();
    assert!(message.contains("is for i386, the dump is of x86_64"), "{message}");
}

/// dwz moves what two files have in common into a third.
#[test]
fn parts_that_files_share_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    if !have("dwz") {
        return;
    }
    // dwz 0.15 reads DWARF 5, but writes its own parts best for 4.
    for version in ["-gdwarf-4", "-gdwarf-5"] {
        let arguments = [version, "-Wl,--build-id"];
        let Some(one) = compile(folder.path(), "gcc", &arguments, "sample.c") else { return };
        let arguments = [version, "-Wl,--build-id", "-O1"];
        let Some(two) = compile(other.path(), "gcc", &arguments, "sample.c") else { return };
        let shared = folder.path().join("shared.debug");
        let output = Command::new("dwz").arg("-m").arg(&shared).args([&one, &two]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(shared.exists(), "dwz found nothing to share");
        let Some(dumped) = Dumped::of(&one, |_| true) else { return };
        says_what_it_should(&dumped, no_folders(), None);
        super::as_gdb_says(&dumped, "struct everything");
        fs::remove_file(&shared).unwrap();
        let message = complaint(&dumped, no_folders());
        assert!(message.contains("shared.debug") && message.contains("which is not there"), "{message}");
    }
}
