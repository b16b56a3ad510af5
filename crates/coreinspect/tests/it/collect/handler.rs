//! The handler and its folder, with cores that the test pipes in: no setting of the kernel is touched.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use super::{NOBODY, folder, handler, json, names, only, rights, unpacked};
use crate::program::{Run, coreinspect};
use crate::tools::have;

/// Bytes that do not compress.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(&mut next).flatten().take(length).collect()
}

#[test]
fn what_comes_is_stored_for_root_alone() {
    if !have("zstd") {
        return;
    }
    let folder = folder();
    let core = noise(5 << 20);
    let run = Run::fed(&mut handler(folder.path(), 17, &["--dumpable", "1"]), &core);
    assert_eq!(run.status, 0, "{run:?}");
    let stored = only(folder.path(), ".zst");
    assert!(unpacked(&stored) == core);
    let us = nix::unistd::geteuid().as_raw();
    for path in [&stored, &only(folder.path(), ".json")] {
        assert_eq!((rights(path).0, rights(path).2), (us, 0o600), "{path:?}");
    }
    assert_eq!(names(folder.path()), [format!("core.{NOBODY}.17.json"), format!("core.{NOBODY}.17.zst")]);
    let sidecar = json(&only(folder.path(), ".json"));
    assert_eq!(sidecar["core"]["bytes"], core.len());
    assert_eq!((&sidecar["user"], &sidecar["core"]["cut"]), (&().into(), &().into()));
    assert!(sidecar["problems"][0].as_str().unwrap().contains("is not there"), "{sidecar}");
    // A second one in the same second is told apart, and a third as it comes.
    Run::fed(&mut handler(folder.path(), 17, &[]), b"second");
    let third = Run::fed(&mut handler(folder.path(), 17, &["--no-compress", "--json"]), b"third").document();
    assert_eq!(third["core"], format!("core.{NOBODY}.17-2"));
    assert_eq!(fs::read(folder.path().join(third["core"].as_str().unwrap())).unwrap(), b"third");
}

/// The number is a living process's by now: nothing of it is believed, and nothing is given to its user.
#[test]
fn a_recycled_number_is_not_believed() {
    let folder = folder();
    let mut living = Command::new("sleep").arg("60").spawn().unwrap();
    let mut command = coreinspect();
    let pid = living.id().to_string();
    command.args(["collect", "--pid", &pid, "--dumpable", "1", "--output-dir"]).arg(folder.path());
    let run = Run::fed(&mut command, b"core");
    assert_eq!(run.status, 0);
    assert!(run.err.contains("dumps no core: its number was taken by another"), "{}", run.err);
    let sidecar = json(&only(folder.path(), ".json"));
    assert_eq!((&sidecar["user"], &sidecar["mappings"]), (&().into(), &().into()), "{sidecar}");
    assert!(!sidecar.to_string().contains("sleep"), "{sidecar}");

    // A descriptor that is no pidfd of it.
    let run = Run::fed(command.args(["--pidfd", "0"]), b"core");
    assert!(run.status == 0 && run.err.contains("descriptor 0 is no pidfd"), "{}", run.err);
    // A pidfd of another process than the one of the number.
    if have("python3") {
        let script = "import os, subprocess, sys; fd = os.pidfd_open(os.getpid()); \
                      sys.exit(subprocess.run([*sys.argv[1:], '--pidfd', str(fd)], pass_fds=[fd]).returncode)";
        let mut python = Command::new("python3");
        python.args([
            "-c",
            script,
            env!("CARGO_BIN_EXE_coreinspect"),
            "collect",
            "--pid",
            &pid,
            "--output-dir",
        ]);
        let run = Run::fed(python.arg(folder.path()), b"core");
        assert!(run.status == 0 && run.err.contains("the pidfd is not of process"), "{}", run.err);
    }
    living.kill().unwrap();
    living.wait().unwrap();
    // An old kernel leaves an empty word for what it does not know.
    assert_eq!(Run::fed(&mut handler(folder.path(), 1, &["--pidfd", "", "--tid", ""]), b"core").status, 0);
}

#[test]
fn a_folder_that_others_can_write_to_is_refused() {
    let folder = folder();
    for (name, mode) in [("group", 0o775), ("others", 0o757), ("sticky", 0o1777)] {
        let open = folder.path().join(name);
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(mode)).unwrap();
        let run = Run::fed(&mut handler(&open, 1, &[]), b"core").ended(2);
        assert!(run.err.contains("others can write to"), "{}", run.err);
        assert_eq!(names(&open), Vec::<String>::new());
        // And one below it, unless what is in it is only its owner's to rename.
        let below = open.join("cores");
        fs::create_dir(&below).unwrap();
        fs::set_permissions(&below, fs::Permissions::from_mode(0o755)).unwrap();
        let run = Run::fed(&mut handler(&below, 1, &[]), b"core");
        assert_eq!(run.status, if name == "sticky" { 0 } else { 2 }, "{run:?}");
    }
    if nix::unistd::geteuid().is_root() {
        let theirs = folder.path().join("theirs");
        fs::create_dir(&theirs).unwrap();
        std::os::unix::fs::chown(&theirs, Some(65534), None).unwrap();
        assert!(Run::fed(&mut handler(&theirs, 1, &[]), b"core").ended(2).err.contains("others can write"));
    }
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    Run::fed(&mut handler(&file, 1, &[]), b"core").ended(2);
    Run::fed(&mut handler(&folder.path().join("no/such"), 1, &[]), b"core").ended(2);
}

