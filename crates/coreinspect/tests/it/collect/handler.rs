//! The handler and its folder, with cores that the test pipes in: no setting of the kernel is touched.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;
use std::thread;
use std::time::Duration;

use super::{NOBODY, endless, folder, handler, json, limit, names, noise, only, rights, unpacked};
use crate::program::{Run, coreinspect};
use crate::tools::have;

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
    assert!(sidecar["problems"][0].as_str().unwrap().contains("there is no process"), "{sidecar}");
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
    assert!(run.err.contains("dumps no core: another process has its number now"), "{}", run.err);
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
    assert!(run.status == 0 && run.err.contains("larger than --max-core"), "{run:?}");
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

/// One user's crashes push out that user's own; those that take less stay, however old.
#[test]
fn a_crash_loop_costs_its_own_user() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    const SOMEBODY: u32 = 65534;
    // A file of a user, and files of root's that are charged to the user: a setuid program's.
    for charged in [false, true] {
        for limit in [["--max-number", "5"], ["--max-use", "3M"]] {
            let folder = folder();
            let core = noise(512 << 10);
            for time in 1..=2 {
                let stem = folder.path().join(format!("core.17.{time}"));
                for path in
                    [stem.with_extension(format!("{time}.zst")), stem.with_extension(format!("{time}.json"))]
                {
                    fs::write(&path, &core[..core.len() / 2]).unwrap();
                    let file = File::options().write(true).open(&path).unwrap();
                    file.set_modified(std::time::UNIX_EPOCH + Duration::from_secs(time)).unwrap();
                    if charged {
                        let uid = SOMEBODY.to_string();
                        let flags = rustix::fs::XattrFlags::empty();
                        if rustix::fs::fsetxattr(&file, "user.coreinspect.uid", uid.as_bytes(), flags)
                            .is_err()
                        {
                            println!("skipped: no extended attributes here");
                            return;
                        }
                    } else {
                        std::os::unix::fs::chown(&path, Some(SOMEBODY), None).unwrap();
                    }
                }
            }
            for time in 10..=20 {
                let run = Run::fed(&mut handler(folder.path(), time, &limit), &core);
                assert_eq!(run.status, 0, "{run:?}");
            }
            let left = names(folder.path());
            let theirs = left.iter().filter(|name| name.starts_with("core.17.")).count();
            assert_eq!(theirs, 4, "{charged} {limit:?}: {left:?}");
            let ours = left.iter().filter(|name| name.contains(NOBODY) && name.ends_with(".zst")).count();
            assert!((3..=4).contains(&ours), "{charged} {limit:?}: {left:?}");
            assert!(left.contains(&format!("core.{NOBODY}.20.zst")), "{left:?}");
        }
    }
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

/// The nice value of a process: field 19 of proc_pid_stat(5).
fn nice(pid: u32) -> i32 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit(')').next().unwrap().split_whitespace().nth(16).unwrap().parse().unwrap()
}

#[test]
fn a_killed_handler_leaves_nothing_that_looks_whole() {
    let folder = folder();
    let (mut child, feeder) = endless(folder.path(), &[]);
    while !names(folder.path()).iter().any(|name| name.starts_with(".pending-")) {
        thread::sleep(Duration::from_millis(1));
    }
    thread::sleep(Duration::from_millis(50));
    // It leaves the processor to what still runs.
    let (ours, its) = (nice(std::process::id()), nice(child.id()));
    assert_eq!(its, (ours + 10).min(19), "ten more than ours, {ours}, and 19 at most");
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

/// The kernel dumps no process whose RLIMIT_CORE is 1; with 0 it starts a handler for the handler's crash (fs/coredump.c).
#[test]
fn a_handler_that_crashes_is_not_dumped() {
    let folder = folder();
    let (mut child, feeder) =
        endless(folder.path(), &["--then", "sh", "-c", "cat /proc/self/limits; cat >/dev/null"]);
    while !names(folder.path()).iter().any(|name| name.starts_with(".pending-")) {
        thread::sleep(Duration::from_millis(1));
    }
    let limits = fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    feeder.join().unwrap();
    assert_eq!(limit(&limits, "Max core file size"), ["1", "1"], "{limits}");
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
