//! What is no dump: each kind is named, with what to do next, and nothing of it reaches the terminal.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::stat::Mode;
use nix::unistd::{Uid, mkfifo};

use crate::core_builder::notes::Note;
use crate::core_builder::{Content, CoreBuilder, Segment, TablePlace, presets};
use crate::harmless;
use crate::program::{Run, coreinspect};
use crate::testdata::Core;
use crate::tools::have;

/// The run of each command that reads a dump on `path`, which must not be one. What it is stands in `what`, what to do in
/// `next`.
fn is_refused(path: &Path, what: &str, next: &str) {
    let messages = [&[] as &[&str], &["show"], &["extract"]].map(|command| {
        let mut program = coreinspect();
        program.args(command).arg(path);
        if command == ["extract"] {
            program.args(["#1", "-o", "/dev/null/never"]);
        }
        let run = Run::of(&mut program).ended(2);
        for stream in [&run.out, &run.err.clone().into_bytes()] {
            assert_eq!(harmless::complaint(stream, false), None);
        }
        let named = run.err.strip_prefix(&format!("coreinspect: {}: ", path.display()));
        named.unwrap_or_else(|| panic!("{} is not named: {run:?}", path.display())).to_owned()
    });
    assert!(messages.iter().all(|message| *message == messages[0]), "{messages:?}");
    let message = &messages[0];
    assert!(message.contains(what), "{message:?} does not say {what:?}");
    assert!(message.contains(next), "{message:?} does not say {next:?}");
    let document = Run::of(coreinspect().arg("--json").arg(path)).ended(2).document();
    assert_eq!(document["dumps"][0]["error"]["message"], message.trim_end());
}

fn file_is_refused(content: &[u8], what: &str, next: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("core.1234");
    fs::write(&path, content).unwrap();
    is_refused(&path, what, next);
}

/// The start of a file, and zeros behind it.
fn padded(start: &[u8]) -> Vec<u8> {
    let mut content = start.to_vec();
    content.resize(4096, 0);
    content
}

#[test]
fn a_program_is_named_together_with_its_core() {
    let program = std::env::current_exe().unwrap();
    is_refused(&program, "an ELF program", "-c CORE");
}