#[test]
fn what_stands_at_the_name_is_not_followed() {
    let folder = folder();
    let outside = tempfile::NamedTempFile::new().unwrap();
    fs::write(outside.path(), "outside").unwrap();
    for suffix in ["zst", "json", "shm"] {
        symlink(outside.path(), folder.path().join(format!("core.{NOBODY}.5.{suffix}"))).unwrap();
    }
    let run = Run::fed(&mut handler(folder.path(), 5, &["--json"]), b"core");
    assert_eq!(run.document()["core"], format!("core.{NOBODY}.5-1.zst"));
    assert_eq!(fs::read_to_string(outside.path()).unwrap(), "outside");
}

#[test]
fn a_large_core_is_cut_and_that_is_told() {
    if !have("zstd") {
        return;
    }
    let folder = folder();
    let core = noise(3 << 20);
    let run = Run::fed(&mut handler(folder.path(), 1, &["--max-core", "1M"]), &core);
    assert!(run.status == 0 && run.err.contains("larger than is allowed"), "{run:?}");
    assert!(unpacked(&only(folder.path(), ".zst")) == core[..1 << 20]);
    assert_eq!(json(&only(folder.path(), ".json"))["core"]["cut"], "limit");
}

#[test]
fn the_oldest_make_room() {
    let folder = folder();
    let mut times = vec![];
    for time in 1..=5 {
        Run::fed(&mut handler(folder.path(), time, &["--max-number", "3"]), b"core");
        times.push(time);
        let path = folder.path().join(format!("core.{NOBODY}.{time}.zst"));
        let stamp = std::time::UNIX_EPOCH + Duration::from_secs(1_000_000 + time);
        for path in [&path, &path.with_extension("json")] {
            File::options().write(true).open(path).unwrap().set_modified(stamp).unwrap();
        }
    }
    fs::write(folder.path().join("core.notes"), "not ours").unwrap();
    let left = |folder: &std::path::Path| names(folder).iter().filter(|name| name.ends_with(".zst")).count();
    assert_eq!(left(folder.path()), 3);
    assert!(names(folder.path())[0].ends_with(".3.json"), "{:?}", names(folder.path()));
    // By size: a megabyte each, two of them allowed.
    for time in 6..=9 {
        Run::fed(&mut handler(folder.path(), time, &["--max-use", "2500K"]), &noise(1 << 20));
    }
    assert_eq!(left(folder.path()), 2, "{:?}", names(folder.path()));
    assert!(folder.path().join("core.notes").exists());
}

/// A file system of 8 MiB: what stays free stays free, an older crash goes, and the core is a whole frame up to its end.
#[test]
fn a_full_disk_leaves_a_core_that_can_be_read() {
    if !nix::unistd::geteuid().is_root() || !have("unshare") || !have("zstd") {
        return;
    }
    let folder = folder();
    let noise_file = folder.path().join("noise");
    fs::write(&noise_file, noise(20 << 20)).unwrap();
    let disk = folder.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let program = env!("CARGO_BIN_EXE_coreinspect");
    let script = format!(
        "mount -t tmpfs -o size=8m,mode=755 none {disk} && cd {disk} || exit 9
         head -c 2M ../noise | {program} collect --pid {NOBODY} --time 1 --output-dir . --keep-free 1M || exit 8
         {program} collect --pid {NOBODY} --time 2 --output-dir . --keep-free 1M < ../noise; echo status $?
         ls -A; zstd -dc core.{NOBODY}.2.zst > ../back; cat core.{NOBODY}.2.json > ../json
         echo free $(df --output=avail -k . | tail -1)",
        disk = disk.display()
    );
    let mut unshare = Command::new("unshare");
    let run = Run::of(unshare.args(["--mount", "sh", "-c", &script]));
    assert_eq!(run.status, 0, "{run:?}");
    let (back, noise) = (fs::read(folder.path().join("back")).unwrap(), fs::read(&noise_file).unwrap());
    assert!(back.len() > 1 << 20 && noise.starts_with(&back), "{} {run:?}", back.len());
    assert!(run.text().contains("status 0"), "{run:?}");
    assert_eq!(json(&folder.path().join("json"))["core"]["cut"], "disk");
    let free: u64 = run.text().split("free ").nth(1).unwrap().trim().parse().unwrap();
    assert!(free >= 900, "{free} KiB");
    assert!(!run.text().contains(".pending"), "{run:?}");
}

