//! Dumps as those who store them keep them: systemd-coredump, abrt, apport, a folder.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::compressed::{TOOLS, pack};
use crate::program::{Run, absent, coreinspect};
use crate::testdata::{self, Core};
use crate::tools::{have, missing};

fn dump(run: &Run) -> Value {
    run.document()["dumps"][0].clone()
}

/// Sets what systemd-coredump sets (its coredump.c, `fix_xattr`); `false` where the file system has no such attributes.
fn set_attributes(path: &Path, facts: &[(&str, &str)]) -> bool {
    let file = File::options().write(true).open(path).unwrap();
    facts.iter().all(|(name, value)| {
        let name = format!("user.coredump.{name}");
        rustix::fs::fsetxattr(&file, name, value.as_bytes(), rustix::fs::XattrFlags::empty()).is_ok()
    })
}

const SYSTEMD: &[(&str, &str)] = &[
    ("pid", "4711"),
    ("uid", "1000"),
    ("gid", "1001"),
    ("signal", "11"),
    ("timestamp", "1700000000"),
    ("comm", "told"),
    ("exe", "/usr/bin/told"),
    ("hostname", "here"),
];

/// A core without notes knows nothing of its process; one with them knows better.
#[test]
fn attributes_of_systemd_fill_what_the_dump_does_not_say() {
    let core = Core::unpack("writer.kernel");
    if !set_attributes(&core.path(), SYSTEMD) {
        println!("skipped: no extended attributes in {}", core.folder().display());
        return;
    }
    let own = dump(&Run::of(coreinspect().arg("--json").arg(core.path())).ended(0));
    assert_eq!(own["process"]["command"], "writer");
    let handler = json!({
        "name": "systemd-coredump", "pid": 4711, "uid": 1000, "gid": 1001, "signal": 11, "time": 1_700_000_000,
        "command": "told", "executable": "/usr/bin/told", "arguments": null, "hostname": "here", "fills": [],
    });
    assert_eq!(own["handler"], handler);

    let builder = crate::core_builder::presets::kernel(crate::core_builder::presets::X86_64);
    let mut nameless = builder.clone();
    nameless.segments.retain(|segment| segment.kind != 4);
    let path = core.folder().join("nameless");
    fs::write(&path, nameless.build().bytes).unwrap();
    assert!(set_attributes(&path, SYSTEMD));
    let filled = dump(&Run::of(coreinspect().arg("--json").arg(&path)));
    assert_eq!(filled["process"]["pid"], 4711, "{filled}");
    assert_eq!(filled["process"]["executable"], "/usr/bin/told");
    assert_eq!(filled["process"]["signal"], json!({"number": 11, "name": "SIGSEGV"}));
    assert_eq!(filled["handler"]["fills"], json!(["pid", "command", "executable", "uid", "signal"]));
    let shown = Run::of(coreinspect().args(["-v", "--color=never"]).arg(&path));
    assert!(shown.text().contains("systemd-coredump noted beside the dump: pid 4711"), "{shown:?}");
    assert!(shown.text().contains("the dump itself does not say: pid"), "{shown:?}");
}

#[test]
fn hostile_attributes_reach_no_terminal() {
    let core = Core::unpack("writer.kernel");
    let hostile =
        [("comm", "\x1b]0;x\x07\u{202e}"), ("pid", "-1"), ("uid", "99999999999999999999"), ("exe", "\n\n")];
    if !set_attributes(&core.path(), &hostile) {
        return;
    }
    for arguments in [&["-v"] as &[&str], &["--json"]] {
        let run = Run::of(coreinspect().args(arguments).arg(core.path())).ended(0);
        assert_eq!(crate::harmless::complaint(&run.out, false), None, "{run:?}");
    }
    let told = dump(&Run::of(coreinspect().arg("--json").arg(core.path())));
    assert_eq!((&told["handler"]["pid"], &told["handler"]["uid"]), (&Value::Null, &Value::Null));
}

fn write(folder: &Path, facts: &[(&str, &str)]) {
    facts.iter().for_each(|(name, value)| fs::write(folder.join(name), value).unwrap());
}

#[test]
fn folders_of_abrt_and_apport_are_read() {
    let core = Core::unpack("writer.gcore");
    let bytes = core.bytes();
    let abrt = [
        ("type", "CCpp"),
        ("pid", "12"),
        ("uid", "1000"),
        ("cmdline", "./writer 1"),
        ("executable", "/x/writer"),
        ("time", "1700000000"),
        ("hostname", "h\n"),
    ];
    let apport = [("ProblemType", "Crash"), ("ExecutablePath", "/x/writer"), ("Signal", "11")];
    for (name, facts, who) in [("coredump", &abrt as &[_], "abrt"), ("CoreDump", &apport, "apport")] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), facts);
        fs::write(folder.path().join(name), &bytes).unwrap();
        let found = dump(&Run::of(coreinspect().arg("--json").arg(folder.path())).ended(0));
        assert_eq!(found["segments"][0]["key"], core.key());
        assert_eq!(found["handler"]["name"], who);
        assert_eq!(found["handler"]["executable"], "/x/writer");
    }
    // Compressed, as abrt may keep it.
    for tool in TOOLS {
        let Some(packed) = pack(tool, &bytes) else { return };
        // The second name is none that abrt gives: what is inside tells.
        for name in ["coredump.packed", "core of a writer"] {
            let folder = tempfile::tempdir().unwrap();
            write(folder.path(), &abrt);
            fs::write(folder.path().join(name), &packed).unwrap();
            let shown = Run::of(coreinspect().args(["show"]).arg(folder.path()).arg("#1")).ended(0);
            assert!(shown.text().contains(core.key()), "{tool:?}, {name}: {shown:?}");
        }
    }
}