#[test]
fn files_of_other_kinds_are_named() {
    for (start, what, next) in [
        (b"KDUMP   \x06\0\0\0" as &[u8], "a kernel dump", "crash vmlinux"),
        (b"makedumpfile\0\0\0\0", "a kernel dump", "crash vmlinux"),
        (b"PAGEDU64", "a Windows crash dump", "WinDbg"),
        (b"\xcf\xfa\xed\xfe\x07\0\0\x01", "a Mach-O file", "lldb"),
        (b"PK\x03\x04\x14\0\0\0", "a zip archive", "unzip -p"),
        (b"Rar!\x1a\x07\0", "a RAR archive", "unrar p"),
        (b"\x89LZO\0\r\n\x1a\n", "a file of lzop", "lzop -dc"),
        (b"minidump FreeBSD/amd64\0", "a kernel dump", "crash vmlinux"),
        (b"EMiL\x01\0\0\0", "a kernel dump", "crash vmlinux"),
        (b"LibvirtQemudSave\x02\0\0\0", "a virtual machine that", "virsh dump"),
        (b"#!/bin/sh\nexit 1\n", "a script", "core(5)"),
        (b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x01\0\x3e\0", "an ELF object file", "gcore PID"),
        (b"\0", "zero bytes", "take a new one"),
        (b"\x01\x02\x1b[31m", "no ELF file (it starts with 01 02 1b 5b)", "`file`"),
        (b"BZh91AY&SY", "the bzip2 stream is damaged 0 decompressed bytes into it", "cannot open it"),
    ] {
        file_is_refused(&padded(start), what, next);
    }
    file_is_refused(b"a note\nto myself\n", "a text file", "core(5)");
    file_is_refused("Käse für 2 €\n".as_bytes(), "a text file", "core(5)");
    file_is_refused(b"", "an empty file", "ulimit -c unlimited");
}

#[test]
fn a_tar_archive_is_named() {
    if !have("tar") {
        return;
    }
    let core = Core::unpack("writer.kernel");
    let made = Command::new("tar").args(["-cf", "all.tar", "core"]).current_dir(core.folder()).status();
    assert!(made.unwrap().success());
    is_refused(&core.folder().join("all.tar"), "a tar archive", "tar -xf");
}

/// Those of a kind that is not unpacked here, as their own programs write them: named, with the command that unpacks them,
/// which gives the dump.
#[test]
fn what_another_program_must_unpack_is_named_with_the_command() {
    let core = Core::unpack("writer.kernel");
    let folder = core.folder();
    for (tool, pack, what) in [
        ("7z", "7z a -bso0 -bsp0 core.7z core", "a 7z archive"),
        ("xz", "xz --format=lzma -kc core > core.lzma", "a file of lzma"),
        ("xz", "xz --format=lzma -0kc < core > core.lzma", "a file of lzma"),
        ("7z", "7z a -bso0 -bsp0 -tzip core.zip core", "a zip archive"),
        ("lzip", "lzip -kc core > core.lz", "a file of lzip"),
        ("ar", "ar rcS core.a core", "an ar archive"),
        ("cpio", "echo core | cpio -o -H newc --quiet > core.cpio", "a cpio archive"),
    ] {
        if !have(tool) {
            continue;
        }
        let shell = |line: &str| Command::new("sh").args(["-c", line]).current_dir(folder).output().unwrap();
        let made = shell(pack);
        assert!(made.status.success(), "{made:?}");
        let name = pack.split([' ', '>']).find(|word| word.starts_with("core.")).unwrap();
        let path = folder.join(name);
        is_refused(&path, what, "take the core out of it first: `");
        let packed = fs::read(&path).unwrap();
        let piped = Run::fed(coreinspect().arg("-"), &packed).ended(2);
        assert!(piped.err.contains(what), "{piped:?}");
        // The command that is told, done as it is told.
        let run = Run::of(coreinspect().arg(&path));
        let command = run.err.split('`').nth(1).unwrap().replace("FILE", name);
        if !have(command.split(' ').next().unwrap()) {
            continue;
        }
        let command = match command.split_once(" | coreinspect -") {
            Some((unpack, _)) => format!("{unpack} > unpacked"),
            None => command.replace("> core", "> unpacked"),
        };
        if command.contains("> unpacked") {
            assert!(shell(&command).status.success(), "{command}");
            assert!(fs::read(folder.join("unpacked")).unwrap() == core.bytes(), "{command}");
        }
        fs::remove_file(&path).unwrap();
        if have("gzip") {
            let wrapped = crate::compressed::pack(&["gzip", "-1c"], &packed).unwrap();
            file_is_refused(&wrapped, &format!("gzip of {what}"), "take the core out of it first");
        }
    }
}

/// Bytes that have no magic number, and are no lzma: its header has rules.
#[test]
fn not_every_file_is_lzma() {
    for start in [
        b"\x5d\0\0\x81\0\xff\xff\xff\xff\xff\xff\xff\xff\0\x01" as &[u8],
        b"\x5d\0\0\x80\0\0\0\0\0\0\0\xff\0\0\x01",
    ] {
        file_is_refused(&padded(start), "no ELF file (it starts with 5d", "`file`");
    }
}

/// Cores of other systems, and of whole machines, by the owners of their notes and EI_OSABI: FreeBSD's imgact_elf.c, NetBSD's
/// core_elf32.c, OpenBSD's exec_elf.c, QEMU's arch_dump.c, Linux's crash_core.c.
#[test]
fn cores_of_other_systems_and_machines_are_named() {
    for abi in presets::ABIS {
        for (owner, kind, what, next) in [
            ("FreeBSD", 1, "an ELF core of FreeBSD", "made for that system"),
            ("NetBSD-CORE", 1, "an ELF core of NetBSD", "made for that system"),
            ("NetBSD-CORE@1", 32, "an ELF core of NetBSD", "made for that system"),
            ("OpenBSD", 10, "an ELF core of OpenBSD", "made for that system"),
            ("OpenBSD@100042", 20, "an ELF core of OpenBSD", "made for that system"),
            ("CORE", 13, "an ELF core of Solaris or illumos", "made for that system"),
            ("QEMU", 0, "a dump of a virtual machine's memory", "crash vmlinux"),
            ("VMCOREINFO", 0, "a kernel dump", "crash vmlinux"),
        ] {
            let note = |owner: &str, kind| Note {
                owner: format!("{owner}\0").into_bytes(),
                kind,
                desc: vec![1; 336],
            };
            // QEMU and the kernel write the registers of each processor first.
            let notes = vec![note("CORE", 1), note(owner, kind), note("VMCOREINFO", 0)];
            let notes = if owner.contains("BSD") { vec![note(owner, kind), note(owner, 3)] } else { notes };
            let core = CoreBuilder {
                abi,
                table: TablePlace::At(64),
                segments: vec![
                    Segment::notes(notes),
                    Segment::load(0x10000, 4096, 6, Content::Bytes(vec![7; 4096])),
                ],
                notes_last: false,
                sections: vec![],
                extended_numbering: false,
            };
            let bytes = core.build().bytes;
            file_is_refused(&bytes, what, next);
            if let Some(packed) = crate::compressed::pack(&["zstd", "-qc"], &bytes) {
                file_is_refused(&packed, &format!("zstd of {what}"), next);
            }
        }
    }
    let mut core = Core::unpack("writer.kernel").bytes();
    for (os_abi, what) in [(9, "FreeBSD"), (2, "NetBSD"), (12, "OpenBSD"), (6, "Solaris")] {
        core[7] = os_abi;
        file_is_refused(&core, &format!("an ELF core of {what}"), "made for that system");
    }
}

#[test]
fn an_apport_report_without_a_core_is_told_as_such() {
    let report = b"ProblemType: Crash\nArchitecture: amd64\nProcMaps:\n 00400000-0048 r-xp\n";
    file_is_refused(report, "the report has no CoreDump", "apport wrote none");
}

/// What is inside is named, and that it was inside.
#[test]
fn what_is_compressed_and_no_core_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("note"), "a note\nto myself\n").unwrap();
    for tool in ["gzip", "xz", "lz4", "bzip2", "zstd"] {
        if !have(tool) {
            continue;
        }
        let packed = Command::new(tool).arg("-c").arg(folder.path().join("note")).output().unwrap();
        assert!(packed.status.success());
        file_is_refused(&packed.stdout, &format!("{tool} of a text file"), "core(5)");
        file_is_refused(&packed.stdout[..8], &format!("the {tool} stream ends early"), "cut short");
    }
}