/// The handler, with a core that goes on and on.
fn endless(folder: &std::path::Path) -> (Child, thread::JoinHandle<()>) {
    let mut child = handler(folder, 3, &[]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let feeder = thread::spawn(move || {
        let noise = noise(1 << 20);
        while pipe.write_all(&noise).is_ok() {}
    });
    (child, feeder)
}

#[test]
fn a_killed_handler_leaves_nothing_that_looks_whole() {
    let folder = folder();
    let (mut child, feeder) = endless(folder.path());
    while !names(folder.path()).iter().any(|name| name.starts_with(".pending-")) {
        thread::sleep(Duration::from_millis(1));
    }
    thread::sleep(Duration::from_millis(50));
    // It leaves the processor to what still runs: proc_pid_stat(5), the nice value.
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    assert_eq!(stat.rsplit(')').next().unwrap().split_whitespace().nth(16), Some("10"), "{stat}");
    // Another crash meanwhile does not take what is still being written.
    Run::fed(&mut handler(folder.path(), 4, &[]), b"core");
    assert!(names(folder.path()).iter().any(|name| name.starts_with(".pending-")));
    child.kill().unwrap();
    child.wait().unwrap();
    feeder.join().unwrap();
    assert!(!names(folder.path()).iter().any(|name| name.contains(".3.")), "{:?}", names(folder.path()));
    Run::fed(&mut handler(folder.path(), 5, &[]), b"core");
    let left = names(folder.path());
    assert!(left.iter().all(|name| name.starts_with("core.")) && left.len() == 4, "{left:?}");
}

/// The kernel starts a handler without standard output and error; with its core as standard input.
#[test]
fn closed_descriptors_are_no_place_for_a_core() {
    if !have("zstd") {
        return;
    }
    let folder = folder();
    let path = folder.path().join("noise");
    let core = noise(1 << 20);
    fs::write(&path, &core).unwrap();
    let program = env!("CARGO_BIN_EXE_coreinspect");
    let script = format!(
        "{program} collect --pid {NOBODY} --time 1 --output-dir {0} < {1} >&- 2>&-
         {program} collect --pid {NOBODY} --time 2 --output-dir {0} <&- >&- 2>&-; true",
        folder.path().display(),
        path.display()
    );
    let run = Run::of(Command::new("sh").args(["-c", &script]));
    assert_eq!((run.status, run.err.as_str()), (0, ""));
    let stored = folder.path().join(format!("core.{NOBODY}.1.zst"));
    assert!(unpacked(&stored) == core);
    assert_eq!(json(&stored.with_extension("json"))["core"]["bytes"], core.len());
    let nothing = json(&folder.path().join(format!("core.{NOBODY}.2.json")));
    assert_eq!((&nothing["core"]["file"], &nothing["core"]["bytes"]), (&().into(), &0.into()));
}

#[test]
fn many_at_once_are_all_stored() {
    if !have("zstd") {
        return;
    }
    let folder = folder();
    thread::scope(|scope| {
        for number in 0..20_u8 {
            let folder = folder.path();
            scope.spawn(move || {
                let core = vec![number; 1 << 20];
                let run = Run::fed(&mut handler(folder, u64::from(number), &[]), &core);
                assert_eq!(run.status, 0, "{run:?}");
                assert!(unpacked(&folder.join(format!("core.{NOBODY}.{number}.zst"))) == core);
            });
        }
    });
    assert_eq!(names(folder.path()).len(), 40);
}

#[test]
fn another_handler_gets_the_core_too() {
    let folder = folder();
    let other = folder.path().join("other.sh");
    let got = folder.path().join("got");
    fs::write(
        &other,
        format!("#!/bin/sh\ncat > {0}\necho \"$@\" > {0}.words\nenv > {0}.env\n", got.display()),
    )
    .unwrap();
    fs::set_permissions(&other, fs::Permissions::from_mode(0o755)).unwrap();
    let core = noise(3 << 20);
    let other = other.to_str().unwrap();
    let run =
        Run::fed(&mut handler(folder.path(), 1, &["--then", other, "7", "--odd; $(touch x)", "0"]), &core);
    assert_eq!(run.status, 0, "{run:?}");
    assert!(fs::read(&got).unwrap() == core);
    assert_eq!(fs::read_to_string(got.with_extension("words")).unwrap(), "7 --odd; $(touch x) 0\n");
    assert!(!fs::read_to_string(got.with_extension("env")).unwrap().contains("CARGO"));
    assert!(folder.path().join(format!("core.{NOBODY}.1.zst")).exists());

    let run = Run::fed(&mut handler(folder.path(), 2, &["--no-core", "--then", other]), &core).ended(0);
    assert!(!run.text().contains(".zst") && run.text().contains(".json"), "{run:?}");
    assert!(fs::read(&got).unwrap() == core);

    // One that is not there, or ends at once, takes nothing away.
    for other in ["/nonexistent", "/bin/true"] {
        let run = Run::fed(&mut handler(folder.path(), 3, &["--then", other]), &core);
        assert_eq!(run.status, 0, "{run:?}");
    }
}
