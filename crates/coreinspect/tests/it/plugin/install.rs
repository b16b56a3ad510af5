//! `plugin DEBUGGER --install` and `--uninstall`: what they write, and that nothing of it stays.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{debugger, path};
use crate::program::{Run, coreinspect};
use crate::testdata::Core;
use crate::tools::have;

fn run(home: &Path, arguments: &[&str]) -> Run {
    Run::of(coreinspect().arg("plugin").args(arguments).env("HOME", home).env_remove("XDG_CONFIG_HOME"))
}

/// Every file and link below a folder, and what is in it.
fn files(home: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let walk =
        walkdir::WalkDir::new(home).into_iter().map(Result::unwrap).filter(|entry| !entry.path().is_dir());
    walk.map(|entry| {
        let link = fs::read_link(entry.path()).map(|to| to.to_string_lossy().into_owned().into_bytes());
        (entry.path().to_owned(), link.unwrap_or_else(|_| fs::read(entry.path()).unwrap()))
    })
    .collect()
}

fn home_with(name: &str, text: Option<&[u8]>) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    if let Some(text) = text {
        fs::write(home.path().join(name), text).unwrap();
    }
    home
}

#[test]
fn what_is_installed_is_taken_back_exactly() {
    for (debugger, init, plugin) in [
        ("gdb", ".gdbinit", ".config/coreinspect/gdb.py"),
        ("lldb", ".lldbinit", ".config/coreinspect/lldb/coreinspect_lldb.py"),
    ] {
        for before in [
            None,
            Some(b"".as_slice()),
            Some(b"set confirm off\n"),
            Some(b"set confirm off"),
            Some(b"\xff\r\n\n"),
            Some(b"\n"),
        ] {
            let home = home_with(init, before);
            let untouched = files(home.path());
            let installed = run(home.path(), &[debugger, "--install", "--yes"]).ended(0);
            let text = fs::read(home.path().join(init)).unwrap();
            let plugin = home.path().join(plugin);
            let added = match debugger {
                "gdb" => format!("if !$_isvoid($_as_string)\nsource {}\nend\n", plugin.display()),
                _ => format!("command script import {}\n", plugin.display()),
            };
            assert!(text.ends_with(added.as_bytes()), "{text:?}");
            for line in added.lines() {
                assert!(installed.text().contains(&format!("    {line}\n")), "it is shown: {installed:?}");
            }
            assert!(text.starts_with(before.unwrap_or_default()));
            // Once more changes nothing but the file.
            let once = files(home.path());
            run(home.path(), &[debugger, "--install", "--yes"]).ended(0);
            assert_eq!(files(home.path()), once);
            run(home.path(), &[debugger, "--uninstall", "--yes"]).ended(0);
            assert_eq!(files(home.path()), untouched, "{debugger} {before:?}");
            let nothing = run(home.path(), &[debugger, "--uninstall", "--yes"]).ended(1);
            assert!(nothing.err.contains("no plugin is installed"), "{nothing:?}");
        }
    }
}

/// The line that 0.1.0 wrote gets its guard, and goes as ours does.
#[test]
fn the_line_of_an_earlier_release_is_ours() {
    for (before, after) in [
        ("set confirm off\nLINE\nset pagination off\n", "set confirm off\nset pagination off\n"),
        ("LINE", ""),
        ("# LINE\nLINE\n", "# LINE\n"),
    ] {
        let home = home_with("unused", None);
        let line = format!("source {}", home.path().join(".config/coreinspect/gdb.py").display());
        let init = home.path().join(".gdbinit");
        fs::write(&init, before.replace("LINE", &line)).unwrap();
        run(home.path(), &["gdb", "--install", "--yes"]).ended(0);
        let text = fs::read_to_string(&init).unwrap();
        assert!(text.contains(&format!("if !$_isvoid($_as_string)\n{line}\nend\n")), "{text}");
        assert_eq!(text.matches(&format!("\n{line}\n")).count(), 1, "{text}");
        run(home.path(), &["gdb", "--uninstall", "--yes"]).ended(0);
        assert_eq!(fs::read_to_string(&init).unwrap(), after.replace("LINE", &line));
    }
}