#[test]
fn a_header_that_is_cut_off_is_told_as_such() {
    // e_ident of a 32-bit big-endian core, e_type ET_CORE, e_machine EM_PPC, e_version.
    let big_endian = b"\x7fELF\x01\x02\x01\0\0\0\0\0\0\0\0\0\0\x04\0\x14\0\0\0\x01\0\0\0\0\0\0\0\x34";
    let core = Core::unpack("writer.kernel").bytes();
    for length in [18, 20, 24, big_endian.len()] {
        file_is_refused(&big_endian[..length], &format!("the file ends at offset {length:#x}"), "disk full");
    }
    for length in [18, 20, 40, 63, 64, 100] {
        file_is_refused(&core[..length], &format!("the file ends at offset {length:#x}"), "disk full");
    }
    for length in [4, 8, 16, 17] {
        file_is_refused(&core[..length], "the file ends at", "disk full");
    }
}

#[test]
fn a_directory_is_named() {
    let folder = tempfile::tempdir().unwrap();
    is_refused(folder.path(), "it is a directory", "name the dump inside it");
}

#[test]
fn what_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    is_refused(&path("missing"), "there is no such file", "cannot open it");
    fs::write(path("file"), "").unwrap();
    is_refused(&path("file/core"), "Not a directory", "cannot open it");
    symlink("loop", path("loop")).unwrap();
    is_refused(&path("loop"), "symbolic links", "cannot open it");
    symlink("gone", path("dangling")).unwrap();
    is_refused(&path("dangling"), "there is no such file", "cannot open it");
    is_refused(&path(&"n".repeat(300)), "name too long", "cannot open it");
    for device in ["/dev/null", "/dev/zero"] {
        is_refused(Path::new(device), "no regular file", "save the dump to a file");
    }
    let _listener = UnixListener::bind(path("socket")).unwrap();
    is_refused(&path("socket"), "cannot open it", "");
}

/// The status of `command`, which must end soon.
fn ends_soon(command: &mut Command) -> i32 {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code().unwrap();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    panic!("{command:?} hangs");
}

#[test]
fn a_fifo_does_not_hang() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("fifo");
    mkfifo(&fifo, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    for command in [&[] as &[&str], &["--json"], &["show"]] {
        assert_eq!(ends_soon(coreinspect().args(command).arg(&fifo)), 2);
    }
    // As the program of a dump, too.
    let core = Core::unpack("writer.kernel");
    assert_eq!(ends_soon(coreinspect().arg(&fifo).arg(core.path())), 2);
    assert_eq!(ends_soon(coreinspect().arg(&fifo).arg("-c").arg(core.path())), 2);
    is_refused(&fifo, "a FIFO", "save the dump to a file");
}

/// Copied by a process of its own: while this one has the file open for writing, a child that another test forks has it open
/// too, and it cannot be executed (ETXTBSY).
pub(crate) fn copy_of_the_program(path: &Path) {
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_coreinspect")).arg(path).status();
    assert!(copied.unwrap().success());
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_dump_of_another_user_is_told_as_such() {
    let core = Core::unpack("writer.kernel");
    let open = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let mut command;
    if Uid::effective().is_root() {
        // The program where that user can reach it.
        let program = core.folder().join("coreinspect");
        copy_of_the_program(&program);
        open(core.folder(), 0o755);
        open(&core.path(), 0o600);
        command = Command::new(program);
        command.uid(65534).gid(65534).current_dir("/");
    } else {
        open(&core.path(), 0);
        command = coreinspect();
    }
    let run = Run::of(command.arg("--json").arg(core.path())).ended(2);
    assert!(run.err.contains("no right to read it") && run.err.contains("as that user or root"), "{run:?}");
    assert_eq!(run.document()["dumps"][0]["error"]["code"], "open");
}

/// Hostile first bytes, and names.
#[test]
fn nothing_of_a_wrong_file_reaches_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    for hostile in
        [b"\x1b]0;title\x07" as &[u8], b"\x1b[2J\xff\xfe", "\u{202e}\u{9b}31m".as_bytes(), b"\x7fELF\x1b[31m"]
    {
        let path = folder.path().join(std::ffi::OsStr::from_bytes(hostile));
        fs::write(&path, hostile).unwrap();
        for arguments in [&[] as &[&str], &["--json"], &["show"], &["--color=never"]] {
            let output = coreinspect().args(arguments).arg(&path).output().unwrap();
            assert_eq!(output.status.code(), Some(2));
            for stream in [&output.stdout, &output.stderr] {
                assert_eq!(harmless::complaint(stream, false), None, "{arguments:?}");
            }
        }
    }
}
