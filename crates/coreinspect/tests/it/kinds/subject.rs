//! The program that maps every kind in every way, and the dumps of it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Run, coreinspect};
use crate::tools::{cores_are_plain, have, output};

/// A mapping, as the program says.
#[derive(Clone, Debug)]
pub(super) struct Mapped {
    /// `posix-unlinked/writable`: what each of its pages begins with.
    pub(super) what: String,
    pub(super) start: u64,
    pub(super) length: u64,
}

impl Mapped {
    /// The word of `--kind`.
    pub(super) fn kind(&self) -> &str {
        self.what.split(['-', '/']).next().unwrap()
    }
}

/// The program. It ends with this value, and what it made goes.
pub(super) struct Subject {
    child: Child,
    orders: Option<ChildStdin>,
    folder: TempDir,
    pub(super) mapped: Vec<Mapped>,
}

/// All kinds, and the program's own files.
pub(super) const EVERY_KIND: [&str; 2] = ["--kind", "all,file:*/file-*"];

impl Subject {
    /// `None` where it cannot be compiled.
    pub(super) fn start() -> Option<Subject> {
        if !have("gcc") {
            return None;
        }
        let folder = tempfile::Builder::new().prefix("kinds").tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/kinds/subject.c");
        let mut gcc = Command::new("gcc");
        let compiled =
            gcc.args(["-O1", "-Wall", "-Wextra", "-Werror", "-Wno-format-truncation", "-o", "subject"]);
        assert!(compiled.arg(source).current_dir(folder.path()).status().unwrap().success());
        let mut command = Command::new("./subject");
        command.arg(folder.path()).arg(tag(&folder)).current_dir(folder.path());
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let orders = child.stdin.take();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mapped = lines.take_while(|line| line != "ready").map(|line| {
            let words: Vec<_> = line.split(' ').collect();
            let start = u64::from_str_radix(words[1].strip_prefix("0x").unwrap(), 16).unwrap();
            Mapped { what: words[0].to_owned(), start, length: words[2].parse().unwrap() }
        });
        let mut subject = Subject { child, orders, folder, mapped: vec![] };
        subject.mapped.extend(mapped);
        assert!(subject.mapped.len() > 30, "{:?}", subject.mapped);
        Some(subject)
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What the program calls its files in /dev/shm, before a number.
    pub(super) fn tag(&self) -> String {
        tag(&self.folder)
    }

    /// The mapping of which the program says this.
    pub(super) fn mapping(&self, what: &str) -> &Mapped {
        self.mapped.iter().find(|one| one.what == what).unwrap_or_else(|| panic!("no {what}"))
    }

    pub(super) fn set_filter(&self, filter: u32) {
        fs::write(format!("/proc/{}/coredump_filter", self.pid()), format!("{filter:#x}")).unwrap();
    }

    /// The document of a command about it.
    pub(super) fn ask(&self, arguments: &[&str]) -> Value {
        Run::of(coreinspect().args(arguments).args(EVERY_KIND).args(["--json", &self.pid().to_string()]))
            .document()
    }

    /// A dump of it by gcore; `None` without gcore.
    pub(super) fn gcore(&self) -> Option<PathBuf> {
        if !have("gcore") {
            return None;
        }
        let mut gcore = Command::new("gcore");
        gcore.args(["-o", "gcore", &self.pid().to_string()]).current_dir(self.folder());
        let made = gcore.stdin(Stdio::null()).env_remove("DEBUGINFOD_URLS").output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Some(self.folder().join(format!("gcore.{}", self.pid())))
    }

    /// A dump of it by the kernel: it aborts. `None` where the kernel writes no `core` here.
    pub(super) fn abort(&mut self) -> Option<PathBuf> {
        if !cores_are_plain() {
            return None;
        }
        self.orders.take().unwrap().write_all(b"x").unwrap();
        self.child.wait().unwrap();
        let core = self.folder().join("core");
        let core = if core.exists() { core } else { self.folder().join(format!("core.{}", self.pid())) };
        Some(core)
    }
}

fn tag(folder: &TempDir) -> String {
    folder.path().file_name().unwrap().to_str().unwrap().to_owned()
}

impl Drop for Subject {
    fn drop(&mut self) {
        drop(self.orders.take());
        let _ = self.child.wait();
        for entry in fs::read_dir("/dev/shm").into_iter().flatten().flatten() {
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(&self.tag())) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// The PT_LOADs of a core as readelf tells them: address and bytes in the file.
pub(super) fn loads(core: &Path) -> Vec<(u64, u64)> {
    let text = output(Command::new("readelf").args(["-lW"]).arg(core));
    let rows = text.lines().filter(|line| line.trim_start().starts_with("LOAD "));
    let number = |word: &str| u64::from_str_radix(word.strip_prefix("0x").unwrap(), 16).unwrap();
    let rows = rows.map(|row| row.split_whitespace().collect::<Vec<_>>());
    rows.map(|words| (number(words[2]), number(words[4]))).collect()
}

/// Bytes of the mapping that `loads` hold.
pub(super) fn saved(loads: &[(u64, u64)], one: &Mapped) -> u64 {
    let end = one.start + one.length;
    let held =
        loads.iter().map(|(start, bytes)| (start + bytes).min(end).saturating_sub(one.start.max(*start)));
    held.sum()
}