/// A gdb whose Python has none of gdb's functions (gdb-minimal has no Python at all) goes on with the rest of its file.
#[test]
fn a_gdb_without_python_reads_on() {
    if !have("gdb") {
        return;
    }
    let home = home_with(".gdbinit", Some(b"echo before\\n\n"));
    run(home.path(), &["gdb", "--install", "--yes"]).ended(0);
    let init = home.path().join(".gdbinit");
    let text = fs::read_to_string(&init).unwrap();
    fs::write(&init, format!("{text}echo behind\\n\n")).unwrap();
    let empty = home.path().join("data");
    fs::create_dir(&empty).unwrap();
    let mut gdb = debugger("gdb", home.path());
    gdb.env_remove("XDG_CONFIG_HOME")
        .arg("--data-directory")
        .arg(&empty)
        .args(["-q", "-batch", "-ex", "shm list"]);
    let run = Run::of(&mut gdb);
    assert!(run.text().contains("before\nbehind\n"), "{run:?}");
    assert!(!run.err.contains("coreinspect") && !run.err.contains("Traceback"), "{run:?}");
}

/// What was written behind our line stays.
#[test]
fn what_others_wrote_since_stays() {
    let home = home_with(".gdbinit", Some(b"set confirm off"));
    run(home.path(), &["gdb", "--install", "--yes"]).ended(0);
    let init = home.path().join(".gdbinit");
    let text = fs::read_to_string(&init).unwrap();
    fs::write(&init, format!("{text}set pagination off\n")).unwrap();
    run(home.path(), &["gdb", "--uninstall", "--yes"]).ended(0);
    assert_eq!(fs::read_to_string(&init).unwrap(), "set confirm off\nset pagination off\n");
}

#[test]
fn nobody_is_asked_where_nobody_sits() {
    let home = home_with(".gdbinit", Some(b"set confirm off\n"));
    let untouched = files(home.path());
    let asked = run(home.path(), &["gdb", "--install"]).ended(2);
    assert!(asked.err.contains("--yes"), "{asked:?}");
    assert_eq!(files(home.path()), untouched);
}

/// gdb reads the one in the folder of settings first, and then not the other.
#[test]
fn the_init_file_is_the_one_that_gdb_reads() {
    let home = home_with(".gdbinit", Some(b"set confirm off\n"));
    let settings = home.path().join(".config/gdb");
    fs::create_dir_all(&settings).unwrap();
    fs::write(settings.join("gdbinit"), "set pagination off\n").unwrap();
    let untouched = files(home.path());
    run(home.path(), &["gdb", "--install", "--yes"]).ended(0);
    assert_eq!(fs::read_to_string(home.path().join(".gdbinit")).unwrap(), "set confirm off\n");
    assert!(fs::read_to_string(settings.join("gdbinit")).unwrap().contains("coreinspect/gdb.py"));
    run(home.path(), &["gdb", "--uninstall", "--yes"]).ended(0);
    assert_eq!(files(home.path()), untouched);
}

#[test]
fn a_link_to_an_init_file_stays_a_link() {
    let home = home_with("dotfiles", Some(b"set confirm off\n"));
    symlink("dotfiles", home.path().join(".gdbinit")).unwrap();
    let untouched = files(home.path());
    run(home.path(), &["gdb", "--install", "--yes"]).ended(0);
    assert!(fs::read_to_string(home.path().join("dotfiles")).unwrap().contains("coreinspect/gdb.py"));
    run(home.path(), &["gdb", "--uninstall", "--yes"]).ended(0);
    assert_eq!(files(home.path()), untouched);
}

/// Installed, it is there in every gdb and lldb, and runs the binary that installed it. A folder may have a blank in its name.
#[test]
fn an_installed_plugin_is_there_when_the_debugger_starts() {
    for program in ["gdb", "lldb"] {
        if !have(program) {
            continue;
        }
        let core = Core::unpack("segv.kernel");
        let home = core.folder().join("a home");
        fs::create_dir(&home).unwrap();
        run(&home, &[program, "--install", "--yes"]).ended(0);
        let mut command = debugger(program, core.folder());
        command.env_remove("COREINSPECT").env_remove("XDG_CONFIG_HOME").env("HOME", &home);
        match program {
            "gdb" => command.args(["-q", "-batch", "-c", &path(&core), "-ex", "shm list"]),
            _ => {
                command.args(["-b", "-o", &format!("target create --core {}", path(&core)), "-o", "shm list"])
            }
        };
        let run = Run::of(&mut command);
        assert!(run.text().contains("look, but do"), "{program}: {run:?}");
    }
}