#[test]
fn a_folder_is_its_dumps() {
    let core = Core::unpack("writer.kernel");
    fs::write(core.folder().join("a note"), "not a dump").unwrap();
    let one = Run::of(coreinspect().arg(core.folder())).ended(0);
    assert!(one.text().contains(core.key()), "{one:?}");
    fs::copy(core.path(), core.folder().join("core.2")).unwrap();
    let two = Run::of(coreinspect().args(["-q"]).arg(core.folder())).ended(0);
    assert_eq!(two.text().matches(core.key()).count(), 2);
    let all = Run::of(coreinspect().args(["-q", "core", "core.2"]).current_dir(core.folder())).ended(0);
    assert_eq!(all.text().matches(core.key()).count(), 2);
    let none = tempfile::tempdir().unwrap();
    fs::write(none.path().join("a note"), "").unwrap();
    let run = Run::of(coreinspect().arg(none.path())).ended(2);
    assert!(run.err.contains("it holds a note"), "{run:?}");
}

/// A folder for PATH with a `coredumpctl` that is this script.
fn with_coredumpctl(folder: &Path, script: &str) -> Command {
    let path = folder.join("coredumpctl");
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let mut program = coreinspect();
    let path = std::env::var("PATH").unwrap();
    program.env("PATH", format!("{}:{path}", folder.display()));
    program
}

