//! A program that fills a segment, and the core that gcore writes of it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use coreinspect::layout::SegmentContents;
use coreinspect::layout::{Layout, Subject};
use coreinspect::position::Address;
use coreinspect::shm::SharedMemory;
use coreinspect::source::MappedFile;
use coreinspect::targets::{CoreTarget, Target};
use coreinspect::types::Budget;
use coreinspect::types::contents::Window;
use coreinspect::types::decode::{Decoded, Limits, decode};

use crate::tools::{cores_are_plain, have};

pub(crate) fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/dwarf/programs").join(name)
}

/// Compiles `source` with `compiler` in `folder`; `None` without the compiler.
pub(crate) fn compile(folder: &Path, compiler: &str, arguments: &[&str], source: &str) -> Option<PathBuf> {
    if !have(compiler) {
        return None;
    }
    let built = folder.join("program");
    let mut command = Command::new(compiler);
    command.args(arguments).arg(program(source)).arg("-o").arg(&built).current_dir(folder);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(built)
}

/// A dump, and the program that it is of.
pub(crate) struct Dumped {
    pub(crate) program: PathBuf,
    pub(crate) core: PathBuf,
    /// Where the segment was.
    pub(crate) base: u64,
    /// What the program said beside.
    pub(crate) said: Vec<String>,
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Dumped {
    /// Runs `program` until it has said the line that is the last, and has gcore dump it; `None` without gcore.
    pub(crate) fn of(program: &Path, is_last: impl Fn(&str) -> bool) -> Option<Dumped> {
        if !have("gcore") {
            return None;
        }
        let (child, said) = Self::run(program, is_last);
        let folder = program.parent().unwrap();
        let mut gcore = Command::new("gcore");
        gcore.arg("-o").arg(folder.join("core")).arg(child.0.id().to_string()).env_remove("DEBUGINFOD_URLS");
        let output = gcore.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "gcore: {}", String::from_utf8_lossy(&output.stderr));
        let core = folder.join(format!("core.{}", child.0.id()));
        Some(Self::new(program, core, said))
    }

    /// The same, dumped by the kernel: of a program's file it keeps the first page; `None` where it writes no `core`.
    pub(crate) fn by_the_kernel(program: &Path) -> Option<Dumped> {
        if !cores_are_plain() {
            return None;
        }
        let (mut child, said) = Self::run(program, |_| true);
        let pid = nix::unistd::Pid::from_raw(child.0.id().cast_signed());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGABRT).unwrap();
        child.0.wait().unwrap();
        let core = program.with_file_name("core");
        let core = if core.exists() { core } else { core.with_extension(pid.to_string()) };
        Some(Self::new(program, core, said))
    }

    fn run(program: &Path, is_last: impl Fn(&str) -> bool) -> (Killed, Vec<String>) {
        let mut command = Command::new(program);
        command.stdout(Stdio::piped()).current_dir(program.parent().unwrap());
        let mut child = Killed(command.spawn().unwrap());
        let mut said = vec![];
        for line in BufReader::new(child.0.stdout.take().unwrap()).lines().map(Result::unwrap) {
            let last = is_last(&line);
            said.push(line);
            if last {
                break;
            }
        }
        (child, said)
    }

    fn new(program: &Path, core: PathBuf, said: Vec<String>) -> Dumped {
        let base = u64::from_str_radix(said[0].trim_start_matches("0x"), 16).unwrap();
        Dumped { program: program.to_owned(), core, base, said }
    }

    /// What `layout` makes of the segment.
    pub(crate) fn decode(&self, layout: &dyn Layout) -> Result<Decoded, String> {
        self.decode_at(layout, 0)
    }

    /// What `layout` makes of the segment's bytes from `at` on.
    pub(crate) fn decode_at(&self, layout: &dyn Layout, at: u64) -> Result<Decoded, String> {
        self.with_target(|target| {
            let memory = SharedMemory::of(target);
            let base = Address::new(self.base);
            let holds = |segment: &&coreinspect::shm::Segment| {
                segment.attachments.iter().any(|attachment| attachment.base == Some(base))
            };
            let segment = memory.segments.iter().find(holds).expect("the segment is in the dump");
            let contents = SegmentContents { target, segment };
            let machine = target.identity().machine;
            let budget = Budget::unlimited();
            let kind = {
                let subject = Subject::new(&contents, None, machine, Some(target), &budget);
                layout.describe(&subject)?
            };
            let mut window = Window::new(&contents);
            Ok(decode(&kind, at, &mut window, machine, Limits::default(), &Budget::unlimited()).unwrap())
        })
    }

    pub(crate) fn with_target<R>(&self, ask: impl FnOnce(&dyn Target) -> R) -> R {
        let source = MappedFile::open(&self.core).unwrap();
        ask(&CoreTarget::read(Arc::new(source)).unwrap())
    }

    /// What gdb says of `kind` at the segment's start: its size, and its leaves; `None` without gdb.
    pub(crate) fn gdb(&self, kind: &str) -> Option<(u64, Vec<Leaf>)> {
        if !have("gdb") {
            return None;
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/dwarf/leaves.py");
        let mut gdb = Command::new("gdb");
        gdb.args(["-batch", "-nx", "-iex", "set debuginfod enabled off"]).arg(&self.program).arg(&self.core);
        gdb.arg("-x").arg(script).env("TYPE", kind).env("ADDRESS", format!("{:#x}", self.base));
        let output = gdb.env_remove("DEBUGINFOD_URLS").output().unwrap();
        let (said, complaint) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let size = said.lines().find_map(|line| line.strip_prefix("size ")?.parse().ok());
        let leaves = said.lines().filter_map(|line| {
            let mut parts = line.strip_prefix("leaf\t")?.split('\t');
            let (path, bit, value) = (parts.next()?, parts.next()?, parts.next()?);
            Some(Leaf {
                path: path.to_owned(),
                byte: bit.parse::<u64>().unwrap() / 8,
                value: value.to_owned(),
            })
        });
        assert!(!complaint.contains("Traceback") && !complaint.contains("Error"), "gdb: {complaint}");
        Some((size.unwrap_or_else(|| panic!("gdb: {said} {complaint}")), leaves.collect()))
    }
}

/// A value without parts: its path, the byte where it begins, and what it is as Python writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leaf {
    pub(crate) path: String,
    pub(crate) byte: u64,
    pub(crate) value: String,
}

/// The leaves of a decoded value.
pub(crate) fn leaves(decoded: &Decoded) -> Vec<Leaf> {
    fn walk(path: &str, value: &coreinspect::types::value::Value, found: &mut Vec<Leaf>) {
        use coreinspect::types::value::Kind;
        let said = match &value.kind {
            Kind::Struct(members) => {
                for member in members {
                    let dot = if path.is_empty() { "" } else { "." };
                    walk(&format!("{path}{dot}{}", member.name), &member.value, found);
                }
                return;
            }
            Kind::Array(elements, 0) => {
                for (index, element) in elements.iter().enumerate() {
                    walk(&format!("{path}[{index}]"), element, found);
                }
                return;
            }
            Kind::Number(value, _) | Kind::Named(value, _) => value.to_string(),
            Kind::Pointer(value) => value.to_string(),
            Kind::Float(value) => format!("{value:?}"),
            Kind::Text(text) => format!("'{}'", String::from_utf8_lossy(&text.bytes)),
            other => format!("{other:?}"),
        };
        found.push(Leaf { path: path.to_owned(), byte: value.offsets.start().get(), value: said });
    }
    let mut found = vec![];
    walk("", &decoded.value, &mut found);
    found
}
