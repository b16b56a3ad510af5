//! `key --from`: the path that made a key stands in the dump of whoever made it. The truth is libc's ftok in a C program.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::program::{Run, coreinspect};
use crate::tools::{cores_are_plain, have};

/// The program at work; it ends with this value.
struct Maker {
    child: Child,
    key: String,
}

impl Maker {
    fn start(folder: &Path, how: &str, argument: &str) -> Maker {
        let mut command = Command::new("./ftok");
        command.args([how, argument]).env("KEY_FILE", folder.join("srv/variable")).env("PWD", folder);
        command.env("KEY_FOLDER", folder.join("srv")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.current_dir(folder).spawn().unwrap();
        let mut key = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut key).unwrap();
        Maker { child, key: format!("0x{}", key.trim()) }
    }

    /// The cores of gcore and of the kernel, as far as they can be had.
    fn cores(mut self, folder: &Path) -> Vec<PathBuf> {
        let pid = self.child.id();
        let mut cores = vec![];
        if have("gcore") {
            let mut gcore = Command::new("gcore");
            gcore.args(["-o", "gcore", &pid.to_string()]).current_dir(folder).env_remove("DEBUGINFOD_URLS");
            assert!(gcore.output().unwrap().status.success());
            cores.push(folder.join(format!("gcore.{pid}")));
        }
        if cores_are_plain() {
            kill(Pid::from_raw(pid.cast_signed()), Signal::SIGABRT).unwrap();
            self.child.wait().unwrap();
            let core = folder.join("core");
            let core = if core.exists() { core } else { core.with_extension(pid.to_string()) };
            let kept = folder.join(format!("kernel.{pid}"));
            fs::rename(core, &kept).unwrap();
            cores.push(kept);
        }
        cores
    }
}

impl Drop for Maker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_path_that_made_a_key_is_found_in_the_dump() {
    if !have("gcc") {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let folder = home.path();
    fs::create_dir(folder.join("srv")).unwrap();
    for name in ["argument", "variable", "in the heap"] {
        fs::write(folder.join("srv").join(name), "").unwrap();
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/live/ftok.c");
    let mut gcc = Command::new("gcc");
    gcc.args(["-Wall", "-Wextra", "-Werror", "-o", "ftok"]).arg(source).current_dir(folder);
    assert!(gcc.status().unwrap().success());
    for (how, argument, path, found_in) in [
        ("argument", "srv/argument", "srv/argument", "argument"),
        ("environment", "", "srv/variable", "environment"),
        ("memory", "", "srv/in the heap", "memory"),
        ("folder", "", "", "environment"),
    ] {
        let maker = Maker::start(folder, how, argument);
        let key = maker.key.clone();
        let path = if path.is_empty() { folder.to_owned() } else { folder.join(path) };
        for core in maker.cores(folder) {
            let run = Run::of(coreinspect().args(["key", &key, "--json", "--from"]).arg(&core)).ended(0);
            let report = run.document();
            let first = &report["candidates"][0];
            let told = json!([first["path"], first["found_in"], first["project_id"], first["made_by"]]);
            assert_eq!(told, json!([path, found_in, "0x78", "ftok"]), "{how} in {}", core.display());
            let searched = &report["searched"];
            let by_chance = searched["expected_by_chance"].as_f64().unwrap();
            assert!(
                (by_chance - searched["on_device"].as_f64().unwrap() / 65536.0).abs() < 1e-9,
                "{searched}"
            );
            let path = path.to_str().unwrap();
            let text = Run::of(coreinspect().args(["key", &key, "--from"]).arg(&core)).ended(0);
            assert!(text.text().contains(path), "{text:?}");
            for arguments in [&["show"] as &[&str], &["-v"]] {
                let run = Run::of(coreinspect().args(arguments).arg(&core)).ended(0);
                assert!(
                    run.text().contains(&format!("{path} makes this key by ftok")),
                    "{arguments:?} {run:?}"
                );
            }
            // Another root has other inodes: nothing there makes the key, and no path leads out of it.
            let elsewhere = tempfile::tempdir().unwrap();
            let mut command = coreinspect();
            command.args(["key", &key, "--from"]).arg(&core).arg("--root").arg(elsewhere.path());
            let run = Run::of(&mut command).ended(1);
            assert!(run.err.contains("no path that the process"), "{run:?}");
        }
    }
}

#[test]
fn wrong_words_are_said() {
    for (arguments, says) in [
        (&["0x7800c028", "--from", "/nowhere"] as &[&str], "there is no such file"),
        (&["0x7800c028", "--from", "/etc/passwd"], "/etc/passwd"),
        (&["0", "--from", "/etc/passwd"], "IPC_PRIVATE"),
        (&["0x7800c028", "--root", "/"], "--from"),
        (&["0x7800c028", "--from", "x", "--search", "/"], "cannot be used"),
    ] {
        let run = Run::of(coreinspect().arg("key").args(arguments)).ended(2);
        assert!(run.err.contains(says) && run.out.is_empty(), "{arguments:?}: {run:?}");
    }
}