/// As coredumpctl(1) documents it: `-F` prints a field of the last match, `dump` writes the core; 1 without a match.
#[test]
fn coredumpctl_is_asked() {
    let core = Core::unpack("writer.kernel");
    let stored = core.folder().join("core.writer.zst");
    fs::write(&stored, testdata::packed("writer.kernel")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let in_file = format!(
        "#!/bin/sh\necho \"$@\" >> {}\n[ \"$*\" = 'list -1 -F COREDUMP_FILENAME -- nobody' ] && \
         {{ echo No match found. >&2; exit 1; }}\necho {}\n",
        folder.path().join("asked").display(),
        stored.display()
    );
    for arguments in [
        &["--coredump"] as &[&str],
        &["--coredump", "writer"],
        &["coredump:writer"],
        &["show", "coredump:", "#1"],
    ] {
        let run = Run::of(with_coredumpctl(folder.path(), &in_file).args(arguments)).ended(0);
        assert!(run.text().contains(core.key()), "{run:?}");
    }
    let asked = fs::read_to_string(folder.path().join("asked")).unwrap();
    let asked: Vec<_> = asked.lines().collect();
    assert_eq!(asked[..2], ["list -1 -F COREDUMP_FILENAME", "list -1 -F COREDUMP_FILENAME -- writer"]);
    let run = Run::of(with_coredumpctl(folder.path(), &in_file).args(["--coredump", "nobody"])).ended(2);
    assert!(run.err.contains("No match found."), "{run:?}");

    // Storage=journal: there is no file.
    let in_journal = format!("#!/bin/sh\n[ $1 = dump ] && exec cat {}\nexit 0\n", core.path().display());
    let run = Run::of(with_coredumpctl(folder.path(), &in_journal).args(["--coredump", "writer"])).ended(0);
    assert!(run.text().contains(core.key()), "{run:?}");

    fs::remove_file(&stored).unwrap();
    let run = Run::of(with_coredumpctl(folder.path(), &in_file).arg("--coredump")).ended(2);
    assert!(run.err.contains("which is gone"), "{run:?}");
    let run = Run::of(coreinspect().arg("--coredump").env("PATH", absent())).ended(2);
    assert!(run.err.contains("coredumpctl is not installed"), "{run:?}");
}

/// Where .ci/install-tools unpacks a package's file.
fn unpacked(package: &str, file: &str) -> Option<PathBuf> {
    let path = Path::new("/opt/coreinspect-tests").join(package).join(file);
    (path.exists() || missing(&path.display().to_string())).then_some(path)
}

/// The real one, on a journal that systemd-journal-remote makes of an entry as systemd-coredump writes it.
#[test]
fn the_real_coredumpctl_finds_a_dump() {
    let Some(coredumpctl) = unpacked("systemd-coredump", "usr/bin/coredumpctl") else { return };
    let Some(remote) = unpacked("systemd-journal-remote", "lib/systemd/systemd-journal-remote") else {
        return;
    };
    let Some(libraries) = unpacked("libmicrohttpd12", "usr/lib/x86_64-linux-gnu") else { return };
    if !have("sh") {
        return;
    }
    let core = Core::unpack("writer.kernel");
    let stored = core.folder().join("core.writer.0.zst");
    fs::write(&stored, testdata::packed("writer.kernel")).unwrap();
    let entry = format!(
        "__REALTIME_TIMESTAMP=1700000000000000\n__MONOTONIC_TIMESTAMP=1000\n_BOOT_ID=1827be70bda44e3b9598c4aaf5ac32bc\n\
         MESSAGE_ID=fc2e22bc6ee647b6b90729ab34a250b1\nMESSAGE=Process 18433 (writer) of user 0 dumped core.\n\
         COREDUMP_PID=18433\nCOREDUMP_UID=0\nCOREDUMP_GID=0\nCOREDUMP_SIGNAL=6\nCOREDUMP_COMM=writer\n\
         COREDUMP_EXE=/x/writer\nCOREDUMP_TIMESTAMP=1700000000000000\nCOREDUMP_FILENAME={}\n\n",
        stored.display()
    );
    let journal = core.folder().join("journal");
    fs::create_dir(&journal).unwrap();
    fs::write(core.folder().join("entry"), entry).unwrap();
    let made = Command::new(remote)
        .env("LD_LIBRARY_PATH", libraries)
        .arg("-o")
        .arg(journal.join("x.journal"))
        .arg(core.folder().join("entry"))
        .stderr(Stdio::null())
        .status();
    assert!(made.unwrap().success());
    let folder = tempfile::tempdir().unwrap();
    let script = format!("#!/bin/sh\nexec {} -D {} \"$@\"\n", coredumpctl.display(), journal.display());
    for wanted in [&["--coredump"] as &[&str], &["--coredump", "18433"], &["--coredump", "writer"]] {
        let run = Run::of(with_coredumpctl(folder.path(), &script).args(wanted)).ended(0);
        assert!(run.text().contains(core.key()), "{run:?}");
    }
    Run::of(with_coredumpctl(folder.path(), &script).args(["--coredump", "1"])).ended(2);
}

/// systemd wrote seconds once, and writes microseconds now: copies of both times can be compared.
#[test]
fn the_time_of_a_copy_is_read_in_either_unit() {
    let core = Core::unpack("writer.kernel");
    let earlier = core.folder().join("earlier");
    let mut bytes = fs::read(core.path()).unwrap();
    let at = bytes.windows(11).position(|window| window == b"two coffees").unwrap();
    bytes[at..at + 3].copy_from_slice(b"six");
    fs::write(&earlier, bytes).unwrap();
    if !set_attributes(&core.path(), &[("timestamp", "1700000100")]) {
        println!("skipped: no extended attributes in {}", core.folder().display());
        return;
    }
    assert!(set_attributes(&earlier, &[("timestamp", "1700000000000000")]));
    for (left, right, newer) in [(core.path(), earlier.clone(), "left"), (earlier, core.path(), "right")] {
        let told = Run::of(coreinspect().args(["diff", "--json"]).args([left, right])).document();
        assert_eq!(told["segments"][0]["newer"], newer, "{told}");
    }
}

/// What cut a core off is the handler's limit where a handler stored it, and the process had none.
#[test]
fn the_limit_that_cut_it_off_is_the_one_to_raise() {
    let core = Core::unpack("truncated.kernel");
    let bytes = core.bytes();
    let fix = |path: &Path| {
        let dump = dump(&Run::of(coreinspect().arg("--json").arg(path)));
        let causes = dump["segments"][0]["causes"].as_array().unwrap().clone();
        let cut = causes.iter().find(|cause| cause["code"] == "truncated").unwrap();
        cut["fix"].as_str().unwrap().to_owned()
    };
    assert!(fix(&core.path()).contains("ulimit -c unlimited"));
    let boot = "0123456789abcdef0123456789abcdef";
    let named = core.folder().join(format!("core.writer.x.1000.{boot}.4711.1700000000000000"));
    fs::write(&named, &bytes).unwrap();
    assert!(fix(&named).contains("ProcessSizeMax= and ExternalSizeMax="));
    let other = core.folder().join("core.writer.1000.4711.1700000000");
    fs::write(&other, &bytes).unwrap();
    assert!(fix(&other).contains("ulimit -c unlimited"));
    for (limit, word) in [("18446744073709551615", "ProcessSizeMax="), ("57344", "ulimit -c unlimited")] {
        if set_attributes(&core.path(), &[("pid", "4711"), ("rlimit", limit)]) {
            assert!(fix(&core.path()).contains(word), "{limit}");
        }
    }
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[("type", "CCpp"), ("pid", "12"), ("executable", "/x/writer")]);
    fs::write(folder.path().join("coredump"), &bytes).unwrap();
    assert!(fix(folder.path()).contains("MaxCoreFileSize"));
}
